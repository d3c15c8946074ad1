//! Frames of WebSocket (RFC 6455 section 5), as far as an echo needs them: one binary message at a
//! time, unfragmented on our side. Pure: bytes in, what they mean out.

/// FIN and the opcode of a binary frame.
const BINARY: u8 = 0x82;

/// A masking key like any other; masks protect proxies without WebSocket, not measurements.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What came is not a frame that can be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A message of that many bytes as a client sends it.
pub fn client_message(bytes: usize) -> Vec<u8> {
    let mut frame = vec![BINARY];
    push_length(&mut frame, 0x80, bytes);
    frame.extend_from_slice(&MASK);
    let payload = (b'a'..=b'z').cycle().take(bytes);
    frame.extend(payload.zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn push_length(frame: &mut Vec<u8>, mask: u8, bytes: usize) {
    match bytes {
        0..=125 => frame.push(mask | bytes as u8),
        126..=0xffff => {
            frame.push(mask | 126);
            frame.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        _ => {
            frame.push(mask | 127);
            frame.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// The last frame of its message.
    pub is_last: bool,
    /// 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// Key that the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Length of the payload.
    pub length: u64,
    /// Length of this head.
    pub head_bytes: usize,
}

impl FrameHead {
    /// The head at the start of `bytes`, once all of it is there.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (length, more) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?)), 2),
            127 => (u64::from_be_bytes(rest.get(..8)?.try_into().ok()?), 8),
            short => (u64::from(short), 0),
        };
        let masked = second & 0x80 != 0;
        let mask = match masked {
            true => Some(rest.get(more..more + 4)?.try_into().ok()?),
            false => None,
        };
        let head_bytes = 2 + more + if masked { 4 } else { 0 };
        Some(Self { is_last: first & 0x80 != 0, opcode: first & 0x0f, mask, length, head_bytes })
    }

    /// The head of a frame that repeats this one's message without a mask.
    pub fn unmasked(&self) -> Vec<u8> {
        let mut frame = vec![u8::from(self.is_last) << 7 | self.opcode];
        push_length(&mut frame, 0, usize::try_from(self.length).unwrap_or(usize::MAX));
        frame
    }
}

/// An echo on its way: the payload is counted, control frames in between are passed over.
#[derive(Debug, Clone)]
pub struct Echo {
    /// Bytes of the payload to come, and whether they belong to the message and end it.
    payload: Option<Payload>,
    bytes: u64,
    done: bool,
}

#[derive(Debug, Clone, Copy)]
struct Payload {
    left: u64,
    is_message: bool,
    is_last: bool,
}

impl Echo {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self { payload: None, bytes: 0, done: false }
    }

    /// Takes as much of `bytes` as it understands and says how much that was.
    ///
    /// # Errors
    ///
    /// A close, or what no server may send.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut taken = 0;
        while !self.done {
            let rest = &bytes[taken..];
            match &mut self.payload {
                None => {
                    let Some(head) = FrameHead::parse(rest) else { break };
                    let is_message = matches!(head.opcode, 0..=2);
                    if head.mask.is_some() || !(is_message || matches!(head.opcode, 9 | 10)) {
                        return Err(Malformed);
                    }
                    let is_last = is_message && head.is_last;
                    self.payload = Some(Payload { left: head.length, is_message, is_last });
                    taken += head.head_bytes;
                }
                Some(payload) => {
                    let step = (rest.len() as u64).min(payload.left);
                    payload.left -= step;
                    if payload.is_message {
                        self.bytes += step;
                    }
                    taken += step as usize;
                    if payload.left > 0 {
                        break;
                    }
                    self.done = payload.is_last;
                    self.payload = None;
                }
            }
        }
        Ok(taken)
    }

    /// Length of the message, once it is whole.
    pub fn finished(&self) -> Option<u64> {
        self.done.then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_length() {
        for length in [0_usize, 1, 125, 126, 65_535, 65_536] {
            let frame = client_message(length);
            let head = FrameHead::parse(&frame).expect("whole");
            let expected = (true, 2, Some(MASK), length as u64, frame.len() - length);
            let FrameHead { is_last, opcode, mask, length: bytes, head_bytes } = head;
            assert_eq!((is_last, opcode, mask, bytes, head_bytes), expected);
            for part in 0..head_bytes {
                assert_eq!(FrameHead::parse(&frame[..part]), None, "{part} bytes of {length}");
            }
            let again = FrameHead::parse(&head.unmasked()).expect("whole");
            assert_eq!((again.opcode, again.mask, again.length), (2, None, length as u64));
        }
    }

    #[test]
    fn an_echo_in_pieces_with_a_ping_and_fragments() {
        // A ping with two bytes, a first frame with three, a last one with one.
        let bytes = [0x89, 2, 1, 2, 0x02, 3, b'a', b'b', b'c', 0x80, 1, b'd'];
        for piece in 1..=bytes.len() {
            let mut echo = Echo::new();
            let mut held = Vec::new();
            for part in bytes.chunks(piece) {
                assert_eq!(echo.finished(), None);
                held.extend_from_slice(part);
                let taken = echo.advance(&held).expect("well-formed");
                held.drain(..taken);
            }
            assert_eq!((echo.finished(), held.len()), (Some(4), 0), "pieces of {piece}");
        }
    }

    #[test]
    fn closes_and_masks_are_no_echo() {
        assert_eq!(Echo::new().advance(&[0x88, 0]), Err(Malformed));
        assert_eq!(Echo::new().advance(&client_message(2)), Err(Malformed));
    }
}
