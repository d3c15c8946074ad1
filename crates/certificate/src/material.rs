//! What zones were given through the API, made into what TLS uses.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_model::{
    EdgeMaterial, KeyPair, ServedHost, TlsVersion, UploadedCertificate, ZoneMaterial,
};
use evenkeel_net::certificate::{Identity, IdentityError, chain};
use evenkeel_net::tls;
use evenkeel_net::tls::client::{ZoneKey, ZoneTrust};
use evenkeel_net::tls::server::Policy;

/// Keys and certificates that were read, so that each is read once.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    uploaded: Vec<(Arc<UploadedCertificate>, Option<Arc<Identity>>)>,
    zones: Vec<(Arc<ZoneMaterial>, ZoneTrust)>,
}

impl Reader {
    /// The certificates shown to clients: zone by zone, the preferred first.
    pub(crate) fn identities(&mut self, material: &EdgeMaterial) -> Vec<Arc<Identity>> {
        let mut known: HashMap<_, _> = std::mem::take(&mut self.uploaded)
            .into_iter()
            .map(|(uploaded, identity)| (Arc::as_ptr(&uploaded), (uploaded, identity)))
            .collect();
        let all = material.zones.iter().flat_map(|zone| &zone.certificates);
        self.uploaded = all
            .map(|uploaded| {
                known.remove(&Arc::as_ptr(uploaded)).unwrap_or_else(|| {
                    let identity = read(&uploaded.pair)
                        .inspect_err(|error| {
                            tracing::error!(
                                certificate = uploaded.id,
                                %error,
                                "An uploaded certificate cannot be used."
                            );
                        })
                        .ok();
                    (Arc::clone(uploaded), identity.map(Arc::new))
                })
            })
            .collect();
        self.uploaded.iter().filter_map(|(_, identity)| identity.clone()).collect()
    }

    /// What is known of TLS towards endpoints, by zone.
    pub(crate) fn trust(&mut self, material: &EdgeMaterial) -> Vec<(ZoneKey, ZoneTrust)> {
        let mut known: HashMap<_, _> = std::mem::take(&mut self.zones)
            .into_iter()
            .map(|(zone, trust)| (Arc::as_ptr(&zone), (zone, trust)))
            .collect();
        let zones = material.zones.iter().map(|zone| {
            let new = || (Arc::clone(zone), trust(zone));
            known.remove(&Arc::as_ptr(zone)).unwrap_or_else(new)
        });
        self.zones = zones.collect();
        // Zones that were given nothing have sessions of their own all the same.
        let mut all: HashMap<ZoneKey, ZoneTrust> =
            material.hosts.iter().map(|host| (host.zone.0, ZoneTrust::default())).collect();
        all.extend(self.zones.iter().map(|(zone, trust)| (zone.zone.0, trust.clone())));
        all.into_iter().collect()
    }
}

fn read(pair: &KeyPair) -> Result<Identity, IdentityError> {
    Identity::from_pem(pair.chain.as_bytes(), pair.private_key.as_bytes(), None)
}

fn trust(zone: &ZoneMaterial) -> ZoneTrust {
    let authorities = zone.trusted.iter().filter_map(|pem| chain(pem.as_bytes())).flatten();
    let identity = zone.identity.as_deref().map(read).and_then(|read| {
        read.inspect_err(|error| {
            tracing::error!(
                zone = %zone.zone,
                %error,
                "The client certificate that endpoints are shown cannot be used."
            );
        })
        .ok()
    });
    let identity = identity.map(|identity| Arc::clone(identity.key()));
    ZoneTrust { authorities: authorities.collect(), identity }
}

/// What is asked of clients, by the name they ask for.
pub(crate) fn policies(hosts: &[ServedHost]) -> Vec<(String, Policy)> {
    let policy = |host: &ServedHost| Policy {
        version_min: match host.tls_min {
            TlsVersion::Tls12 => tls::TlsVersion::Tls12,
            TlsVersion::Tls13 => tls::TlsVersion::Tls13,
        },
        http2: host.http2,
    };
    hosts.iter().map(|host| (host.host.to_string(), policy(host))).collect()
}
