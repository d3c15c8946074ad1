//! Where frames begin and end in the bytes of an HTTP/2 connection (RFC 9113 section 4.1). No I/O.
//!
//! Says nothing of what frames mean, and does not judge them: that is the codec's work. This is for
//! those who count.
//!
//! On the request path.

/// What a client sends first (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length of a frame's head.
const HEAD_BYTES: usize = 9;

/// Bytes of a payload that are looked at: the padding length of DATA, the code of RST_STREAM.
const LEAD_BYTES_MAX: usize = 4;

/// The type of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An extension, which the codec ignores.
    Other,
}

/// A frame whose head, and what is looked at of its payload, has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    flags: u8,
    /// Length of the payload, padding included.
    pub(super) bytes: u32,
    lead: [u8; LEAD_BYTES_MAX],
}

impl Frame {
    const ACK_OR_END_STREAM: u8 = 0x1;
    const END_HEADERS: u8 = 0x4;
    const PADDED: u8 = 0x8;

    fn new(head: [u8; HEAD_BYTES]) -> Self {
        let [high, middle, low, kind, flags, ..] = head;
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::Reset,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            6 => Kind::Ping,
            7 => Kind::GoAway,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            _ => Kind::Other,
        };
        let bytes = u32::from_be_bytes([0, high, middle, low]);
        Self { kind, flags, bytes, lead: [0; LEAD_BYTES_MAX] }
    }

    /// How much of the payload is looked at.
    fn lead_bytes(&self) -> usize {
        let wanted = match self.kind {
            Kind::Data if self.flags & Self::PADDED != 0 => 1,
            Kind::Reset => 4,
            _ => 0,
        };
        wanted.min(self.bytes as usize)
    }

    /// Whether it confirms another. Of PING and SETTINGS.
    pub(super) fn is_ack(&self) -> bool {
        self.flags & Self::ACK_OR_END_STREAM != 0
    }

    /// Whether its stream's message ends with it. Of DATA and HEADERS.
    pub(super) fn ends_stream(&self) -> bool {
        self.flags & Self::ACK_OR_END_STREAM != 0
    }

    /// Whether the header block ends with it. Of HEADERS, CONTINUATION and PUSH_PROMISE.
    pub(super) fn ends_headers(&self) -> bool {
        self.flags & Self::END_HEADERS != 0
    }

    /// What a DATA frame carries without its padding.
    pub(super) fn data_bytes(&self) -> u32 {
        if self.flags & Self::PADDED == 0 {
            return self.bytes;
        }
        self.bytes.saturating_sub(1 + u32::from(self.lead[0]))
    }

    /// The code of a RST_STREAM.
    pub(super) fn error_code(&self) -> u32 {
        u32::from_be_bytes(self.lead)
    }
}

/// Follows one direction of a connection.
///
/// ```text
///  Preface ─▶ Head ─▶ Lead ─▶ Payload ─┐
///               ▲        yields        │
///               └──────────────────────┘
/// ```
#[derive(Debug)]
pub(super) struct Frames {
    preface_left: usize,
    head: [u8; HEAD_BYTES],
    head_len: usize,
    /// The frame whose head is whole, until its lead is as well.
    frame: Option<Frame>,
    lead_len: usize,
    payload_left: usize,
}

impl Frames {
    /// What a client sends, from its preface on.
    pub(super) const fn of_client() -> Self {
        Self::after(PREFACE.len())
    }

    /// What a server sends.
    pub(super) const fn of_server() -> Self {
        Self::after(0)
    }

    const fn after(preface_left: usize) -> Self {
        Self {
            preface_left,
            head: [0; HEAD_BYTES],
            head_len: 0,
            frame: None,
            lead_len: 0,
            payload_left: 0,
        }
    }

    /// The next frame that begins in `bytes`, which is left with what comes after the part of it
    /// that was looked at. Call it until it has none.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        skip(bytes, &mut self.preface_left);
        skip(bytes, &mut self.payload_left);
        let frame = match &mut self.frame {
            Some(frame) => frame,
            none => {
                let (taken, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head_len));
                self.head[self.head_len..self.head_len + taken.len()].copy_from_slice(taken);
                self.head_len += taken.len();
                *bytes = rest;
                if self.head_len < HEAD_BYTES {
                    return None;
                }
                self.head_len = 0;
                self.lead_len = 0;
                none.insert(Frame::new(self.head))
            }
        };
        let (lead, rest) = bytes.split_at(bytes.len().min(frame.lead_bytes() - self.lead_len));
        frame.lead[self.lead_len..self.lead_len + lead.len()].copy_from_slice(lead);
        self.lead_len += lead.len();
        *bytes = rest;
        if self.lead_len < frame.lead_bytes() {
            return None;
        }
        self.payload_left = frame.bytes as usize - self.lead_len;
        self.frame.take()
    }
}

fn skip(bytes: &mut &[u8], left: &mut usize) {
    let skipped = bytes.len().min(*left);
    *bytes = &bytes[skipped..];
    *left -= skipped;
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A frame on the wire.
    pub(in crate::h2) fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(payload);
        bytes
    }

    fn found(frames: &mut Frames, pieces: &[&[u8]]) -> Vec<Frame> {
        let mut found = Vec::new();
        for mut piece in pieces.iter().copied() {
            found.extend(std::iter::from_fn(|| frames.next(&mut piece)));
        }
        found
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(4, 0, &[]));
        bytes.extend(frame(0, 0x8, &[3, b'a', b'b', 0, 0, 0]));
        bytes.extend(frame(3, 0, &[0, 0, 0, 8]));
        bytes.extend(frame(0x10, 0, &[7; 300]));
        bytes.extend(frame(0, 0x1, b"hello"));
        let whole = found(&mut Frames::of_client(), &[&bytes]);
        let kinds: Vec<_> = whole.iter().map(|frame| frame.kind).collect();
        assert_eq!(kinds, [Kind::Settings, Kind::Data, Kind::Reset, Kind::Other, Kind::Data]);
        assert_eq!((whole[1].data_bytes(), whole[1].ends_stream()), (2, false));
        assert_eq!(whole[2].error_code(), 8);
        assert_eq!((whole[4].data_bytes(), whole[4].ends_stream()), (5, true));
        for size in 1..40 {
            let pieces: Vec<_> = bytes.chunks(size).collect();
            assert_eq!(found(&mut Frames::of_client(), &pieces), whole, "in pieces of {size}");
        }
    }

    #[test]
    fn malformed_frames_are_passed_by() {
        let mut bytes = frame(0, 0x8, &[]);
        bytes.extend(frame(3, 0, &[1]));
        bytes.extend(frame(0, 0x8, &[200, 1]));
        bytes.extend(frame(6, 1, &[0; 8]));
        let found = found(&mut Frames::of_server(), &[&bytes]);
        assert_eq!(found.len(), 4);
        assert_eq!((found[0].data_bytes(), found[2].data_bytes()), (0, 0));
        assert!(found[3].is_ack());
    }
}
