//! The PROXY protocol, versions 1 and 2: who connects, told by a load balancer in the first bytes of
//! a connection (haproxy.org/download/3.3/doc/proxy-protocol.txt).
//!
//! The codec is sans-I/O; [`receive`] takes exactly the header from a socket and not a byte of what
//! follows it. Whom to believe is the caller's to know: anybody can write a header.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How a header of version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Longest header of version 1, with its line end (section 2.1).
const V1_BYTES_MAX: usize = 107;
/// Bytes of a header of version 2 before its addresses.
const V2_FIXED_BYTES: usize = 16;
/// Longest header taken. Addresses take 36 bytes at most; what follows them are extensions, which
/// are some hundred bytes where they are used. The field would allow 64 KiB.
pub const HEADER_BYTES_MAX: usize = 4096;

/// Type of the extension that holds a checksum over the header (section 2.2.4).
const CRC32C: u8 = 0x03;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Who connected, and to where; `None` when the sender speaks for itself or does not know.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
}

/// Why a connection's first bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// They begin otherwise.
    Missing,
    /// They break the grammar.
    Malformed,
    /// It is longer than [`HEADER_BYTES_MAX`].
    TooLong,
    /// Its checksum is of something else.
    Checksum,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the connection does not begin with a PROXY header",
            Self::Malformed => "the PROXY header is malformed",
            Self::TooLong => "the PROXY header is too long",
            Self::Checksum => "the checksum of the PROXY header is wrong",
        })
    }
}

impl std::error::Error for HeaderError {}

/// Why no header came.
#[derive(Debug)]
pub enum ReceiveError {
    /// The peer sent something else.
    Header(HeaderError),
    /// The connection ended or failed first.
    Io(io::Error),
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<HeaderError> for ReceiveError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

/// Writes a header of version 1: a connection from `source` to `target` is passed on.
pub fn write_v1(out: &mut Vec<u8>, source: SocketAddr, target: SocketAddr) {
    let (family, [from, to]) = match (source.ip(), target.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => ("TCP4", [source.ip(), target.ip()]),
        (source, target) => ("TCP6", [v6(source).into(), v6(target).into()]),
    };
    let line = format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), target.port());
    out.extend_from_slice(line.as_bytes());
}

/// Writes a header of version 2: a connection from `source` to `target` is passed on.
pub fn write_v2(out: &mut Vec<u8>, source: SocketAddr, target: SocketAddr) {
    out.extend_from_slice(&SIGNATURE);
    match (source.ip(), target.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            out.extend_from_slice(&[0x21, 0x11, 0, 12]);
            out.extend_from_slice(&source.octets());
            out.extend_from_slice(&target.octets());
        }
        (source, target) => {
            out.extend_from_slice(&[0x21, 0x21, 0, 36]);
            out.extend_from_slice(&v6(source).octets());
            out.extend_from_slice(&v6(target).octets());
        }
    }
    out.extend_from_slice(&source.port().to_be_bytes());
    out.extend_from_slice(&target.port().to_be_bytes());
}

/// An address as one of the larger family.
fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Reads a header, and nothing after it.
///
/// # Errors
/// See [`ReceiveError`]. The connection is of no use then.
///
/// Sets no time limit. Dropping the future may leave a part of the header read.
pub async fn receive(stream: &mut TcpStream) -> Result<Header, ReceiveError> {
    let mut head = Vec::new();
    let mut seen = [0; 256];
    loop {
        let arrived = stream.peek(&mut seen).await?;
        if arrived == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let before = head.len();
        head.extend_from_slice(&seen[..arrived]);
        let parsed = parse(&head)?;
        // Without the end in sight, all that has arrived belongs to the header.
        let taken = parsed.map_or(arrived, |(_, bytes)| bytes - before);
        stream.read_exact(&mut seen[..taken]).await?;
        if let Some((header, _)) = parsed {
            return Ok(header);
        }
    }
}

/// Reads a header from the first bytes of a connection: the header and its length in bytes, or
/// `None` as long as there is more to come.
///
/// # Errors
/// As soon as the bytes cannot become a header.
pub fn parse(input: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let begins = |with: &[u8]| {
        let known = with.len().min(input.len());
        with[..known] == input[..known]
    };
    if begins(&SIGNATURE) {
        parse_v2(input)
    } else if begins(b"PROXY ") {
        parse_v1(input)
    } else {
        Err(HeaderError::Missing)
    }
}

fn parse_v1(input: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let window = &input[..input.len().min(V1_BYTES_MAX)];
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return if window.len() < V1_BYTES_MAX { Ok(None) } else { Err(HeaderError::TooLong) };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(HeaderError::Malformed)?;
    let line = std::str::from_utf8(line).map_err(|_| HeaderError::Malformed)?;
    let addresses = addresses_of_line(line)?;
    Ok(Some((Header { addresses }, end + 1)))
}

fn addresses_of_line(line: &str) -> Result<Option<(SocketAddr, SocketAddr)>, HeaderError> {
    let mut words = line.split(' ').skip(1);
    let mut word = || words.next().ok_or(HeaderError::Malformed);
    let family = word()?;
    if family == "UNKNOWN" {
        return Ok(None);
    }
    let (source, target) = (word()?, word()?);
    let (source_port, target_port) = (port(word()?)?, port(word()?)?);
    if word().is_ok() {
        return Err(HeaderError::Malformed);
    }
    let address = |text: &str| -> Result<IpAddr, HeaderError> {
        let address = match family {
            "TCP4" => text.parse().map(IpAddr::V4).ok(),
            "TCP6" => text.parse().map(IpAddr::V6).ok(),
            _ => None,
        };
        address.ok_or(HeaderError::Malformed)
    };
    Ok(Some((
        SocketAddr::new(address(source)?, source_port),
        SocketAddr::new(address(target)?, target_port),
    )))
}

/// A decimal port without sign or leading zeros.
fn port(text: &str) -> Result<u16, HeaderError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(HeaderError::Malformed)
}

fn parse_v2(input: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let Some(fixed) = input.first_chunk::<V2_FIXED_BYTES>() else { return Ok(None) };
    let (version_command, family) = (fixed[12], fixed[13]);
    let is_proxied = match version_command {
        0x20 => false,
        0x21 => true,
        _ => return Err(HeaderError::Malformed),
    };
    let bytes = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if bytes > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLong);
    }
    let Some(header) = input.get(..bytes) else { return Ok(None) };
    let rest = &header[V2_FIXED_BYTES..];
    let (addresses, extensions) = match family >> 4 {
        1 => addresses_v2::<4>(rest, |octets| Ipv4Addr::from(octets).into())?,
        2 => addresses_v2::<16>(rest, |octets| Ipv6Addr::from(octets).into())?,
        // Of no family that is served here, or none: what follows is of no meaning.
        _ => (None, &[][..]),
    };
    check_extensions(header, bytes - extensions.len())?;
    let addresses = addresses.filter(|_| is_proxied);
    Ok(Some((Header { addresses }, bytes)))
}

type WithRest<'a> = (Option<(SocketAddr, SocketAddr)>, &'a [u8]);

/// Source, target and their ports, of a family whose addresses take `N` bytes.
fn addresses_v2<const N: usize>(
    rest: &[u8],
    address: impl Fn([u8; N]) -> IpAddr,
) -> Result<WithRest<'_>, HeaderError> {
    let (source, rest) = rest.split_first_chunk::<N>().ok_or(HeaderError::Malformed)?;
    let (target, rest) = rest.split_first_chunk::<N>().ok_or(HeaderError::Malformed)?;
    let (ports, rest) = rest.split_first_chunk::<4>().ok_or(HeaderError::Malformed)?;
    let [source, target] = [(source, [ports[0], ports[1]]), (target, [ports[2], ports[3]])]
        .map(|(octets, port)| SocketAddr::new(address(*octets), u16::from_be_bytes(port)));
    Ok((Some((source, target)), rest))
}

/// Walks the extensions, which begin at this place of the header, and checks a checksum.
fn check_extensions(header: &[u8], mut at: usize) -> Result<(), HeaderError> {
    while at < header.len() {
        let fixed = header.get(at..at + 3).ok_or(HeaderError::Malformed)?;
        let (kind, bytes) = (fixed[0], usize::from(u16::from_be_bytes([fixed[1], fixed[2]])));
        let value = header.get(at + 3..at + 3 + bytes).ok_or(HeaderError::Malformed)?;
        if kind == CRC32C {
            let told = <[u8; 4]>::try_from(value).map_err(|_| HeaderError::Malformed)?;
            let zeroed = [&header[..at + 3], &[0; 4], &header[at + 7..]].concat();
            if crc32c(&zeroed) != u32::from_be_bytes(told) {
                return Err(HeaderError::Checksum);
            }
        }
        at += 3 + bytes;
    }
    Ok(())
}

/// The checksum of RFC 3720 appendix B.4. A header is short and comes once per connection.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn v2(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let bytes = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_command, family], &bytes, rest].concat()
    }

    const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0x01, 0xbb];

    fn with_checksum() -> Vec<u8> {
        let mut header = v2(0x21, 0x11, &[&IPV4[..], &[CRC32C, 0, 4, 0, 0, 0, 0]].concat());
        let at = header.len() - 4;
        let sum = crc32c(&header).to_be_bytes();
        header[at..].copy_from_slice(&sum);
        header
    }

    #[test]
    fn headers_are_read_or_refused() {
        let from = |text: &str| Ok(Some(text.to_owned()));
        let mut broken_sum = with_checksum();
        *broken_sum.last_mut().unwrap() ^= 1;
        let mut ipv6 = [0; 36];
        (ipv6[15], ipv6[33]) = (1, 7);
        for (input, expected) in [
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n".to_vec(), from("192.0.2.1:12345")),
            (b"PROXY TCP6 ::1 ::2 1 2\r\n".to_vec(), from("[::1]:1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Ok(None)),
            (b"PROXY UNKNOWN ::1 what ever\r\n".to_vec(), Ok(None)),
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 65536\r\n".to_vec(),
                Err(HeaderError::Malformed),
            ),
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.2 012 443\r\n".to_vec(),
                Err(HeaderError::Malformed),
            ),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n".to_vec(), Err(HeaderError::Malformed)),
            (b"PROXY TCP4 ::1 ::2 1 2\r\n".to_vec(), Err(HeaderError::Malformed)),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n".to_vec(), Err(HeaderError::Malformed)),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n".to_vec(), Err(HeaderError::Malformed)),
            (b"PROXY SCTP 192.0.2.1 198.51.100.2 1 2\r\n".to_vec(), Err(HeaderError::Malformed)),
            ([&b"PROXY "[..], &[b'x'; 120]].concat(), Err(HeaderError::TooLong)),
            (b"GET / HTTP/1.1\r\n".to_vec(), Err(HeaderError::Missing)),
            (v2(0x21, 0x11, &IPV4), from("192.0.2.1:12345")),
            (v2(0x21, 0x21, &ipv6), from("[::1]:7")),
            (v2(0x20, 0x11, &IPV4), Ok(None)),
            (v2(0x20, 0x00, &[]), Ok(None)),
            (v2(0x21, 0x31, &[1; 216]), Ok(None)),
            (v2(0x11, 0x11, &IPV4), Err(HeaderError::Malformed)),
            (v2(0x21, 0x11, &IPV4[..11]), Err(HeaderError::Malformed)),
            (v2(0x21, 0x11, &[&IPV4[..], &[4, 0, 9]].concat()), Err(HeaderError::Malformed)),
            (v2(0x21, 0x11, &[0; 5000]), Err(HeaderError::TooLong)),
            (v2(0x21, 0x11, &[0; 65_535]), Err(HeaderError::TooLong)),
            (with_checksum(), from("192.0.2.1:12345")),
            (broken_sum, Err(HeaderError::Checksum)),
        ] {
            let shown = String::from_utf8_lossy(&input).into_owned();
            let found = parse(&input).map(|parsed| {
                let (header, bytes) = parsed.unwrap_or_else(|| panic!("{shown}: incomplete"));
                assert_eq!(bytes, input.len(), "{shown}");
                header.addresses.map(|(source, _)| source.to_string())
            });
            assert_eq!(found, expected, "{shown}");
            if expected.is_ok() {
                for cut in 1..input.len() {
                    assert_eq!(parse(&input[..cut]), Ok(None), "{shown} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (source, target, read) in [
            ("192.0.2.1:1", "192.0.2.2:65535", ["192.0.2.1:1", "192.0.2.2:65535"]),
            ("[2001:db8::1]:7", "[2001:db8::2]:8", ["[2001:db8::1]:7", "[2001:db8::2]:8"]),
            ("192.0.2.1:1", "[2001:db8::2]:8", ["[::ffff:192.0.2.1]:1", "[2001:db8::2]:8"]),
        ] {
            for write in [write_v1, write_v2] {
                let mut out = b"before".to_vec();
                write(&mut out, source.parse().unwrap(), target.parse().unwrap());
                let (header, bytes) = parse(&out[6..]).unwrap().unwrap();
                assert_eq!(bytes, out.len() - 6);
                let (from, to) = header.addresses.unwrap();
                assert_eq!([from.to_string(), to.to_string()], read);
            }
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(v2 in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let prefix: &[u8] = if v2 { &SIGNATURE } else { b"PROXY TCP" };
            let _ = parse(&bytes);
            let _ = parse(&[prefix, &bytes].concat());
        }
    }

    #[tokio::test]
    async fn not_a_byte_behind_the_header_is_taken_however_it_comes() {
        for header in
            [v2(0x21, 0x11, &IPV4), b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n".to_vec()]
        {
            for cut in [0, 1, 8, 13, 20] {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                let (mut accepted, _) = listener.accept().await.unwrap();
                let receiving = tokio::spawn(async move {
                    let header = receive(&mut accepted).await.unwrap();
                    let mut rest = Vec::new();
                    accepted.read_to_end(&mut rest).await.unwrap();
                    (header, rest)
                });
                client.write_all(&header[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                client.write_all(&header[cut..]).await.unwrap();
                client.write_all(b"GET").await.unwrap();
                drop(client);
                let (received, rest) = receiving.await.unwrap();
                assert_eq!(received.addresses.unwrap().0, "192.0.2.1:12345".parse().unwrap());
                assert_eq!(rest, b"GET");
            }
        }
    }
}
