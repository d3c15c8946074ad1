//! What EDNS carries beside a query and beside its response (RFC 6891).

use std::net::IpAddr;

use domain::base::opt::ClientSubnet as SubnetOption;
use domain::dep::octseq::Parser;
use evenkeel_decision::ClientSubnet;

use super::number::{Rcode, rtype};

/// Most bytes of a response by UDP, whatever the client would take. Fits one packet on every usual
/// path, so that nothing is fragmented (DNS flag day 2020).
pub const UDP_BYTES_MAX: u16 = 1232;

/// Most bytes of a response by UDP to a client without EDNS (RFC 1035 section 4.2.1).
pub const UDP_BYTES_PLAIN: u16 = 512;

/// Option numbers (IANA, DNS EDNS0 Option Codes).
pub(super) mod option {
    pub(in crate::wire) const NSID: u16 = 3;
    pub(in crate::wire) const SUBNET: u16 = 8;
    pub(in crate::wire) const COOKIE: u16 = 10;
    pub(in crate::wire) const KEEPALIVE: u16 = 11;
    pub(in crate::wire) const ERROR: u16 = 15;
}

/// What a query's OPT record says. Options and flags that are unknown here are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns<'b> {
    /// Largest response the client takes by UDP, as it says.
    pub udp_bytes: u16,
    /// 0, the only version there is; others are refused.
    pub version: u8,
    /// Whether signatures and proofs are asked for (DO, RFC 3225).
    pub dnssec_ok: bool,
    /// Whether a proof may say that a name does not exist by a response code that the records do
    /// not bear out (CO, RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// For whom the query is (RFC 7871).
    pub subnet: Option<ClientSubnet>,
    /// The client's cookie, and ours if it has one (RFC 7873).
    pub cookie: Option<Cookie<'b>>,
    /// Whether it asks which server answers (RFC 5001).
    pub nsid: bool,
    /// Whether it asks how long a connection may stay (RFC 7828).
    pub keepalive: bool,
}

/// A cookie as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'b> {
    /// The client's part.
    pub client: [u8; 8],
    /// The server's part: nothing, or 8 to 32 bytes.
    pub server: &'b [u8],
}

/// What the server adds to a response's OPT record. Nothing of it goes out to a client without
/// EDNS.
#[derive(Debug, Clone, Copy)]
pub struct EdnsOut<'a> {
    /// Largest query taken by UDP, in bytes.
    pub udp_bytes: u16,
    /// The whole cookie, the client's part first; empty for none.
    pub cookie: &'a [u8],
    /// Which server this is, told to those who ask; empty for none.
    pub nsid: &'a [u8],
    /// How long an idle connection stays, in tenths of a second, told to those who ask.
    pub keepalive_ds: Option<u16>,
    /// What the response's code alone does not say.
    pub error: Option<ExtendedError>,
}

impl Default for EdnsOut<'_> {
    fn default() -> Self {
        Self { udp_bytes: UDP_BYTES_MAX, cookie: &[], nsid: &[], keepalive_ds: None, error: None }
    }
}

/// Why a query was not answered (RFC 8914 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtendedError {
    /// The client may not ask for that.
    Prohibited,
    /// The name is in no zone that is served here.
    NotAuthoritative,
    /// Nothing of the kind is done here.
    NotSupported,
    /// Whoever knows what the name leads to could not be reached.
    NoReachableAuthority,
}

impl ExtendedError {
    /// The number (IANA, Extended DNS Error Codes).
    const fn number(self) -> u16 {
        match self {
            Self::Prohibited => 18,
            Self::NotAuthoritative => 20,
            Self::NotSupported => 21,
            Self::NoReachableAuthority => 22,
        }
    }
}

impl<'b> Edns<'b> {
    /// Reads an OPT record's fixed part: what stands where others have class and TTL.
    pub(super) const fn new(class: u16, ttl: u32) -> Self {
        Self {
            udp_bytes: class,
            version: ttl.to_be_bytes()[1],
            dnssec_ok: ttl & 0x8000 != 0,
            compact_ok: ttl & 0x4000 != 0,
            subnet: None,
            cookie: None,
            nsid: false,
            keepalive: false,
        }
    }

    /// Reads the options. Of those that come twice, the last counts, but for cookies.
    ///
    /// # Errors
    /// When they do not fill the record, or one that is known here is malformed.
    pub(super) fn read_options(&mut self, mut rest: &'b [u8]) -> Result<(), Malformed> {
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            let [c1, c2, l1, l2] = *head;
            let length = usize::from(u16::from_be_bytes([l1, l2]));
            let (data, after) = after.split_at_checked(length).ok_or(Malformed)?;
            match u16::from_be_bytes([c1, c2]) {
                // A payload is to be ignored (RFC 5001 section 2.1).
                option::NSID => self.nsid = true,
                option::SUBNET => self.subnet = Some(read_subnet(data)?),
                option::COOKIE => {
                    let cookie = Cookie::read(data).ok_or(Malformed)?;
                    // The first counts (RFC 7873 section 5.2).
                    self.cookie.get_or_insert(cookie);
                }
                option::KEEPALIVE => self.keepalive = true,
                _ => {}
            }
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Bytes that a response by UDP may have.
    #[must_use]
    pub fn udp_limit(&self, ours: u16) -> u16 {
        self.udp_bytes.clamp(UDP_BYTES_PLAIN, ours.max(UDP_BYTES_PLAIN))
    }
}

/// What was sent is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'b> Cookie<'b> {
    /// The lengths are those of RFC 7873 section 5.2.2.
    fn read(data: &'b [u8]) -> Option<Self> {
        let (client, server) = data.split_first_chunk::<8>()?;
        matches!(server.len(), 0 | 8..=32).then_some(Self { client: *client, server })
    }
}

/// The family, the length of the address and the zero bits behind the prefix are checked by the
/// library (RFC 7871 section 7.1.2 has all of that refused); that no scope is claimed, here.
fn read_subnet(data: &[u8]) -> Result<ClientSubnet, Malformed> {
    let subnet = SubnetOption::parse(&mut Parser::from_ref(&data)).map_err(|_| Malformed)?;
    if subnet.scope_prefix_len() != 0 {
        return Err(Malformed);
    }
    let address: IpAddr = subnet.addr();
    Ok(ClientSubnet { address, prefix: subnet.source_prefix_len() })
}

/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;

/// Writes the OPT record of one response.
#[derive(Debug)]
pub(super) struct OptWriter<'a> {
    rcode: Rcode,
    dnssec_ok: bool,
    udp_bytes: u16,
    subnet: Option<(ClientSubnet, u8)>,
    cookie: &'a [u8],
    nsid: &'a [u8],
    keepalive_ds: Option<u16>,
    error: Option<ExtendedError>,
}

impl<'a> OptWriter<'a> {
    /// For a client's OPT record. The DO bit comes back (RFC 3225 section 3); flags and options that
    /// are unknown here do not. A client subnet comes back with the length of the prefix that the
    /// answer is for (RFC 7871 section 7.2.1).
    pub(super) fn new(edns: &Edns<'_>, rcode: Rcode, scope: u8, out: &EdnsOut<'a>) -> Self {
        Self {
            rcode,
            dnssec_ok: edns.dnssec_ok,
            udp_bytes: out.udp_bytes,
            subnet: edns.subnet.map(|subnet| (subnet, scope)),
            cookie: out.cookie,
            nsid: if edns.nsid { out.nsid } else { &[] },
            keepalive_ds: out.keepalive_ds.filter(|_| edns.keepalive),
            error: out.error,
        }
    }

    /// The same without options, where those would not fit: the cookie excepted.
    pub(super) fn within(self, room: usize) -> Self {
        if self.bytes() <= room {
            return self;
        }
        Self { subnet: None, nsid: &[], keepalive_ds: None, error: None, ..self }
    }

    /// How many bytes will be written.
    pub(super) fn bytes(&self) -> usize {
        OPT_BYTES + self.options_bytes()
    }

    fn options_bytes(&self) -> usize {
        let option = |data: &[u8]| if data.is_empty() { 0 } else { 4 + data.len() };
        let subnet = self.subnet.map_or(0, |(subnet, _)| 8 + address_bytes(subnet));
        let keepalive = self.keepalive_ds.map_or(0, |_| 6);
        let error = self.error.map_or(0, |_| 6);
        option(self.cookie) + option(self.nsid) + subnet + keepalive + error
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let rcode_high = (self.rcode.number() >> 4) as u8;
        let [u1, u2] = self.udp_bytes.to_be_bytes();
        let flags = if self.dnssec_ok { 0x80 } else { 0 };
        let [l1, l2] = u16::try_from(self.options_bytes()).unwrap_or(0).to_be_bytes();
        out.extend_from_slice(&[0, 0, rtype::OPT as u8, u1, u2, rcode_high, 0, flags, 0, l1, l2]);
        let option = |out: &mut Vec<u8>, code: u16, length: usize| {
            out.extend_from_slice(&code.to_be_bytes());
            out.extend_from_slice(&u16::try_from(length).unwrap_or(0).to_be_bytes());
        };
        for (code, data) in [(option::COOKIE, self.cookie), (option::NSID, self.nsid)] {
            if !data.is_empty() {
                option(out, code, data.len());
                out.extend_from_slice(data);
            }
        }
        if let Some((subnet, scope)) = self.subnet {
            let length = address_bytes(subnet);
            option(out, option::SUBNET, 4 + length);
            let (family, octets) = match subnet.address {
                IpAddr::V4(v4) => (1, &v4.octets()[..]),
                IpAddr::V6(v6) => (2, &v6.octets()[..]),
            };
            out.extend_from_slice(&[0, family, subnet.prefix, scope]);
            out.extend_from_slice(&octets[..length]);
        }
        if let Some(keepalive_ds) = self.keepalive_ds {
            option(out, option::KEEPALIVE, 2);
            out.extend_from_slice(&keepalive_ds.to_be_bytes());
        }
        if let Some(error) = self.error {
            option(out, option::ERROR, 2);
            out.extend_from_slice(&error.number().to_be_bytes());
        }
    }
}

/// Bytes that the address of a client subnet has on the wire.
fn address_bytes(subnet: ClientSubnet) -> usize {
    usize::from(subnet.prefix).div_ceil(8)
}
