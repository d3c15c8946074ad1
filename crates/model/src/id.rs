//! Identifiers that cannot be swapped for one another. On the wire each is 32 lower-case hex
//! digits (api.md 1.5).

use core::fmt;
use core::str::FromStr;

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier is 32 lower-case hexadecimal digits")
    }
}

impl core::error::Error for IdError {}

fn parse_hex(text: &str) -> Result<[u8; 16], IdError> {
    fn digit(byte: u8) -> Result<u8, IdError> {
        match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(IdError),
        }
    }
    let bytes = text.as_bytes();
    if bytes.len() != 32 {
        return Err(IdError);
    }
    let mut id = [0; 16];
    for (out, pair) in id.iter_mut().zip(bytes.chunks_exact(2)) {
        *out = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(id)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

ids! {
    /// Names an account, the owner of pools, monitors and zones.
    AccountId;
    /// Names a DNS zone, the owner of load balancers.
    ZoneId;
    /// Names a load balancer.
    LoadBalancerId;
    /// Names a pool.
    PoolId;
    /// Names a monitor.
    MonitorId;
}

/// What makes an endpoint the same endpoint over renames, reorders and restarts: a fixed hash of
/// pool, address, port and virtual network (behaviour.md 3, "Endpoint identity").
///
/// Sessions, health, counters and pooled connections go by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u64);

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_bytes_agree() {
        let text = "1a2b3c4d5e6f708192a3b4c5d6e7f809";
        assert_eq!(text.parse::<PoolId>().unwrap().to_string(), text);
    }

    #[test]
    fn other_lengths_and_letters_are_refused() {
        for text in
            ["", "1a2b", "f9138c5d07c2e2f4df57b1f61d4196", "1A2B3C4D5E6F708192A3B4C5D6E7F809"]
        {
            assert_eq!(text.parse::<PoolId>(), Err(IdError), "{text}");
        }
    }
}
