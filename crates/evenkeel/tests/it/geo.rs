//! `--geoip`: whose countries count, and that files are followed while the server runs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::node::{Node, example_countries, program};

fn country(node: &Node, client: &str) -> Value {
    let question = json!({ "url": "http://a.example.com/", "client": client });
    node.explain(&question)["client"]["country"].clone()
}

/// Replaces a file as an updater does.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn files_are_asked_first_and_read_again_when_they_change() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countries.mmdb");
    replace(&file, &fs::read(example_countries()).unwrap());
    let node = Node::start(&["--geoip", file.to_str().unwrap()]);
    assert_eq!(country(&node, "127.0.0.2"), "DE");
    assert_eq!(country(&node, "193.0.6.139"), "NL");
    assert_eq!(country(&node, "10.0.0.1"), Value::Null);
    let mut other = fs::read(example_countries()).unwrap();
    let place = other.windows(2).position(|two| two == b"DE").unwrap();
    other[place..place + 2].copy_from_slice(b"AT");
    replace(&file, &other);
    node.wait_for_log("was read again");
    assert_eq!(country(&node, "127.0.0.2"), "AT");
    // What cannot be used changes nothing; the next good one counts.
    replace(&file, b"nonsense");
    node.wait_for_log("cannot be used; the one read before stays");
    assert_eq!(country(&node, "127.0.0.2"), "AT");
    replace(&file, &fs::read(example_countries()).unwrap());
    node.wait_for_log("was read again");
    assert_eq!(country(&node, "127.0.0.2"), "DE");
}

#[test]
fn a_file_that_cannot_be_used_is_a_refused_setting() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.mmdb");
    fs::write(&file, "nonsense").unwrap();
    let data = folder.path().join("data");
    let output = program()
        .args(["serve", "--api", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .arg("--geoip")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("geoip: ") && said.contains("bad.mmdb"), "{said}");
}
