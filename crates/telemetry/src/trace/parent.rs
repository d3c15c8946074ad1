//! The `traceparent` field (W3C Trace Context level 1, section 3.2).
//!
//! ```text
//! 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//! version  trace id                  span id         flags
//! ```

/// Bytes of a value of version 0.
const BYTES: usize = 55;

/// The flag that says that whoever called records its spans.
const SAMPLED: u8 = 1;

/// What a caller says of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// Of the whole trace; not all zeros.
    pub trace_id: [u8; 16],
    /// Of the caller's span; not all zeros.
    pub span_id: [u8; 8],
    /// Whether the caller records.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads a value. `None` for what is not valid: then the request begins a trace of its own.
    ///
    /// A version to come may have more behind the flags, after another dash (section 3.2.4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, rest) = value.split_at_checked(BYTES)?;
        let version = hex::<1>(&known[..2])?[0];
        let goes_on = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let are_dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
        let trace_id = hex::<16>(&known[3..35])?;
        let span_id = hex::<8>(&known[36..52])?;
        let flags = hex::<1>(&known[53..])?[0];
        let is_valid = goes_on && are_dashes && trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, is_sampled: flags & SAMPLED != 0 })
    }

    /// Writes the value.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"00-");
        write_hex(out, &self.trace_id);
        out.push(b'-');
        write_hex(out, &self.span_id);
        out.extend_from_slice(if self.is_sampled { b"-01" } else { b"-00" });
    }
}

/// Lower-case digits only: others are not valid (section 3.2.2).
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_judged_as_the_recommendation_says() {
        const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
        const SPAN: &str = "b7ad6b7169203331";
        for (value, sampled) in [
            (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
            (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-fe"), Some(false)),
            (format!("cc-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("cc-{TRACE}-{SPAN}-01-what-comes"), Some(true)),
            (format!("cc-{TRACE}-{SPAN}-01."), None),
            (format!("00-{TRACE}-{SPAN}-01-more"), None),
            (format!("00-{TRACE}-{SPAN}-01-"), None),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("0-{TRACE}-{SPAN}-01"), None),
            (format!("0X-{TRACE}-{SPAN}-01"), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-{SPAN}-1"), None),
            (format!("00-{TRACE}-{SPAN}-0g"), None),
            (format!("00-{TRACE}_{SPAN}-01"), None),
            (format!(" 00-{TRACE}-{SPAN}-01"), None),
            (String::new(), None),
        ] {
            let parsed = TraceParent::parse(value.as_bytes());
            assert_eq!(parsed.map(|parent| parent.is_sampled), sampled, "{value}");
            if let Some(parent) = parsed {
                let mut out = Vec::new();
                parent.write(&mut out);
                assert_eq!(out[3..52], value.as_bytes()[3..52]);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(trace_id: [u8; 16], span_id: [u8; 8], is_sampled: bool) {
            prop_assume!(trace_id != [0; 16] && span_id != [0; 8]);
            let parent = TraceParent { trace_id, span_id, is_sampled };
            let mut out = Vec::new();
            parent.write(&mut out);
            prop_assert_eq!(TraceParent::parse(&out), Some(parent));
        }

        #[test]
        fn any_bytes_are_judged(value: Vec<u8>) {
            let _ = TraceParent::parse(&value);
        }
    }
}
