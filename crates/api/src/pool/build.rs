//! What a pool's document means.

use alloc::format;
use alloc::string::{String, ToString};

use evenkeel_model::{Address, EndpointSpec, EndpointSteering, IdError, PoolSpec, Weight};

use super::address;
use super::document::Pool;
use super::origin::Origin;
use crate::build::{Kind, Places};
use crate::time;

/// The pool as meant. One whose monitor could not be built serves unmonitored: dropping it would
/// take its traffic down for certain.
pub(crate) fn build(document: &Pool, places: &mut Places<'_>) -> Result<PoolSpec, String> {
    let monitor = document.monitor.as_deref().and_then(|id| {
        let monitor = places.monitors.get(id).copied();
        if monitor.is_none() {
            let message = format!("monitor {id} is not in force; the pool serves unmonitored");
            places.problem(Kind::Pool, &document.id, &message);
        }
        monitor
    });
    Ok(PoolSpec {
        id: document.id.parse().map_err(|error: IdError| error.to_string())?,
        name: document.name.clone(),
        enabled: document.enabled,
        endpoints_min: document.minimum_origins,
        monitor,
        endpoint_steering: EndpointSteering::Random,
        endpoints: document.origins.iter().map(endpoint).collect::<Result<_, _>>()?,
    })
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
