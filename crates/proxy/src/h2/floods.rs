//! Tells clients at work from clients that only make work. No I/O, no clock.
//!
//! Most attacks on HTTP/2 are lawful frames in unlawful numbers: each costs the client some bytes and
//! us an answer, a wake-up or a request to an endpoint. What a frame is worth depends on what comes
//! of it, so there are two accounts: frames put something on them, useful work and the passage of
//! time take it off again, and whoever overdraws one is sent away.
//!
//! | frames | account | what takes it off |
//! |---|---|---|
//! | PING, SETTINGS, PRIORITY, WINDOW_UPDATE, unknown ones, DATA next to nothing | chatter | requests answered, data both ways |
//! | RST_STREAM of the client, and ours for what the client did wrong | resets | requests answered |
//!
//! A header block has no account but a bound: nothing else may come before its end.
//!
//! On the request path.

use super::frames::{Frame, Frames, Kind};

/// Chatter that is always allowed. Browsers send some hundred frames of it at the start of a
/// connection, and clients with windows of some kilobytes many WINDOW_UPDATEs before the first
/// response is through.
const CHATTER_MAX: u32 = 4_000;
/// Chatter allowed per second. A tenth of a percent of a core; people and keep-alives need a few.
const CHATTER_PER_S: u32 = 200;
/// Resets that are always allowed: two windows of [`super::STREAMS_MAX`] streams, given up together
/// when somebody leaves a page of pictures.
const RESETS_MAX: u32 = 256;
/// Resets allowed per second: a map that is dragged around. An endpoint bears as much.
const RESETS_PER_S: u32 = 50;

/// What a SETTINGS frame costs: it is confirmed, and goes over all streams.
const SETTINGS_COST: u32 = 20;
/// What it costs to send DATA of no use.
const IDLE_DATA_COST: u32 = 4;
/// DATA shorter than this, in bytes, is of no use unless a message ends with it. The shortest
/// messages of gRPC have five bytes.
const DATA_BYTES_MIN: u32 = 5;
/// What a request takes off: PRIORITY and WINDOW_UPDATE frames come with each.
const REQUEST_CREDIT: u32 = 4;
/// What an answered request takes off.
const ANSWER_CREDIT: u32 = 16;
/// What data takes off that is sent or received: up to two WINDOW_UPDATEs and a PING follow.
const DATA_CREDIT: u32 = 4;

/// Longest header block in bytes as it is sent, compressed (hostile-inputs.md row 22).
const BLOCK_BYTES_MAX: u32 = 64 * 1024;
/// Most frames of a header block (row 22). One takes 16 KiB.
const BLOCK_FRAMES_MAX: u32 = 64;

/// Error codes with which streams are reset that break the protocol (RFC 9113 section 7):
/// PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM.
const CODES_OF_FAULTS: [u32; 5] = [0x1, 0x3, 0x5, 0x6, 0x7];

/// Why a client is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Frames that nothing comes of.
    Chatter,
    /// Requests taken back.
    Resets,
    /// A header block without an end.
    HeaderBlock,
}

/// Something a client has used up a part of.
#[derive(Debug)]
struct Account {
    owed: u32,
    max: u32,
    per_s: u32,
    /// Up to when the passage of time was taken off, in milliseconds.
    at_ms: u64,
}

impl Account {
    const fn new(max: u32, per_s: u32) -> Self {
        Self { owed: 0, max, per_s, at_ms: 0 }
    }

    /// Whether there was enough left.
    fn charge(&mut self, cost: u32, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms).saturating_mul(self.per_s.into()) / 1_000;
        if passed > 0 {
            self.at_ms = now_ms;
            self.credit(u32::try_from(passed).unwrap_or(u32::MAX));
        }
        self.owed += cost;
        self.owed <= self.max
    }

    fn credit(&mut self, amount: u32) {
        self.owed = self.owed.saturating_sub(amount);
    }
}

/// A header block that has not ended.
#[derive(Debug)]
struct Block {
    frames: u32,
    bytes: u32,
}

/// What is counted of one connection.
#[derive(Debug)]
pub(super) struct Floods {
    received: Frames,
    sent: Frames,
    chatter: Account,
    resets: Account,
    block: Option<Block>,
    blocks: u64,
}

impl Floods {
    pub(super) const fn new() -> Self {
        Self {
            received: Frames::of_client(),
            sent: Frames::of_server(),
            chatter: Account::new(CHATTER_MAX, CHATTER_PER_S),
            resets: Account::new(RESETS_MAX, RESETS_PER_S),
            block: None,
            blocks: 0,
        }
    }

    /// Counts what the client sent, at this time of any clock that does not go back.
    pub(super) fn receive(&mut self, mut bytes: &[u8], now_ms: u64) -> Result<(), Flood> {
        while let Some(frame) = self.received.next(&mut bytes) {
            self.count(&frame, now_ms)?;
        }
        Ok(())
    }

    /// Counts what we sent: a client that makes us reset streams is no better than one that does
    /// it itself.
    pub(super) fn send(&mut self, mut bytes: &[u8], now_ms: u64) -> Result<(), Flood> {
        while let Some(frame) = self.sent.next(&mut bytes) {
            match frame.kind {
                Kind::Reset if CODES_OF_FAULTS.contains(&frame.error_code()) => {
                    self.charge_reset(now_ms)?;
                }
                Kind::Data if frame.bytes >= DATA_BYTES_MIN => self.chatter.credit(DATA_CREDIT),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes that so many requests were answered to the end.
    pub(super) fn answered(&mut self, requests: u32) {
        self.chatter.credit(ANSWER_CREDIT.saturating_mul(requests));
        self.resets.credit(requests);
    }

    /// The header block that has begun and not ended, by its number.
    pub(super) fn open_block(&self) -> Option<u64> {
        self.block.as_ref().map(|_| self.blocks)
    }

    fn count(&mut self, frame: &Frame, now_ms: u64) -> Result<(), Flood> {
        match frame.kind {
            Kind::Headers => {
                self.blocks += 1;
                self.block = Some(Block { frames: 0, bytes: 0 });
                self.chatter.credit(REQUEST_CREDIT);
                self.extend_block(frame)
            }
            Kind::Continuation => self.extend_block(frame),
            Kind::Data if frame.ends_stream() => Ok(()),
            Kind::Data if frame.data_bytes() < DATA_BYTES_MIN => {
                self.charge_chatter(IDLE_DATA_COST, now_ms)
            }
            Kind::Data => {
                self.chatter.credit(DATA_CREDIT);
                Ok(())
            }
            Kind::Reset => self.charge_reset(now_ms),
            Kind::Settings if !frame.is_ack() => self.charge_chatter(SETTINGS_COST, now_ms),
            Kind::Settings
            | Kind::Ping
            | Kind::Priority
            | Kind::WindowUpdate
            | Kind::GoAway
            | Kind::PushPromise
            | Kind::Other => self.charge_chatter(1, now_ms),
        }
    }

    fn extend_block(&mut self, frame: &Frame) -> Result<(), Flood> {
        // A CONTINUATION of nothing is the codec's to refuse.
        let Some(block) = &mut self.block else { return Ok(()) };
        block.frames += 1;
        block.bytes = block.bytes.saturating_add(frame.bytes);
        if block.frames > BLOCK_FRAMES_MAX || block.bytes > BLOCK_BYTES_MAX {
            return Err(Flood::HeaderBlock);
        }
        if frame.ends_headers() {
            self.block = None;
        }
        Ok(())
    }

    fn charge_chatter(&mut self, cost: u32, now_ms: u64) -> Result<(), Flood> {
        if self.chatter.charge(cost, now_ms) { Ok(()) } else { Err(Flood::Chatter) }
    }

    fn charge_reset(&mut self, now_ms: u64) -> Result<(), Flood> {
        if self.resets.charge(1, now_ms) { Ok(()) } else { Err(Flood::Resets) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::frames::PREFACE;
    use crate::h2::frames::tests::frame;

    fn greeted() -> Floods {
        let mut floods = Floods::new();
        floods.receive(PREFACE, 0).unwrap();
        floods.receive(&frame(4, 0, &[0; 18]), 0).unwrap();
        floods
    }

    /// How many of a frame are taken at once, and why no more.
    fn taken(floods: &mut Floods, bytes: &[u8], now_ms: u64) -> (u32, Flood) {
        for count in 0..100_000 {
            if let Err(flood) = floods.receive(bytes, now_ms) {
                return (count, flood);
            }
        }
        panic!("no end of it");
    }

    #[test]
    fn floods_are_told_by_their_frames() {
        let headers = |flags| frame(1, flags, &[0x82]);
        let rapid_reset = [headers(0x5), frame(3, 0, &[0, 0, 0, 8])].concat();
        let room = CHATTER_MAX - SETTINGS_COST;
        for (name, bytes, expected) in [
            ("PING", frame(6, 0, &[0; 8]), (room, Flood::Chatter)),
            ("PING ACK", frame(6, 1, &[0; 8]), (room, Flood::Chatter)),
            ("SETTINGS", frame(4, 0, &[]), (room / SETTINGS_COST, Flood::Chatter)),
            ("SETTINGS ACK", frame(4, 1, &[]), (room, Flood::Chatter)),
            ("PRIORITY", frame(2, 0, &[0; 5]), (room, Flood::Chatter)),
            ("WINDOW_UPDATE", frame(8, 0, &[0, 0, 0, 1]), (room, Flood::Chatter)),
            ("unknown", frame(0xbe, 0, &[]), (room, Flood::Chatter)),
            ("empty DATA", frame(0, 0, &[]), (room / IDLE_DATA_COST, Flood::Chatter)),
            ("one byte", frame(0, 0, b"x"), (room / IDLE_DATA_COST, Flood::Chatter)),
            (
                "padding",
                frame(0, 8, &[&[255][..], &[0; 255]].concat()),
                (room / IDLE_DATA_COST, Flood::Chatter),
            ),
            ("rapid reset", rapid_reset, (RESETS_MAX, Flood::Resets)),
        ] {
            assert_eq!(taken(&mut greeted(), &bytes, 0), expected, "{name}");
        }
    }

    #[test]
    fn row22_header_blocks_end_within_their_bounds() {
        for (name, first, next, expected) in [
            ("empty frames", frame(1, 0, &[]), frame(9, 0, &[]), BLOCK_FRAMES_MAX - 1),
            ("full frames", frame(1, 0, &[0; 16_384]), frame(9, 0, &[0; 16_384]), 3),
        ] {
            let mut floods = greeted();
            floods.receive(&first, 0).unwrap();
            assert_eq!(taken(&mut floods, &next, 0), (expected, Flood::HeaderBlock), "{name}");
        }
        let mut floods = greeted();
        for _ in 0..1_000 {
            floods.receive(&frame(1, 0, &[0; 16_384]), 0).unwrap();
            assert!(floods.open_block().is_some());
            floods.receive(&frame(9, 4, &[0; 16_384]), 0).unwrap();
            assert!(floods.open_block().is_none());
        }
    }

    #[test]
    fn made_you_reset_counts_like_a_reset() {
        for code in 0..14_u8 {
            let mut floods = greeted();
            let bytes = frame(3, 0, &[0, 0, 0, code]);
            let refused = (0..=RESETS_MAX).any(|_| floods.send(&bytes, 0).is_err());
            let is_fault = CODES_OF_FAULTS.contains(&code.into());
            assert_eq!(refused, is_fault, "code {code}");
        }
    }

    #[test]
    fn who_gets_work_done_may_chatter() {
        let update = frame(8, 0, &[0, 0, 64, 0]);
        let mut floods = greeted();
        // A large download in small pieces, each of which opens both windows again.
        for _ in 0..100_000 {
            floods.send(&frame(0, 0, &[0; 100]), 0).unwrap();
            floods.receive(&[&update[..], &update].concat(), 0).unwrap();
        }
        // A browser that cancels half of what it asks for.
        for _ in 0..10_000 {
            floods.receive(&frame(1, 5, &[0x82]), 0).unwrap();
            floods.answered(1);
            floods.receive(&frame(1, 5, &[0x82]), 0).unwrap();
            floods.receive(&frame(3, 0, &[0, 0, 0, 8]), 0).unwrap();
        }
        // A conversation of short messages.
        for _ in 0..100_000 {
            floods.receive(&frame(0, 0, &[0; 5]), 0).unwrap();
        }
    }

    #[test]
    fn time_takes_it_off() {
        let ping = frame(6, 0, &[0; 8]);
        let mut floods = greeted();
        for _ in SETTINGS_COST..CHATTER_MAX {
            floods.receive(&ping, 0).unwrap();
        }
        let per_unit_ms = 1_000 / u64::from(CHATTER_PER_S);
        for unit in 1..100 {
            floods.receive(&ping, unit * per_unit_ms).unwrap();
        }
        assert_eq!(floods.receive(&ping, 99 * per_unit_ms), Err(Flood::Chatter));

        let mut floods = greeted();
        for second in 1..10_000 {
            for _ in 0..CHATTER_PER_S {
                floods.receive(&ping, second * 1_000).unwrap();
            }
        }
        assert_eq!(taken(&mut floods, &ping, 10_000_000), (CHATTER_MAX, Flood::Chatter));
    }
}
