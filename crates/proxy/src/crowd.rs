//! How many clients a node lets in: in all, from one address, and while memory lasts.
//!
//! Shared by all workers. A connection is counted from its accept to its end; one that is not let
//! in is closed at once, which costs the others nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bounds on clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrowdLimits {
    /// Client connections open at once.
    pub connections_max: usize,
    /// Of these from one IPv4 address or one IPv6 network of 64 bits; unlimited when absent.
    pub per_address_max: Option<usize>,
    /// Memory of the process, in bytes, from which on nobody else is let in; unlimited when absent.
    pub memory_bytes_max: Option<u64>,
}

impl Default for CrowdLimits {
    fn default() -> Self {
        Self { connections_max: 100_000, per_address_max: None, memory_bytes_max: None }
    }
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shed {
    Connections,
    Address,
    Memory,
}

/// The clients of a node.
#[derive(Debug, Default)]
pub struct Crowd {
    limits: CrowdLimits,
    connections: AtomicUsize,
    /// Only kept while there is a bound. Never longer than there are connections.
    by_address: Mutex<HashMap<IpAddr, usize>>,
    is_memory_tight: AtomicBool,
}

impl Crowd {
    /// Nobody there yet.
    #[must_use]
    pub fn new(limits: CrowdLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Lets a connection in, whoever it is of.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Place, Shed> {
        if self.is_memory_tight.load(Ordering::Relaxed) {
            return Err(Shed::Memory);
        }
        let place = Place { crowd: Arc::clone(self), address: None };
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        // Too many: the place is given back as it is dropped.
        if before < self.limits.connections_max { Ok(place) } else { Err(Shed::Connections) }
    }

    /// Looks at how much memory the process has, if that is bounded: called every now and then.
    pub(crate) fn weigh(&self, memory: impl FnOnce() -> Option<u64>) {
        if let Some(max) = self.limits.memory_bytes_max {
            let is_tight = memory().is_some_and(|bytes| bytes >= max);
            if self.is_memory_tight.swap(is_tight, Ordering::Relaxed) != is_tight {
                if is_tight {
                    tracing::warn!(max, "Memory is at its limit: no further clients are let in.");
                } else {
                    tracing::info!(max, "Memory is below its limit again.");
                }
            }
        }
    }

    /// Whether memory is bounded.
    pub(crate) fn minds_memory(&self) -> bool {
        self.limits.memory_bytes_max.is_some()
    }
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
}

impl Place {
    /// Says whose connection it is, once that is known.
    pub(crate) fn take_for(&mut self, client: IpAddr) -> Result<(), Shed> {
        let Some(max) = self.crowd.limits.per_address_max else { return Ok(()) };
        let key = group(client);
        let mut by_address = self.crowd.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(key).or_default();
        if *count >= max {
            return Err(Shed::Address);
        }
        *count += 1;
        self.address = Some(key);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.connections.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.crowd.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// Memory of this process that is in use, in bytes, as the system tells; `None` where it does not.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What counts as one address: one subscriber has a whole IPv6 network of 64 bits (RFC 6177).
fn group(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(limits: CrowdLimits) -> Arc<Crowd> {
        Arc::new(Crowd::new(limits))
    }

    #[test]
    fn so_many_connections_are_let_in_and_a_place_is_free_again_when_one_ends() {
        let crowd = crowd(CrowdLimits { connections_max: 2, ..CrowdLimits::default() });
        let first = crowd.admit().unwrap();
        let _second = crowd.admit().unwrap();
        assert_eq!(crowd.admit().err(), Some(Shed::Connections));
        drop(first);
        assert!(crowd.admit().is_ok());
    }

    #[test]
    fn addresses_are_bounded_by_subscriber() {
        let crowd = crowd(CrowdLimits { per_address_max: Some(1), ..CrowdLimits::default() });
        let admit = |client: &str| {
            let mut place = crowd.admit().unwrap();
            place.take_for(client.parse().unwrap()).map(|()| place)
        };
        let held = ["192.0.2.1", "2001:db8::1"].map(|client| admit(client).unwrap());
        for (client, expected) in [
            ("192.0.2.1", Some(Shed::Address)),
            ("::ffff:192.0.2.1", Some(Shed::Address)),
            ("192.0.2.2", None),
            ("2001:db8::ffff", Some(Shed::Address)),
            ("2001:db8:0:1::1", None),
        ] {
            assert_eq!(admit(client).err(), expected, "{client}");
        }
        drop(held);
        assert!(admit("192.0.2.1").is_ok());
        assert!(crowd.by_address.lock().unwrap().is_empty());
    }

    #[test]
    fn while_memory_is_tight_nobody_is_let_in() {
        let crowd = crowd(CrowdLimits { memory_bytes_max: Some(100), ..CrowdLimits::default() });
        crowd.weigh(|| Some(100));
        assert_eq!(crowd.admit().err(), Some(Shed::Memory));
        crowd.weigh(|| Some(99));
        assert!(crowd.admit().is_ok());
        crowd.weigh(|| None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 0));
        assert!(crowd.admit().is_ok());
    }
}
