//! From documents to what TLS is done with.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use evenkeel_model::{Config, KeyPair, ServedHost, UploadedCertificate, ZoneId, ZoneMaterial};

use super::{ClientCertificate, StoredCertificate, TrustedCertificate};

/// A document and the private key that is stored beside it.
pub struct WithKey<'a, T> {
    /// Its zone's identifier.
    pub zone_id: &'a str,
    /// The document.
    pub document: &'a T,
    /// PEM.
    pub private_key: &'a str,
}

/// Everything stored that TLS is done with, in any order.
#[derive(Default)]
pub struct MaterialDocuments<'a> {
    /// What clients are shown.
    pub certificates: Vec<WithKey<'a, StoredCertificate>>,
    /// What endpoints are shown.
    pub clients: Vec<WithKey<'a, ClientCertificate>>,
    /// Whom zones trust, with the zones' identifiers.
    pub trusted: Vec<(&'a str, &'a TrustedCertificate)>,
}

/// What zones were given, by id. Whatever is as it was in `previous` keeps its `Arc`.
#[must_use]
pub fn zone_material(
    documents: &MaterialDocuments<'_>,
    previous: &[Arc<ZoneMaterial>],
) -> Vec<Arc<ZoneMaterial>> {
    let mut zones: BTreeMap<ZoneId, Given<'_>> = BTreeMap::new();
    for with in &documents.certificates {
        given(&mut zones, with.zone_id, |zone| zone.certificates.push(with));
    }
    for with in &documents.clients {
        given(&mut zones, with.zone_id, |zone| zone.clients.push(with));
    }
    for (zone_id, trusted) in &documents.trusted {
        given(&mut zones, zone_id, |zone| zone.trusted.push(*trusted));
    }
    let zones = zones.into_iter().map(|(zone, given)| {
        let place = previous.binary_search_by_key(&zone, |before| before.zone);
        let before = place.ok().map(|place| &previous[place]);
        let material = given.into_material(zone, before.map(|before| &**before));
        kept(material, before)
    });
    zones.collect()
}

/// The hosts that traffic is proxied for, by name.
#[must_use]
pub fn served_hosts(config: &Config) -> Vec<ServedHost> {
    let served = config.load_balancers.iter().filter(|lb| lb.enabled && lb.proxied);
    let mut hosts: Vec<_> = served
        .map(|lb| ServedHost {
            host: lb.host.clone(),
            zone: lb.zone,
            tls_min: lb.edge.tls_min,
            http2: lb.edge.http2,
        })
        .collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    // Of two with one name the older one, which comes first, owns it.
    hosts.dedup_by(|later, first| later.host == first.host);
    hosts
}

/// What a zone was given.
#[derive(Default)]
struct Given<'a> {
    certificates: Vec<&'a WithKey<'a, StoredCertificate>>,
    clients: Vec<&'a WithKey<'a, ClientCertificate>>,
    trusted: Vec<&'a TrustedCertificate>,
}

/// Adds to what a zone was given. An identifier that is none names no zone.
fn given<'a>(
    zones: &mut BTreeMap<ZoneId, Given<'a>>,
    zone_id: &str,
    add: impl FnOnce(&mut Given<'a>),
) {
    if let Ok(zone) = zone_id.parse() {
        add(zones.entry(zone).or_default());
    }
}

impl Given<'_> {
    fn into_material(mut self, zone: ZoneId, before: Option<&ZoneMaterial>) -> ZoneMaterial {
        self.certificates.sort_by(|a, b| {
            let (a, b) = (&a.document.certificate, &b.document.certificate);
            let newer = (&b.uploaded_on, &b.id).cmp(&(&a.uploaded_on, &a.id));
            b.priority.cmp(&a.priority).then(newer)
        });
        self.trusted.sort_by(|a, b| (&a.uploaded_on, &a.id).cmp(&(&b.uploaded_on, &b.id)));
        let newest = self.clients.iter().max_by(|a, b| {
            let (a, b) = (a.document, b.document);
            (&a.uploaded_on, &a.id).cmp(&(&b.uploaded_on, &b.id))
        });
        let uploaded = |with: &&WithKey<'_, StoredCertificate>| {
            let stored = with.document;
            let before = before.and_then(|before| {
                before.certificates.iter().find(|before| before.id == stored.certificate.id)
            });
            let (not_before, not_after) = stored.validity();
            let certificate = UploadedCertificate {
                id: stored.certificate.id.clone(),
                hosts: stored.certificate.hosts.clone(),
                not_before,
                not_after,
                pair: pair(&stored.chain, with.private_key),
            };
            kept(certificate, before)
        };
        ZoneMaterial {
            zone,
            certificates: self.certificates.iter().map(uploaded).collect(),
            trusted: self
                .trusted
                .iter()
                .map(|trusted| trusted.certificate.as_str().into())
                .collect(),
            identity: newest.map(|with| {
                let before = before.and_then(|before| before.identity.as_ref());
                kept(pair(&with.document.certificate, with.private_key), before)
            }),
        }
    }
}

fn pair(chain: &str, private_key: &str) -> KeyPair {
    KeyPair { chain: chain.into(), private_key: private_key.into() }
}

/// What was there before, when it is the same.
fn kept<T: PartialEq>(value: T, before: Option<&Arc<T>>) -> Arc<T> {
    match before {
        Some(before) if **before == value => Arc::clone(before),
        _ => Arc::new(value),
    }
}
