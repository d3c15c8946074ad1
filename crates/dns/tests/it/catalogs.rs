//! The catalog follows the view, and keeps what did not change.

use std::sync::Arc;

use evenkeel_dns::Catalog;
use evenkeel_dns::wire::Name;
use evenkeel_dns::zone::{Path, ServedZone};
use evenkeel_model::{View, Zone, Zones};

use crate::dig::wire_name;
use crate::notation::World;

fn served<'c>(catalog: &'c Catalog, zone: &str) -> &'c ServedZone {
    let name = wire_name(zone, "");
    catalog.find(&Path::new(Name::new(&name).expect("a name")), 0).expect("a zone").1
}

fn with_zones(view: &View, zones: Vec<Arc<Zone>>) -> View {
    View {
        config: Arc::clone(&view.config),
        health: view.health.clone(),
        zones: Arc::new(Zones::new(zones)),
        revision: view.revision + 1,
    }
}

#[test]
fn a_zone_that_did_not_change_is_taken_over() {
    let first = World::parse("zone a.example; w A 10.0.0.1; lb x | eu: 10.0.0.2; zone b.example");
    let catalog = Catalog::new(&first.view, None);
    let mut zones: Vec<Arc<Zone>> = first.view.zones.iter().cloned().collect();
    zones[1] = Arc::new(Zone { serial: 8, ..Zone::clone(&zones[1]) });
    let view = with_zones(&first.view, zones);
    assert!(catalog.fits(&first.view) && !catalog.fits(&view));
    let later = Catalog::new(&view, Some(&catalog));
    assert!(later.fits(&view) && !later.fits(&first.view));
    for (zone, is_same) in [("a.example", true), ("b.example", false)] {
        let (before, after) = (served(&catalog, zone), served(&later, zone));
        assert_eq!(Arc::ptr_eq(&before.records, &after.records), is_same, "{zone}");
        assert!(Arc::ptr_eq(&before.hosts, &after.hosts), "{zone}");
    }
    assert_eq!(served(&later, "b.example").zone.serial, 8);
}

#[test]
fn another_configuration_has_other_load_balancers() {
    let first = World::parse("zone a.example; w A 10.0.0.1; lb x | eu: 10.0.0.2");
    let other = World::parse("zone a.example; lb y | eu: 10.0.0.2");
    let catalog = Catalog::new(&first.view, None);
    let view = View { zones: Arc::clone(&first.view.zones), ..other.view };
    let later = Catalog::new(&view, Some(&catalog));
    assert!(Arc::ptr_eq(
        &served(&catalog, "a.example").records,
        &served(&later, "a.example").records
    ));
    for (name, before, after) in [("x.a.example", true, false), ("y.a.example", false, true)] {
        let name = wire_name(name, "");
        let path = Path::new(Name::new(&name).expect("a name"));
        assert_eq!(served(&catalog, "a.example").hosts.find(&path, 0).is_some(), before);
        assert_eq!(served(&later, "a.example").hosts.find(&path, 0).is_some(), after);
    }
}

#[test]
fn a_zone_that_is_gone_is_not_found() {
    let first = World::parse("zone a.example; zone b.example");
    let catalog = Catalog::new(&first.view, None);
    let zones = first.view.zones.iter().take(1).cloned().collect();
    let later = Catalog::new(&with_zones(&first.view, zones), Some(&catalog));
    assert_eq!((catalog.zones().len(), later.zones().len()), (2, 1));
}
