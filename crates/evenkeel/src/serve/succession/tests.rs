use std::net::TcpListener;
use std::os::fd::AsFd;
use std::thread;

use evenkeel_net::inherit::{Chosen, Purpose};
use evenkeel_net::letters::Letters;
use evenkeel_proxy::SharedSessions;

use super::Goodbye;
use super::predecessor::Predecessor;
use super::successor::Line;
use crate::serve::upgrades::{Upgraded, Upgrades};

fn both() -> (Line, Predecessor) {
    let (here, there) = Letters::pair().unwrap();
    (Line::new(here), Predecessor::new(Letters::new(there)))
}

#[test]
fn a_hand_over_goes_word_by_word() {
    let (old, new) = both();
    let listeners: Vec<_> = (0..100).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let address = listeners[99].local_addr().unwrap();
    let new = thread::spawn(move || {
        let mut stock = new.sockets().unwrap();
        assert!(stock.addresses_by_manager(Purpose::Http).is_empty());
        assert_eq!(stock.addresses_by_manager(Purpose::Api).len(), 1);
        assert_eq!(stock.listeners(Purpose::Http, address).len(), 1);
        new.ready(&Upgrades::default(), &SharedSessions::default()).unwrap();
        new.serving()
    });
    let http = listeners.iter().map(AsFd::as_fd).collect();
    let api = vec![listeners[0].as_fd()];
    old.begin(&[
        (Purpose::Http, Chosen::BySettings, http),
        (Purpose::Api, Chosen::ByManager, api),
        (Purpose::Https, Chosen::BySettings, Vec::new()),
    ])
    .unwrap();
    old.prepared().unwrap();
    old.take(&Upgrades::default(), &SharedSessions::default()).unwrap();
    old.part(Goodbye::Yours);
    assert_eq!(new.join().unwrap(), Goodbye::Yours);
}

#[test]
fn a_successor_that_ends_at_any_step_is_noticed() {
    let (old, new) = both();
    drop(new);
    assert!(old.begin(&[]).is_err());

    let (old, new) = both();
    old.begin(&[]).unwrap();
    new.sockets().unwrap();
    drop(new);
    assert!(old.prepared().is_err());

    let (old, new) = both();
    let new = thread::spawn(move || new.ready(&Upgrades::default(), &SharedSessions::default()));
    old.prepared().unwrap();
    let taking = old.clone();
    let taken =
        thread::spawn(move || taking.take(&Upgrades::default(), &SharedSessions::default()));
    new.join().unwrap().unwrap();
    assert!(taken.join().unwrap().is_err());
}

#[test]
fn a_predecessor_that_dies_leaves_everything_to_us_and_one_that_talks_nonsense_nothing() {
    let (old, new) = both();
    drop(old);
    new.ready(&Upgrades::default(), &SharedSessions::default()).unwrap();
    assert_eq!(new.serving(), Goodbye::Yours);

    let (here, there) = Letters::pair().unwrap();
    let new = Predecessor::new(Letters::new(there));
    here.send(b"nonsense", &[]).unwrap();
    assert!(new.sockets().is_err());
    here.send(b"sockets http nobody", &[]).unwrap();
    assert!(new.sockets().is_err());
    here.send(b"nonsense", &[]).unwrap();
    assert!(new.ready(&Upgrades::default(), &SharedSessions::default()).is_err());
}

#[test]
fn what_was_counted_and_who_asked_to_stop_is_passed_on() {
    let (old, new) = both();
    let new = thread::spawn(move || {
        let counted = Upgrades::default();
        new.sockets().unwrap();
        new.ready(&counted, &SharedSessions::default()).unwrap();
        (new.serving(), counted.all())
    });
    let upgrades = Upgrades::default();
    upgrades.count(Upgraded::Refused);
    old.begin(&[]).unwrap();
    old.prepared().unwrap();
    old.take(&upgrades, &SharedSessions::default()).unwrap();
    old.part(Goodbye::Stop);
    assert_eq!(new.join().unwrap(), (Goodbye::Stop, upgrades.all()));
}
