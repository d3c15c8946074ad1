//! Keys, validity periods, and RRSIG records (RFC 4034 section 3, RFC 6605).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use evenkeel_model::{Zone, ZoneKey};
use hashbrown::HashMap;

use super::cache::{Cache, Signature};
use super::{canonical, denial};
use crate::answer::{Absent, Answer, Data, Owner, Set};
use crate::wire::{LowerName, Name, Query, Rcode, Signer, rtype};

/// The one algorithm that is signed with: ECDSA with P-256 and SHA-256.
const ALGORITHM: u8 = 13;
/// How long before now a signature is valid from: clocks of resolvers are not all right.
const SKEW_S: u64 = 3600;
/// How long a signature is valid from now on.
const VALIDITY_S: u64 = 3 * 24 * 3600;
/// How long it is shown: what a resolver has learnt last is valid for two days more, which is
/// longer than any record of ours may be kept.
const SHOWN_S: u64 = 24 * 3600;
/// Keys held ready. More zones than this are signed as well, each at the price of reading its key.
const KEYS_MAX: usize = 4096;

/// What one worker signs with: keys made ready, and signatures that are still good.
#[derive(Debug)]
pub struct Signatures {
    cache: Cache,
    keyring: Keyring,
    scratch: Vec<u8>,
}

/// Keys made ready.
#[derive(Debug)]
struct Keyring {
    /// By the public key; `None` for one that cannot be used.
    keys: HashMap<Box<[u8]>, Option<EcdsaKeyPair>>,
    random: SystemRandom,
}

impl Default for Signatures {
    fn default() -> Self {
        let keyring = Keyring { keys: HashMap::new(), random: SystemRandom::new() };
        Self { cache: Cache::new(), keyring, scratch: Vec::new() }
    }
}

/// Signs the sets of one answer, see [`crate::wire::write_signed`].
#[derive(Debug)]
pub struct SetSigner<'s, 'a> {
    signatures: &'s mut Signatures,
    zone: &'a Zone,
    now_s: u64,
}

impl Signatures {
    /// Adds to an answer what proves that something is not there, and returns what signs the whole.
    /// Nothing happens to answers of zones without keys, nor to those of queries that do not ask
    /// for signatures. `now_s` is the time in seconds since 1970.
    pub fn complete<'s, 'a>(
        &'s mut self,
        query: &Query<'_>,
        answer: &mut Answer<'a>,
        now_s: u64,
    ) -> Option<SetSigner<'s, 'a>> {
        let zone = answer.zone.filter(|zone| !zone.keys.is_empty())?;
        let edns = query.edns.filter(|edns| edns.dnssec_ok)?;
        if let Some(proof) = proof(query, answer, zone) {
            if !edns.compact_ok && answer.rcode == Rcode::NxDomain {
                // The records say that the name is there and has nothing (RFC 9824 section 3.1).
                answer.rcode = Rcode::NoError;
            }
            if query.qtype == rtype::NSEC && answer.denial.is_some() {
                // That is what was asked for.
                answer.authority.clear();
                answer.denial = None;
                answer.answer.push(proof);
            } else {
                answer.authority.push(proof);
            }
        }
        Some(SetSigner { signatures: self, zone, now_s })
    }
}

impl Keyring {
    fn key(&mut self, key: &ZoneKey) -> Option<&EcdsaKeyPair> {
        if !self.keys.contains_key(&key.public) {
            if self.keys.len() >= KEYS_MAX {
                self.keys.clear();
            }
            let pair = (key.algorithm == ALGORITHM)
                .then(|| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.private));
            let pair = pair.and_then(Result::ok);
            if pair.is_none() {
                tracing::warn!(?key, "A zone's key cannot be used to sign.");
            }
            self.keys.insert(key.public.clone(), pair);
        }
        self.keys.get(&key.public)?.as_ref()
    }
}

/// The record that proves what an answer denies, or that a delegated zone is not signed.
fn proof<'a>(query: &Query<'_>, answer: &Answer<'a>, zone: &Zone) -> Option<Set<'a>> {
    let ttl_s = zone.soa.ttl_s.min(zone.soa.minimum_ttl_s);
    let (owner, types) = match &answer.denial {
        Some(denied) => {
            let is_name_absent = denied.absent == Absent::Name;
            let types = denial::with_signing(&denied.types(query.qtype), is_name_absent);
            (denied.owner, types)
        }
        None if answer.authoritative => return None,
        None => {
            let of = |rtype| answer.authority.iter().find(move |set: &&Set<'_>| set.rtype == rtype);
            if of(rtype::DS).is_some() {
                return None;
            }
            (of(rtype::NS)?.owner, denial::with_signing(&[rtype::NS], false))
        }
    };
    let name = lower(owner, query);
    let data = Data::Made(denial::nsec(&name, types));
    Some(Set { owner, rtype: rtype::NSEC, ttl_s, data })
}

fn lower(owner: Owner<'_>, query: &Query<'_>) -> LowerName {
    match owner {
        Owner::Question => query.name.lower(),
        Owner::Name(name) => Name::new(name).map(Name::lower).unwrap_or_default(),
    }
}

impl Signer for SetSigner<'_, '_> {
    fn sign(&mut self, answer: &Answer<'_>, set: &Set<'_>, owner: &[u8], out: &mut Vec<u8>) {
        if !is_ours(answer, set) {
            return;
        }
        let zone = self.zone;
        for key in zone.keys.iter().filter(|key| has_duty(key, &zone.keys, set.rtype)) {
            let Signatures { cache, keyring, scratch: signed } = &mut *self.signatures;
            signed.clear();
            // What tells this signature from all others, but for the time.
            signed.extend_from_slice(&key.public);
            let head = signed.len();
            signed.extend_from_slice(&rrsig_head(zone, key, set, owner));
            canonical::write(signed, answer, set, owner, set.ttl_s);
            let now_s = self.now_s;
            let make = || keyring.make(key, &signed[head..], now_s);
            let signature = cache.get_or_make(signed, now_s, make);
            if let Some(Signature { rdata, .. }) = signature {
                let bytes = u16::try_from(rdata.len()).unwrap_or(u16::MAX);
                out.extend_from_slice(&bytes.to_be_bytes());
                out.extend_from_slice(rdata);
            }
        }
    }
}

impl Keyring {
    /// Signs. `signed` is the RRSIG record's data up to the signer's name, its times not filled in
    /// yet, and the records.
    fn make(&mut self, key: &ZoneKey, signed: &[u8], now_s: u64) -> Option<Signature> {
        let random = self.random.clone();
        let pair = self.key(key)?;
        let mut signed = signed.to_vec();
        // Seconds of 32 bits that wrap (RFC 4034 section 3.1.5).
        let wrapped = |time_s: u64| ((time_s & u64::from(u32::MAX)) as u32).to_be_bytes();
        signed[EXPIRATION..EXPIRATION + 4].copy_from_slice(&wrapped(now_s + VALIDITY_S));
        signed[INCEPTION..INCEPTION + 4].copy_from_slice(&wrapped(now_s.saturating_sub(SKEW_S)));
        let signature = pair.sign(&random, &signed).ok()?;
        let signer = Name::at_start_of(signed.get(SIGNER..)?)?.as_wire().len();
        let mut rdata = signed[..SIGNER + signer].to_vec();
        rdata.extend_from_slice(signature.as_ref());
        Some(Signature { rdata: rdata.into(), good_until_s: now_s + SHOWN_S })
    }
}

/// Places in the data of an RRSIG record (RFC 4034 section 3.1).
const EXPIRATION: usize = 8;
const INCEPTION: usize = 12;
const SIGNER: usize = 18;

/// The data of an RRSIG record up to the signature, without its times.
fn rrsig_head(zone: &Zone, key: &ZoneKey, set: &Set<'_>, owner: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(SIGNER + zone.name.len());
    head.extend_from_slice(&set.rtype.to_be_bytes());
    head.extend_from_slice(&[key.algorithm, labels(owner)]);
    head.extend_from_slice(&set.ttl_s.to_be_bytes());
    head.extend_from_slice(&[0; 8]);
    head.extend_from_slice(&key.tag().to_be_bytes());
    head.extend_from_slice(&zone.name);
    head
}

/// How many labels a name has: the root's does not count, nor does a wildcard's asterisk.
fn labels(owner: &[u8]) -> u8 {
    let all = Name::new(owner).map_or(0, |name| name.labels().filter(|it| !it.is_empty()).count());
    u8::try_from(all).unwrap_or(0) - u8::from(owner.starts_with(b"\x01*"))
}

/// Whether records are ours to vouch for. In a referral only what is said about the delegation is;
/// of what is added to spare queries, nothing needs to be.
fn is_ours(answer: &Answer<'_>, set: &Set<'_>) -> bool {
    let is_added = answer.additional.iter().any(|added| std::ptr::eq(added, set));
    !is_added && (answer.authoritative || matches!(set.rtype, rtype::DS | rtype::NSEC))
}

/// Whether a key signs records of a type, where some keys may be for keys alone.
fn has_duty(key: &ZoneKey, all: &[ZoneKey], rtype: u16) -> bool {
    let is_entry = |key: &ZoneKey| key.flags & 1 == 1;
    let is_about_keys = matches!(rtype, rtype::DNSKEY | rtype::CDS | rtype::CDNSKEY);
    is_entry(key) == is_about_keys || all.iter().all(|key| is_entry(key) != is_about_keys)
}

/// The data of the DS record of a zone's key, by SHA-256 (RFC 4509): what its parent publishes.
#[must_use]
pub fn delegation_digest(zone: &[u8], key: &ZoneKey) -> Vec<u8> {
    let mut digested = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    digested.update(zone);
    digested.update(&key.dnskey());
    let mut rdata = key.tag().to_be_bytes().to_vec();
    rdata.extend_from_slice(&[key.algorithm, 2]);
    rdata.extend_from_slice(digested.finish().as_ref());
    rdata
}
