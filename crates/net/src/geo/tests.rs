mod writer;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::database::Database;
use super::*;
use writer::{Value, write};

/// The networks of `data/example.mmdb`, which the tests of other crates use: loopback addresses, so
/// that a client on this machine can come from several countries.
fn example() -> Vec<u8> {
    let flat = |code: &str| Value::map([("country_code", Value::text(code))]);
    let city = |code: &str, latitude: f64, longitude: f64, asn: u32| {
        Value::map([
            (
                "country",
                Value::map([
                    ("names", Value::map([("en", Value::text("name"))])),
                    ("iso_code", Value::text(code)),
                ]),
            ),
            ("subdivisions", Value::List(vec![Value::map([("iso_code", Value::text("CA"))])])),
            (
                "location",
                Value::map([
                    ("accuracy_radius", Value::Integer(5)),
                    ("latitude", Value::Double(latitude)),
                    ("longitude", Value::Double(longitude)),
                ]),
            ),
            ("autonomous_system_number", Value::Integer(asn)),
        ])
    };
    write(&[
        ("127.0.0.2", 32, flat("DE")),
        ("127.0.0.3", 32, city("US", 37.77, -122.42, 64_501)),
        ("127.0.0.4", 32, flat("jp")),
        ("127.0.0.5", 32, flat("ZZ")),
        ("203.0.113.0", 24, city("PT", 38.72, -9.14, 64_500)),
        ("2001:db8::", 32, flat("BR")),
    ])
}

fn over(databases: &[Vec<u8>]) -> Geo {
    Geo::over(databases.iter().map(|bytes| Arc::new(Database::from_bytes(bytes.clone()).unwrap())))
}

fn find(geo: &Geo, address: &str) -> Whereabouts {
    geo.find(address.parse().unwrap())
}

fn country(geo: &Geo, address: &str) -> String {
    String::from_utf8(find(geo, address).country.to_vec()).unwrap()
}

#[test]
fn the_builtin_database_is_whole_and_knows_countries() {
    Database::builtin().prove().unwrap();
    let geo = Geo::builtin();
    for (address, expected) in [
        ("193.0.6.139", "NL"),
        ("::ffff:193.0.6.139", "NL"),
        ("2001:67c:2e8:22::c100:68b", "NL"),
        ("81.2.69.142", "GB"),
    ] {
        assert_eq!(country(&geo, address), expected, "{address}");
    }
}

#[test]
fn private_addresses_are_nowhere() {
    let geo = Geo::builtin();
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.168.1.1",
        "203.0.113.9",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "2001:db8::1",
        "fd00::1",
        "fe80::1",
    ] {
        assert!(!is_public(address.parse::<IpAddr>().unwrap().to_canonical()), "{address}");
        assert_eq!(find(&geo, address), Whereabouts::default(), "{address}");
    }
    for address in ["100.63.255.255", "100.128.0.0", "172.32.0.1", "2001:db9::1"] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn both_layouts_of_records_are_understood() {
    let geo = over(&[example()]);
    for (address, expected) in [
        ("127.0.0.1", "XX"),
        ("127.0.0.2", "DE"),
        ("127.0.0.4", "JP"),
        ("127.0.0.5", "XX"),
        ("2001:db8:1::1", "BR"),
        ("193.0.6.139", "NL"),
    ] {
        assert_eq!(country(&geo, address), expected, "{address}");
    }
    let lisbon = Whereabouts {
        country: *b"PT",
        subdivision: Some(*b"CA"),
        coordinates: Some((38.72, -9.14)),
        asn: Some(64_500),
    };
    assert_eq!(find(&geo, "203.0.113.9"), lisbon);
}

#[test]
fn later_files_are_asked_first_and_earlier_ones_fill_in() {
    let france = write(&[("203.0.113.0", 25, Value::map([("country_code", Value::text("FR"))]))]);
    let geo = over(&[example(), france.clone()]);
    assert_eq!(country(&geo, "203.0.113.9"), "FR");
    let found = find(&geo, "203.0.113.9");
    assert_eq!((found.asn, found.subdivision), (Some(64_500), None));
    assert_eq!(country(&geo, "203.0.113.200"), "PT");
    assert_eq!(country(&over(&[france, example()]), "203.0.113.9"), "PT");
}

#[test]
fn coordinates_off_the_globe_are_none() {
    for (latitude, longitude) in [(91.0, 0.0), (0.0, 181.0), (f64::NAN, 0.0)] {
        let record = Value::map([
            ("latitude", Value::Double(latitude)),
            ("longitude", Value::Double(longitude)),
        ]);
        let geo = over(&[write(&[("192.0.2.0", 24, record)])]);
        assert_eq!(find(&geo, "192.0.2.1").coordinates, None);
    }
}

#[test]
fn the_example_for_other_crates_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/example.mmdb");
    if std::env::var_os("EVENKEEL_WRITE_EXAMPLES").is_some() {
        fs::write(&path, example()).unwrap();
    }
    assert_eq!(fs::read(path).unwrap(), example(), "run with EVENKEEL_WRITE_EXAMPLES=1");
}

/// Files in a folder of their own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Puts a file in place as an updater does: written beside it, then renamed.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        let beside = path.with_extension("new");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, &path).unwrap();
        path
    }
}

fn outcomes(changes: &[GeoChange]) -> Vec<bool> {
    changes.iter().map(|change| change.outcome.is_ok()).collect()
}

#[test]
fn a_changed_file_is_read_again_and_a_bad_one_is_told_of_once() {
    let folder = Folder::new();
    let path = folder.put("a.mmdb", &example());
    let mut files = GeoFiles::open(std::slice::from_ref(&path)).unwrap();
    let geo = files.geo();
    assert_eq!(country(&geo, "127.0.0.2"), "DE");
    assert_eq!(outcomes(&files.refresh()), []);

    let other = write(&[("127.0.0.2", 32, Value::map([("country_code", Value::text("AT"))]))]);
    folder.put("a.mmdb", &other);
    assert_eq!(outcomes(&files.refresh()), [true]);
    assert_eq!(country(&geo, "127.0.0.2"), "AT");

    let cut = &example()[..example().len() / 2];
    for bytes in [cut, b"", b"not a database"] {
        folder.put("a.mmdb", bytes);
        assert_eq!(outcomes(&files.refresh()), [false]);
        assert_eq!(outcomes(&files.refresh()), []);
        assert_eq!(country(&geo, "127.0.0.2"), "AT");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(outcomes(&files.refresh()), [false]);
    assert_eq!(outcomes(&files.refresh()), []);
    assert_eq!(country(&geo, "127.0.0.2"), "AT");

    folder.put("a.mmdb", &example());
    assert_eq!(outcomes(&files.refresh()), [true]);
    assert_eq!(country(&geo, "127.0.0.2"), "DE");
}

#[test]
fn every_unusable_file_is_named_at_the_start() {
    let folder = Folder::new();
    let paths = [
        folder.put("good.mmdb", &example()),
        folder.put("bad.mmdb", b"?"),
        folder.0.path().join("none.mmdb"),
    ];
    let problems = GeoFiles::open(&paths).unwrap_err();
    let named: Vec<_> = problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(named, paths[1..]);
}

#[test]
fn a_tree_that_runs_in_circles_is_refused() {
    let mut bytes = example();
    // Every record of the first nodes leads back to the first node.
    bytes[..600].fill(0);
    assert!(Database::from_bytes(bytes).is_err());
}

proptest! {
    /// Whatever a file holds, reading it ends, and what it is asked it answers or not.
    #[test]
    fn damaged_databases_neither_panic_nor_hang(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        address in any::<u32>(),
    ) {
        let mut bytes = example();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(database) = Database::from_bytes(bytes) {
            for address in [IpAddr::from(address.to_be_bytes()), "127.0.0.3".parse().unwrap()] {
                database.find(address);
            }
        }
    }
}
