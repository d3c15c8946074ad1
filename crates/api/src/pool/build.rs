//! What a pool's document means.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{
    self as model, Address, Coordinates, EndpointSpec, EndpointSteering, HealthSources, IdError,
    Percent, PoolMonitor, PoolSpec, Region, Weight,
};

use super::address;
use super::document::{LoadShedding, OriginSteeringPolicy, Pool, SheddingPolicy};
use super::origin::Origin;
use crate::build::{Kind, Places};
use crate::time;
use crate::{CheckRegion, Number};

/// The pool as meant. One whose monitor could not be built serves unmonitored: dropping it would
/// take its traffic down for certain.
pub(crate) fn build(document: &Pool, places: &mut Places<'_>) -> Result<PoolSpec, String> {
    let id = document.id.parse().map_err(|error: IdError| error.to_string())?;
    let endpoints = document.origins.iter().map(endpoint).collect::<Result<_, _>>()?;
    Ok(PoolSpec {
        enabled: document.enabled,
        endpoints_min: document.minimum_origins,
        monitors: monitors(document, places),
        check_regions: check_regions(document),
        health_sources: match &document.health_sources {
            Some(_) => HealthSources::RegionalGlobal,
            None => HealthSources::LocalGlobal,
        },
        endpoint_steering: match document.origin_steering.map(|steering| steering.policy) {
            None | Some(OriginSteeringPolicy::Unset | OriginSteeringPolicy::Random) => {
                EndpointSteering::Random
            }
            Some(OriginSteeringPolicy::Hash) => EndpointSteering::Hash,
            Some(OriginSteeringPolicy::LeastOutstandingRequests) => {
                EndpointSteering::LeastOutstandingRequests
            }
            Some(OriginSteeringPolicy::LeastConnections) => EndpointSteering::LeastConnections,
            Some(OriginSteeringPolicy::LeastLatency) => EndpointSteering::LeastLatency,
        },
        shedding: document.load_shedding.map(shedding).transpose()?,
        coordinates: coordinates(document)?,
        ..PoolSpec::new(id, &document.name, endpoints)
    })
}

/// Who judges the endpoints: a monitor, or the members of a group that are switched on. What is not
/// in force is left out, and the pool is judged by the rest.
fn monitors(document: &Pool, places: &mut Places<'_>) -> Vec<PoolMonitor> {
    let mut judges = Vec::new();
    let mut missing = Vec::new();
    if let Some(id) = &document.monitor {
        match places.monitors.get(id.as_str()) {
            Some(monitor) => judges.push(PoolMonitor::plain(*monitor)),
            None => missing.push(format!("monitor {id}")),
        }
    } else if let Some(id) = &document.monitor_group {
        let group = places.monitor_groups.get(id.as_str()).copied();
        if group.is_none() {
            missing.push(format!("monitor group {id}"));
        }
        let members = group.iter().flat_map(|group| &group.members);
        for member in members.filter(|member| member.enabled) {
            match places.monitors.get(member.monitor_id.as_str()) {
                Some(monitor) => judges.push(PoolMonitor {
                    monitor: *monitor,
                    must_be_healthy: member.must_be_healthy,
                    monitoring_only: member.monitoring_only,
                }),
                None => missing.push(format!("monitor {} of its group", member.monitor_id)),
            }
        }
    }
    let is_judged = judges.iter().any(PoolMonitor::votes);
    let outcome = if is_judged { "is judged by the others" } else { "serves unmonitored" };
    for missing in missing {
        let message = format!("{missing} is not in force; the pool {outcome}");
        places.problem(Kind::Pool, &document.id, &message);
    }
    judges
}

/// Where checkers have a vote. An empty list is every PoP, as is none (api.md 3.4); regions that
/// nobody here knows have no checkers.
fn check_regions(document: &Pool) -> Option<BTreeSet<Region>> {
    let listed = document.check_regions.as_ref().filter(|listed| !listed.is_empty())?;
    if listed.contains(&CheckRegion::AllRegions) {
        return Some(Region::ALL.into());
    }
    Some(listed.iter().filter_map(|region| Region::parse(region.as_str())).collect())
}

fn shedding(sent: LoadShedding) -> Result<model::LoadShedding, String> {
    let percent = |number: Number| {
        Percent::from_number(number.get())
            .ok_or_else(|| format!("load_shedding of {number} % is not in range [0, 100]"))
    };
    Ok(model::LoadShedding {
        default: percent(sent.default_percent)?,
        default_policy: match sent.default_policy {
            SheddingPolicy::Unset | SheddingPolicy::Random => model::SheddingPolicy::Random,
            SheddingPolicy::Hash => model::SheddingPolicy::Hash,
        },
        sessions: percent(sent.session_percent)?,
    })
}

fn coordinates(document: &Pool) -> Result<Option<Coordinates>, String> {
    let (Some(latitude), Some(longitude)) = (document.latitude, document.longitude) else {
        return Ok(None);
    };
    let coordinates = Coordinates::new(latitude.get(), longitude.get());
    coordinates.map(Some).ok_or_else(|| "its coordinates are not on the globe".to_string())
}

fn endpoint(origin: &Origin) -> Result<EndpointSpec, String> {
    let name = &origin.name;
    let address = address::meant(&origin.address)
        .ok_or_else(|| format!("address of origin \"{name}\" is not an address"))?;
    let weight = Weight::from_fraction(origin.weight.get())
        .ok_or_else(|| format!("weight of origin \"{name}\" is not a multiple of 0.01"))?;
    Ok(EndpointSpec {
        enabled: origin.enabled,
        disabled_at: origin.disabled_at.as_deref().and_then(time::parse),
        weight,
        host: host(origin),
        virtual_network: origin.virtual_network_id.as_ref().map(|id| id.to_ascii_lowercase()),
        flatten_cname: origin.flatten_cname,
        ..EndpointSpec::new(name, address, origin.port.unwrap_or(0))
    })
}

/// The Host header as it goes out: names in ASCII, IPv6 in brackets (RFC 9110 section 7.2).
fn host(origin: &Origin) -> Option<String> {
    let sent = origin.header.as_ref()?.host.as_ref()?.first()?;
    Some(match address::meant(sent)? {
        Address::Ip(ip) if ip.is_ipv6() => format!("[{ip}]"),
        address => address.to_string(),
    })
}
