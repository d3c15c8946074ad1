//! Signatures of messages by a shared secret (RFC 8945).

use aws_lc_rs::hmac;
use domain::base::{ParsedName, ToName as _};
use domain::dep::octseq::Parser;
use evenkeel_model::{TsigAlgorithm, TsigKey};

use crate::wire::{HEADER_BYTES, Name, host_to_wire, rtype};

/// How far clocks may be apart, in seconds (RFC 8945 section 10).
const FUDGE_S: u16 = 300;
/// The class and the time to live of a TSIG record: ANY and none.
const CLASS_AND_TTL: [u8; 6] = [0, 255, 0, 0, 0, 0];

/// Why a signature is not believed (RFC 8945 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// The record cannot be read: the message is malformed.
    Malformed,
    /// The key is none of those that were expected.
    Key,
    /// It is not this message's.
    Signature,
}

impl Unverified {
    const fn number(self) -> u16 {
        match self {
            Self::Malformed => 0,
            Self::Signature => 16,
            Self::Key => 17,
        }
    }
}

/// A conversation whose first message was signed rightly: signs what goes back.
#[derive(Debug)]
pub(crate) struct Session {
    key: hmac::Key,
    name: Box<[u8]>,
    algorithm: Box<[u8]>,
    /// The signature of the message before.
    before: Vec<u8>,
    is_first: bool,
    /// When the client signed, by its clock, and how far from that it takes ours to be, in seconds:
    /// when that is too far, which it is told.
    out_of_time: Option<(u64, u16)>,
}

/// A TSIG record that was read.
struct Found<'b> {
    name: Vec<u8>,
    algorithm: Name<'b>,
    time_s: u64,
    fudge_s: u16,
    mac: &'b [u8],
    original_id: [u8; 2],
    /// The last part of what is signed besides the message: error and other data.
    rest: &'b [u8],
}

impl<'b> Found<'b> {
    /// Reads the record that begins at this place of a message. Its name may be compressed, as all
    /// owners' may.
    fn read(message: &'b [u8], at: usize) -> Option<Self> {
        let mut parser = Parser::from_ref(message);
        parser.advance(at).ok()?;
        let name = ParsedName::parse(&mut parser).ok()?.to_vec().into_octets();
        // Type, class, time to live and length.
        let rdata = message.get(parser.pos() + 10..)?;
        let algorithm = Name::at_start_of(rdata)?;
        let (fixed, rest) = rdata.get(algorithm.as_wire().len()..)?.split_first_chunk::<10>()?;
        let [t1, t2, t3, t4, t5, t6, f1, f2, l1, l2] = *fixed;
        let (mac, rest) = rest.split_at_checked(u16::from_be_bytes([l1, l2]).into())?;
        let (original_id, rest) = rest.split_first_chunk::<2>()?;
        Some(Self {
            name,
            algorithm,
            time_s: u64::from_be_bytes([0, 0, t1, t2, t3, t4, t5, t6]),
            fudge_s: u16::from_be_bytes([f1, f2]),
            mac,
            original_id: *original_id,
            rest,
        })
    }
}

/// Checks the signature of a message, whose TSIG record begins at `at`, by the key of that name
/// among those known.
///
/// # Errors
/// See [`Unverified`]. A message whose time is wrong is no error: what is answered says so, and
/// [`Session::is_out_of_time`].
pub(crate) fn verify<'k>(
    message: &[u8],
    at: usize,
    keys: impl IntoIterator<Item = &'k TsigKey>,
    now_s: u64,
) -> Result<Session, Unverified> {
    let found = Found::read(message, at).ok_or(Unverified::Malformed)?;
    let name = found.name.to_ascii_lowercase();
    let algorithm = found.algorithm.lower();
    let mut keys = keys.into_iter();
    let known = keys.find(|key| {
        key.name.eq_ignore_ascii_case(&name) && algorithm_name(key.algorithm) == *algorithm
    });
    let known = known.ok_or(Unverified::Key)?;
    let key = hmac_key(known);
    let mut context = hmac::Context::with_key(&key);
    // The message as it was before it was signed.
    let additional = u16::from_be_bytes([message[10], message[11]]).saturating_sub(1);
    context.update(&found.original_id);
    context.update(&message[2..10]);
    context.update(&additional.to_be_bytes());
    context.update(&message[HEADER_BYTES..at]);
    context.update(&variables(&name, &algorithm, found.time_s, found.fudge_s, found.rest));
    let expected = context.sign();
    aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), found.mac)
        .map_err(|_| Unverified::Signature)?;
    Ok(Session {
        key,
        name: name.as_slice().into(),
        algorithm: algorithm.as_slice().into(),
        before: found.mac.to_vec(),
        is_first: true,
        out_of_time: (now_s.abs_diff(found.time_s) > found.fudge_s.into())
            .then_some((found.time_s, found.fudge_s)),
    })
}

/// What is signed besides the message (RFC 8945 section 4.3.3).
fn variables(name: &[u8], algorithm: &[u8], time_s: u64, fudge_s: u16, rest: &[u8]) -> Vec<u8> {
    let timers = timers(time_s, fudge_s);
    [name, &CLASS_AND_TTL, algorithm, &timers, rest].concat()
}

fn timers(time_s: u64, fudge_s: u16) -> [u8; 8] {
    let [_, _, t1, t2, t3, t4, t5, t6] = time_s.to_be_bytes();
    let [f1, f2] = fudge_s.to_be_bytes();
    [t1, t2, t3, t4, t5, t6, f1, f2]
}

fn hmac_key(key: &TsigKey) -> hmac::Key {
    let algorithm = match key.algorithm {
        TsigAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        TsigAlgorithm::Sha256 => hmac::HMAC_SHA256,
        TsigAlgorithm::Sha384 => hmac::HMAC_SHA384,
        TsigAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, &key.secret)
}

/// An algorithm's name as it stands in messages.
fn algorithm_name(algorithm: TsigAlgorithm) -> Vec<u8> {
    host_to_wire(algorithm.name()).map(|name| name.to_vec()).unwrap_or_default()
}

impl Session {
    /// One that we begin: signs a query.
    pub(crate) fn begin(key: &TsigKey) -> Self {
        Self {
            name: key.name.to_ascii_lowercase().into(),
            algorithm: algorithm_name(key.algorithm).into(),
            key: hmac_key(key),
            before: Vec::new(),
            is_first: true,
            out_of_time: None,
        }
    }

    /// Whether the client signed at a time that is too far from now. Then it gets no records.
    pub(crate) const fn is_out_of_time(&self) -> bool {
        self.out_of_time.is_some()
    }

    /// Whether it is this key that is signed with.
    pub(crate) fn is_by(&self, key: &TsigKey) -> bool {
        key.name.eq_ignore_ascii_case(&self.name)
            && algorithm_name(key.algorithm) == *self.algorithm
    }

    /// Bytes that a signature adds at most.
    pub(crate) fn bytes(&self) -> usize {
        // The longest MAC, and the time that a client with a wrong clock is told.
        self.name.len() + 10 + self.algorithm.len() + 16 + 64 + 6
    }

    /// Signs the message that begins at `start`: adds the record that is its last.
    pub(crate) fn sign(&mut self, out: &mut Vec<u8>, start: usize, now_s: u64) {
        let mut rest = vec![0; 4];
        if self.out_of_time.is_some() {
            rest = [&[0, 18, 0, 6][..], &now_s.to_be_bytes()[2..]].concat();
        }
        // Whose clock is wrong could not believe ours (RFC 8945 section 5.2.3).
        let (time_s, fudge_s) = self.out_of_time.unwrap_or((now_s, FUDGE_S));
        let mut context = hmac::Context::with_key(&self.key);
        if !self.before.is_empty() {
            context.update(&length(&self.before));
            context.update(&self.before);
        }
        context.update(&out[start..]);
        if self.is_first {
            let variables = variables(&self.name, &self.algorithm, time_s, fudge_s, &rest);
            context.update(&variables);
        } else {
            context.update(&timers(time_s, fudge_s));
        }
        let mac = context.sign();
        let record = Record { name: &self.name, algorithm: &self.algorithm, mac: mac.as_ref() };
        record.append(out, start, timers(time_s, fudge_s), &rest);
        self.before = mac.as_ref().to_vec();
        self.is_first = false;
    }
}

/// Adds to the response to a message the record that says why its signature was not believed; it
/// is not signed itself (RFC 8945 section 5.3.2).
pub(crate) fn refuse(
    why: Unverified,
    message: &[u8],
    at: usize,
    out: &mut Vec<u8>,
    start: usize,
    now_s: u64,
) {
    let Some(found) = Found::read(message, at) else { return };
    let [e1, e2] = why.number().to_be_bytes();
    let (name, algorithm) = (&*found.name, found.algorithm.as_wire());
    Record { name, algorithm, mac: &[] }.append(
        out,
        start,
        timers(now_s, FUDGE_S),
        &[e1, e2, 0, 0],
    );
}

/// A TSIG record to be written.
struct Record<'a> {
    name: &'a [u8],
    algorithm: &'a [u8],
    mac: &'a [u8],
}

impl Record<'_> {
    fn append(&self, out: &mut Vec<u8>, start: usize, timers: [u8; 8], rest: &[u8]) {
        let id = [out[start], out[start + 1]];
        let rdata = [self.algorithm, &timers, &length(self.mac), self.mac, &id, rest].concat();
        out.extend_from_slice(self.name);
        out.extend_from_slice(&rtype::TSIG.to_be_bytes());
        out.extend_from_slice(&CLASS_AND_TTL);
        out.extend_from_slice(&length(&rdata));
        out.extend_from_slice(&rdata);
        let count = &mut out[start + 10..start + 12];
        let counted = u16::from_be_bytes([count[0], count[1]]) + 1;
        count.copy_from_slice(&counted.to_be_bytes());
    }
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}
