use std::sync::Arc;

use evenkeel_model::{
    EdgeMaterial, HostPattern, KeyPair, ServedHost, Timestamp, TlsVersion, UploadedCertificate,
    ZoneId, ZoneMaterial,
};
use evenkeel_net::certificate::{Challenges, Identity, SelfSigned, self_signed};
use evenkeel_net::tls::client::{Checks, Fault, Outbound, Target};
use evenkeel_net::tls::server::{ClientAuth, Identities, Terminator};
use evenkeel_store::MemoryStore;
use rcgen::{CertificateParams, KeyPair as Key};
use rustls::RootCertStore;
use tokio::io::duplex;
use tokio::sync::{Notify, watch};

use evenkeel_store::Store;

use super::*;
use crate::book::Book;

/// The year that certificates of these tests end with.
const END: u64 = 1_893_456_000; // 2030-01-01
const BEFORE: u64 = END - 1;

fn identity(names: &[&str]) -> Arc<Identity> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let key = Key::generate().unwrap();
    let chain = parameters.self_signed(&key).unwrap().pem();
    let key = key.serialize_pem();
    Arc::new(Identity::from_pem(chain.as_bytes(), key.as_bytes(), None).unwrap())
}

fn undying(names: &[&str]) -> Arc<Identity> {
    let made = self_signed(names).unwrap();
    let (chain, key) = (made.certificate.as_bytes(), made.key.as_bytes());
    Arc::new(Identity::from_pem(chain, key, None).unwrap())
}

/// Shakes hands as a client that asks for a name and takes what it gets.
async fn shown(terminator: &Terminator, name: &str) -> Vec<u8> {
    let (near, far) = duplex(64 * 1024);
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let config = Arc::new(evenkeel_net::tls::insecure());
    let client = tokio_rustls::TlsConnector::from(config).connect(name, near);
    let (accepted, client) = tokio::join!(terminator.accept(far), client);
    accepted.unwrap();
    client.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn leaf(identity: &Identity) -> Vec<u8> {
    identity.key().cert[0].to_vec()
}

#[tokio::test]
async fn uploads_come_before_files_before_orders_and_the_living_before_the_dead() {
    let identities = Identities::default();
    let terminator = Terminator::new(identities.clone(), &ClientAuth::off()).unwrap();
    let own = undying(&["localhost"]);
    let stats = Arc::<Stats>::default();
    let book = Book::new(identities, Some(Arc::clone(&own)), Arc::clone(&stats));
    let (uploaded, file, ordered) = (
        identity(&["a.example"]),
        undying(&["a.example", "*.example.net"]),
        undying(&["a.example"]),
    );
    book.add_ordered("a.example", Arc::clone(&ordered), BEFORE);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&ordered));
    assert_eq!(shown(&terminator, "b.example").await, leaf(&own));
    book.replace_files(vec![Arc::clone(&file)], BEFORE);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&file));
    assert_eq!(shown(&terminator, "b.example").await, leaf(&file), "the first file is the default");
    book.replace_uploaded(vec![Arc::clone(&uploaded)], BEFORE);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&uploaded));
    let origins: Vec<_> = stats.shown().iter().map(|shown| shown.origin).collect();
    assert_eq!(origins, [Origin::Upload, Origin::File, Origin::Acme]);

    let hosts = ["a.example", "b.example", "x.example.net", "x.y.example.net", "*.example.net"];
    assert_eq!(book.uncovered(hosts, BEFORE), ["b.example", "x.y.example.net"]);
    book.follow_time(BEFORE);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&uploaded));
    book.follow_time(END);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&file));

    book.replace_files(Vec::new(), END);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&ordered));
    assert_eq!(book.uncovered(["a.example"], END), ["a.example"]);
    book.remove_ordered("a.example", END);
    assert_eq!(shown(&terminator, "a.example").await, leaf(&uploaded), "better than a stranger's");
}

/// A keeper, and the ends of what it follows.
struct Kept {
    terminator: Terminator,
    outbound: Outbound,
    material: watch::Sender<Arc<EdgeMaterial>>,
    look: Arc<Notify>,
    stats: Arc<Stats>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn keep(pairs: &[Pair], first: EdgeMaterial) -> Kept {
    let terminator = Terminator::new(Identities::default(), &ClientAuth::off()).unwrap();
    let outbound = Outbound::new(Arc::new(RootCertStore::empty()));
    let (material, told) = watch::channel(Arc::new(first));
    let (look, stats) = (Arc::<Notify>::default(), Arc::<Stats>::default());
    let (stop, stopping) = watch::channel(false);
    let keeper = Keeper::new(Options {
        terminator: terminator.clone(),
        outbound: outbound.clone(),
        material: told,
        files: Files::open(pairs, None).unwrap(),
        self_signed: None,
        acme: None,
        look: Arc::clone(&look),
        stats: Arc::clone(&stats),
    });
    let task = tokio::spawn(keeper.run(stopping));
    Kept { terminator, outbound, material, look, stats, stop, task }
}

fn pair(made: &SelfSigned) -> KeyPair {
    KeyPair { chain: made.certificate.as_str().into(), private_key: made.key.as_str().into() }
}

fn uploaded(host: &str, made: &SelfSigned) -> Arc<UploadedCertificate> {
    Arc::new(UploadedCertificate {
        id: "1".repeat(32),
        hosts: vec![host.to_owned()],
        not_before: Timestamp(0),
        not_after: Timestamp(u64::MAX),
        pair: pair(made),
    })
}

fn zone(zone: ZoneId) -> ZoneMaterial {
    ZoneMaterial { zone, certificates: Vec::new(), trusted: Vec::new(), identity: None }
}

#[tokio::test]
async fn what_is_there_at_the_start_is_shown_and_changes_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let files = Pair { certificate: folder.path().join("a"), key: folder.path().join("b") };
    let write = |made: &SelfSigned| {
        std::fs::write(&files.certificate, &made.certificate).unwrap();
        std::fs::write(&files.key, &made.key).unwrap();
    };
    let der = |made: &SelfSigned| {
        evenkeel_net::certificate::chain(made.certificate.as_bytes()).unwrap()[0].to_vec()
    };
    let (first, second, upload) = (
        self_signed(&["file.example"]).unwrap(),
        self_signed(&["file.example"]).unwrap(),
        self_signed(&["up.example"]).unwrap(),
    );
    write(&first);
    let here = ZoneMaterial {
        certificates: vec![uploaded("up.example", &upload)],
        ..zone(ZoneId([1; 16]))
    };
    let served = |tls_min| ServedHost {
        host: HostPattern::parse("*.up.example").unwrap(),
        zone: ZoneId([1; 16]),
        tls_min,
        http2: true,
    };
    let material = |tls_min| EdgeMaterial {
        zones: vec![Arc::new(here.clone())],
        hosts: vec![served(tls_min)],
    };
    let kept = keep(std::slice::from_ref(&files), material(TlsVersion::Tls12));
    assert_eq!(shown(&kept.terminator, "file.example").await, der(&first));
    assert_eq!(shown(&kept.terminator, "up.example").await, der(&upload));

    write(&second);
    kept.look.notify_one();
    while kept.stats.files_reloaded.get() == 0 {
        tokio::task::yield_now().await;
    }
    while shown(&kept.terminator, "file.example").await != der(&second) {}

    kept.material.send_replace(Arc::new(material(TlsVersion::Tls13)));
    let policy = || kept.terminator.identities().policy(Some("x.up.example")).version_min;
    while policy() != evenkeel_net::tls::TlsVersion::Tls13 {
        tokio::task::yield_now().await;
    }
    kept.stop.send_replace(true);
    kept.task.await.unwrap();
    assert_eq!(shown(&kept.terminator, "up.example").await, der(&upload));
}

#[tokio::test]
async fn zones_trust_whom_they_were_told_to_and_show_what_they_were_given() {
    // An endpoint whose certificate is by an authority of the zone's own, and asks who comes.
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = Key::generate().unwrap();
    let authority = parameters.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, key);
    let issue = |name: &str| {
        let key = Key::generate().unwrap();
        let parameters = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &issuer).unwrap().pem();
        SelfSigned { certificate, key: key.serialize_pem() }
    };
    let theirs = issue("app.example");
    let theirs =
        Identity::from_pem(theirs.certificate.as_bytes(), theirs.key.as_bytes(), None).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let endpoint = Identities::default();
    endpoint.publish(&[], Some(Arc::new(theirs)));
    let endpoint = Terminator::new(endpoint, &ClientAuth::require(roots).unwrap()).unwrap();

    let ours = ZoneMaterial {
        trusted: vec![authority.pem().into(), "no certificate".into()],
        identity: Some(Arc::new(pair(&issue("us.example")))),
        ..zone(ZoneId([1; 16]))
    };
    let material = EdgeMaterial { zones: vec![Arc::new(ours)], hosts: Vec::new() };
    let kept = keep(&[], material);
    for (zone, expected) in [([1; 16], None), ([2; 16], Some(Fault::Certificate))] {
        let target = Target {
            zone,
            checks: Checks::Full,
            identity: true,
            http2: false,
            host: "app.example",
            endpoint: "192.0.2.1",
            requested: "app.example",
        };
        let (near, far) = duplex(64 * 1024);
        let (accepted, connected) =
            tokio::join!(endpoint.accept(far), kept.outbound.connect(near, &target));
        assert_eq!(connected.err().map(|error| error.fault), expected);
        assert_eq!(accepted.is_ok(), expected.is_none());
    }
}

#[tokio::test]
async fn what_was_ordered_before_is_shown_without_asking_anybody() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let made = self_signed(&["a.example"]).unwrap();
    let body = serde_json::json!({
        "pair": { "chain": made.certificate, "private_key": made.key },
        "renew_at": 4_000_000_000_u64,
    });
    let key = evenkeel_store::Key::new("acme_certificate", "a.example");
    let batch = evenkeel_store::Batch::new().create(key, body.to_string().into_bytes());
    store.commit(batch).await.unwrap();

    let terminator = Terminator::new(Identities::default(), &ClientAuth::off()).unwrap();
    let (_material, told) = watch::channel(Arc::<EdgeMaterial>::default());
    let stats = Arc::<Stats>::default();
    let keeper = Keeper::new(Options {
        terminator: terminator.clone(),
        outbound: Outbound::new(Arc::new(RootCertStore::empty())),
        material: told,
        files: Files::open(&[], None).unwrap(),
        self_signed: None,
        acme: Some(AcmeOptions {
            settings: AcmeSettings {
                directory: "https://127.0.0.1:1/dir".to_owned(),
                email: None,
                roots: Arc::new(RootCertStore::empty()),
                challenges: vec![ChallengeKind::Http01],
            },
            store,
            challenges: Challenges::default(),
            rng: fastrand::Rng::with_seed(1),
        }),
        look: Arc::default(),
        stats: Arc::clone(&stats),
    });
    let chain = evenkeel_net::certificate::chain(made.certificate.as_bytes()).unwrap();
    assert_eq!(shown(&terminator, "a.example").await, chain[0].to_vec());
    assert_eq!((stats.orders.get(), stats.shown()[0].origin), (0, Origin::Acme));
    drop(keeper);
}
