//! Judging and reading what comes in: everything a server must look at before it looks at names
//! (RFC 1035 section 4, RFC 6891 section 7). Total over hostile bytes.

use domain::base::record::ParsedRecord;
use domain::dep::octseq::Parser;

use super::edns::{Edns, Malformed, UDP_BYTES_PLAIN};
use super::name::Name;
use super::number::{Rcode, rtype};

/// Bytes of a message's header.
pub const HEADER_BYTES: usize = 12;

/// The only class there is here: the Internet.
pub(super) const CLASS_IN: u16 = 1;

/// The opcode of queries; nothing else is done here.
const OPCODE_QUERY: u8 = 0;

/// What a message is, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub enum Parsed<'b> {
    /// A query to be answered.
    Query(Query<'b>),
    /// A request for a whole zone or its changes (AXFR, IXFR).
    Transfer(Query<'b>),
    /// To be answered without a look at any zone.
    Refuse(Rejection<'b>),
    /// Not to be answered: a response, or too short to be anything.
    Silent,
}

/// A query: one question of class IN.
#[derive(Debug, Clone, Copy)]
pub struct Query<'b> {
    /// The whole message.
    pub message: &'b [u8],
    /// What the response has to carry again.
    pub id: u16,
    /// The name asked for, as asked.
    pub name: Name<'b>,
    /// The type asked for.
    pub qtype: u16,
    /// Whether recursion is desired; carried over, and never done.
    pub rd: bool,
    /// Whether signatures need not be checked (CD, RFC 4035 section 3.2.2); carried over.
    pub cd: bool,
    /// What EDNS says, if the client speaks it.
    pub edns: Option<Edns<'b>>,
    /// The serial of the zone that the client has; of IXFR alone (RFC 1995).
    pub serial: Option<u32>,
    /// Where in the message its TSIG record begins, if it has one (RFC 8945).
    pub tsig: Option<usize>,
}

/// A response without records.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'b> {
    /// What the response has to carry again.
    pub id: u16,
    /// Carried over.
    pub opcode: u8,
    /// Carried over, of queries.
    pub rd: bool,
    /// Carried over, of queries.
    pub cd: bool,
    /// Why. `NoError` answers a query for nothing but a cookie (RFC 7873 section 5.4), and one that
    /// is to be asked again by TCP.
    pub rcode: Rcode,
    /// Whether the client is to ask again by TCP.
    pub truncated: bool,
    /// The question's bytes, empty where it could not be read.
    pub question: &'b [u8],
    /// What EDNS says, if the client speaks it and it could be read.
    pub edns: Option<Edns<'b>>,
}

impl<'b> Query<'b> {
    /// Judges a message and reads it.
    #[must_use]
    pub fn parse(message: &'b [u8]) -> Parsed<'b> {
        let Some((header, rest)) = message.split_first_chunk::<HEADER_BYTES>() else {
            return Parsed::Silent;
        };
        let [id1, id2, flags, more_flags, ..] = *header;
        if flags & 0x80 != 0 {
            return Parsed::Silent;
        }
        let opcode = flags >> 3 & 0x0F;
        // The flags that are carried over are those of queries.
        let is_query = opcode == OPCODE_QUERY;
        let mut rejection = Rejection {
            id: u16::from_be_bytes([id1, id2]),
            opcode,
            rd: is_query && flags & 0x01 != 0,
            cd: is_query && more_flags & 0x10 != 0,
            rcode: Rcode::FormErr,
            truncated: false,
            question: &[],
            edns: None,
        };
        let counts = [4, 6, 8, 10].map(|at| u16::from_be_bytes([header[at], header[at + 1]]));
        match Self::judge(message, rest, counts, &mut rejection) {
            Ok(parsed) => parsed,
            // What is not done here need not be read.
            Err(_) if !is_query => Parsed::Refuse(Rejection { rcode: Rcode::NotImp, ..rejection }),
            Err(rcode) => Parsed::Refuse(Rejection { rcode, ..rejection }),
        }
    }

    /// What becomes of a message, or why it is rejected; then the rejection holds as much of it as
    /// could be read.
    fn judge(
        message: &'b [u8],
        rest: &'b [u8],
        counts: [u16; 4],
        rejection: &mut Rejection<'b>,
    ) -> Result<Parsed<'b>, Rcode> {
        let [questions, answers, authorities, _] = counts;
        let question = match questions {
            0 => None,
            1 => Some(Question::at_start_of(rest).ok_or(Rcode::FormErr)?),
            _ => return Err(Rcode::FormErr),
        };
        rejection.question = question.map_or(&[], |question| question.bytes);
        let extra = Extra::read(message, HEADER_BYTES + rejection.question.len(), &counts[1..])
            .map_err(|Malformed| Rcode::FormErr)?;
        rejection.edns = extra.edns;
        if extra.edns.is_some_and(|edns| edns.version != 0) {
            return Err(Rcode::BadVers);
        }
        if extra.is_malformed || rejection.opcode != OPCODE_QUERY {
            return Err(Rcode::FormErr);
        }
        let Some(question) = question else {
            let wants_cookie = extra.edns.is_some_and(|edns| edns.cookie.is_some());
            return Err(if wants_cookie { Rcode::NoError } else { Rcode::FormErr });
        };
        let is_ixfr = question.qtype == rtype::IXFR;
        if answers > 0 || authorities > u16::from(is_ixfr) {
            return Err(Rcode::FormErr);
        }
        if question.qclass != CLASS_IN {
            return Err(Rcode::Refused);
        }
        let query = Self {
            message,
            id: rejection.id,
            name: question.name,
            qtype: question.qtype,
            rd: rejection.rd,
            cd: rejection.cd,
            edns: extra.edns,
            serial: extra.serial,
            tsig: extra.tsig,
        };
        match query.qtype {
            // NXNAME stands in proofs alone (RFC 9824 section 3.5).
            rtype::OPT | rtype::NXNAME => Err(Rcode::FormErr),
            rtype::IXFR if query.serial.is_none() => Err(Rcode::FormErr),
            rtype::IXFR | rtype::AXFR => Ok(Parsed::Transfer(query)),
            // Questions that are none, or that nobody asks any more (MAILB, MAILA).
            rtype::TKEY..rtype::ANY => Err(Rcode::NotImp),
            _ => Ok(Parsed::Query(query)),
        }
    }

    /// The question's bytes: name, type and class.
    #[must_use]
    pub fn question(&self) -> &'b [u8] {
        &self.message[HEADER_BYTES..HEADER_BYTES + self.name.as_wire().len() + 4]
    }

    /// The query's rejection.
    #[must_use]
    pub fn reject(&self, rcode: Rcode) -> Rejection<'b> {
        Rejection {
            id: self.id,
            opcode: OPCODE_QUERY,
            rd: self.rd,
            cd: self.cd,
            rcode,
            truncated: false,
            question: self.question(),
            edns: self.edns,
        }
    }

    /// Nothing but the request to ask again by TCP.
    #[must_use]
    pub fn truncate(&self) -> Rejection<'b> {
        Rejection { truncated: true, ..self.reject(Rcode::NoError) }
    }

    /// Bytes that a response by UDP may have, where we send no more than `ours`.
    #[must_use]
    pub fn udp_limit(&self, ours: u16) -> usize {
        usize::from(self.edns.map_or(UDP_BYTES_PLAIN, |edns| edns.udp_limit(ours)))
    }

    /// Whether signatures and proofs are asked for.
    #[must_use]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}

/// The question of a message.
#[derive(Debug, Clone, Copy)]
struct Question<'b> {
    name: Name<'b>,
    qtype: u16,
    qclass: u16,
    bytes: &'b [u8],
}

impl<'b> Question<'b> {
    /// A compressed name is malformed here: nothing stands before it that it could point at.
    fn at_start_of(bytes: &'b [u8]) -> Option<Self> {
        let name = Name::at_start_of(bytes)?;
        let length = name.as_wire().len();
        let [t1, t2, c1, c2] = *bytes[length..].first_chunk::<4>()?;
        let (qtype, qclass) = (u16::from_be_bytes([t1, t2]), u16::from_be_bytes([c1, c2]));
        Some(Self { name, qtype, qclass, bytes: &bytes[..length + 4] })
    }
}

/// What follows the question.
#[derive(Debug, Clone, Copy, Default)]
struct Extra<'b> {
    edns: Option<Edns<'b>>,
    serial: Option<u32>,
    tsig: Option<usize>,
    /// Whether something of it is wrong that a client with EDNS is told with EDNS.
    is_malformed: bool,
}

impl<'b> Extra<'b> {
    /// Reads the three sections behind the question, which fill the message.
    fn read(message: &'b [u8], at: usize, counts: &[u16]) -> Result<Self, Malformed> {
        let mut extra = Self::default();
        let mut parser = Parser::from_ref(message);
        parser.advance(at).map_err(|_| Malformed)?;
        for (section, count) in counts.iter().enumerate() {
            for n in 0..*count {
                let start = parser.pos();
                let record = ParsedRecord::parse(&mut parser).map_err(|_| Malformed)?;
                let rdata = &message[parser.pos() - usize::from(record.rdlen())..parser.pos()];
                match (section, record.rtype().to_int()) {
                    (1, rtype::SOA) => extra.serial = serial(rdata),
                    (2, rtype::OPT) => {
                        if extra.edns.is_some() || !record.owner().is_root() {
                            extra.is_malformed = true;
                            continue;
                        }
                        let class = record.class().to_int();
                        let mut edns = Edns::new(class, record.ttl().as_secs());
                        // What another version's options look like is not known.
                        if edns.version == 0 {
                            extra.is_malformed |= edns.read_options(rdata).is_err();
                        }
                        extra.edns = Some(edns);
                    }
                    // Signs what is before it, so it is the last (RFC 8945 section 5.1).
                    (2, rtype::TSIG) if n + 1 == *count => extra.tsig = Some(start),
                    (_, rtype::TSIG | rtype::OPT) => extra.is_malformed = true,
                    _ => {}
                }
            }
        }
        extra.is_malformed |= parser.remaining() > 0;
        Ok(extra)
    }
}

/// The serial of a SOA record's RDATA: the first of the five numbers it ends with.
fn serial(rdata: &[u8]) -> Option<u32> {
    let numbers: &[u8; 20] = rdata.last_chunk()?;
    numbers.first_chunk().map(|serial| u32::from_be_bytes(*serial))
}
