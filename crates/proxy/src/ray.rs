//! Ray ids: one per request, in its log line, its endpoint's request and its response, so that a
//! user's screenshot finds the line (behaviour.md 11.1).

/// Longest ray in bytes: 16 hex digits, a hyphen, and a PoP code of up to 15.
const RAY_BYTES_MAX: usize = 32;

/// `230b030023ae2822-SJC`: 64 bits of chance and the PoP's code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ray {
    bytes: [u8; RAY_BYTES_MAX],
    len: usize,
}

impl Ray {
    /// From 64 random bits. A PoP code beyond the bound is cut.
    pub(crate) fn new(chance: u64, pop: &str) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [b'-'; RAY_BYTES_MAX];
        for (place, byte) in bytes[..16].iter_mut().enumerate() {
            *byte = DIGITS[(chance >> (60 - 4 * place)) as usize & 15];
        }
        let pop = &pop.as_bytes()[..pop.len().min(RAY_BYTES_MAX - 17)];
        bytes[17..17 + pop.len()].copy_from_slice(pop);
        Self { bytes, len: 17 + pop.len() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_digits_and_the_pop() {
        assert_eq!(Ray::new(0x230b_0300_23ae_2822, "SJC").as_str(), "230b030023ae2822-SJC");
        assert_eq!(Ray::new(1, "LOC").as_str(), "0000000000000001-LOC");
    }
}
