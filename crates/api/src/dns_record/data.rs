//! What a record says, as a DNS server needs it: names and addresses where it must look at them,
//! finished RDATA where it only hands them on.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::document::RecordType;
use super::fields::{self, unbase64};
use super::name;
use super::tokens::{CHARACTER_STRING_BYTES_MAX, tokens};

/// What a record says. Host names are as the user wrote them, in ASCII and without a final dot; `.`
/// alone is the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name this is another name of.
    Cname(String),
    /// A name server.
    Ns(String),
    /// The name of an address.
    Ptr(String),
    /// A mail server.
    Mx {
        /// Lower is preferred.
        preference: u16,
        /// Its name.
        exchange: String,
    },
    /// Where a service is.
    Srv {
        /// Lower is preferred.
        priority: u16,
        /// Share among equal priorities.
        weight: u16,
        /// TCP or UDP port.
        port: u16,
        /// Its name.
        target: String,
    },
    /// Character strings of at most 255 bytes each, at least one.
    Txt(Vec<Vec<u8>>),
    /// The RDATA of every other type, names in it not compressed.
    Other(Vec<u8>),
}

impl RecordData {
    /// Reads content, and the priority beside it.
    ///
    /// # Errors
    /// What is wrong with the content, to be put behind "content for A record".
    pub fn parse(r#type: RecordType, content: &str, priority: Option<u16>) -> Result<Self, String> {
        let host = || name::host(content).ok_or_else(|| "must be a host name".to_owned());
        Ok(match r#type {
            RecordType::A => {
                Self::A(content.parse().map_err(|_| "must be a valid IPv4 address".to_owned())?)
            }
            RecordType::Aaaa => {
                Self::Aaaa(content.parse().map_err(|_| "must be a valid IPv6 address".to_owned())?)
            }
            RecordType::Cname => Self::Cname(host()?),
            RecordType::Ns => Self::Ns(host()?),
            RecordType::Ptr => Self::Ptr(host()?),
            RecordType::Mx => {
                Self::Mx { preference: priority.unwrap_or_default(), exchange: host()? }
            }
            RecordType::Txt => Self::Txt(strings(content)?),
            RecordType::Openpgpkey => {
                let key = unbase64(content).filter(|key| !key.is_empty());
                Self::Other(key.ok_or_else(|| "must be base64".to_owned())?)
            }
            r#type => Self::structured(r#type, content, priority)?,
        })
    }

    fn structured(
        r#type: RecordType,
        content: &str,
        priority: Option<u16>,
    ) -> Result<Self, String> {
        let data =
            fields::parse(r#type, content).map_err(|reason| format!("is invalid: {reason}"))?;
        let rdata = fields::wire(r#type, &data).ok_or_else(|| "is invalid".to_owned())?;
        Ok(match (r#type, rdata.as_slice(), data.get("target")) {
            (
                RecordType::Srv,
                &[p1, p2, w1, w2, o1, o2, ..],
                Some(fields::Member::Text(target)),
            ) => Self::Srv {
                priority: u16::from_be_bytes([p1, p2]),
                weight: u16::from_be_bytes([w1, w2]),
                port: u16::from_be_bytes([o1, o2]),
                target: target.clone(),
            },
            (RecordType::Uri, ..) => {
                let mut whole = priority.unwrap_or_default().to_be_bytes().to_vec();
                whole.extend(rdata);
                Self::Other(whole)
            }
            _ => Self::Other(rdata),
        })
    }

    /// The RDATA (RFC 1035 section 3.2.1), names in it not compressed and in the letter case
    /// written.
    #[must_use]
    pub fn rdata(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::A(ip) => out.extend_from_slice(&ip.octets()),
            Self::Aaaa(ip) => out.extend_from_slice(&ip.octets()),
            Self::Cname(name) | Self::Ns(name) | Self::Ptr(name) => name::wire(name, &mut out),
            Self::Mx { preference, exchange } => {
                out.extend_from_slice(&preference.to_be_bytes());
                name::wire(exchange, &mut out);
            }
            Self::Srv { priority, weight, port, target } => {
                for number in [priority, weight, port] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
                name::wire(target, &mut out);
            }
            Self::Txt(strings) => {
                for string in strings {
                    out.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
                    out.extend_from_slice(string);
                }
            }
            Self::Other(rdata) => out.extend_from_slice(rdata),
        }
        out
    }
}

/// The character strings of TXT content: those in quotes, each cut where it is too long, or the
/// content as it is when it does not begin with a quote.
fn strings(content: &str) -> Result<Vec<Vec<u8>>, String> {
    let texts: Vec<Vec<u8>> = if content.trim_start().starts_with('"') {
        let words = tokens(content).ok_or("must close its quotes, and escape those inside")?;
        if words.iter().any(|word| !word.quoted) {
            return Err("must have all of its strings in quotes, or none".to_owned());
        }
        words.into_iter().map(|word| word.bytes).collect()
    } else {
        alloc::vec![content.as_bytes().to_owned()]
    };
    let pieces = |text: Vec<u8>| -> Vec<Vec<u8>> {
        if text.is_empty() {
            return alloc::vec![text];
        }
        text.chunks(CHARACTER_STRING_BYTES_MAX).map(<[u8]>::to_vec).collect()
    };
    Ok(texts.into_iter().flat_map(pieces).collect())
}
