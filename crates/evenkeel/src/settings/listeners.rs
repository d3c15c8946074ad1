//! Addresses that two listeners cannot have at once, told before anything is bound.

use std::net::SocketAddr;

use super::{Layers, Settings};

impl Layers<'_> {
    /// Names every address that is given twice, to one kind of listener or to two. UDP is not told
    /// apart: the name server takes its addresses by TCP as well.
    pub(super) fn refuse_conflicts(&mut self, settings: &Settings) {
        let kinds = [
            ("api", std::slice::from_ref(&settings.api)),
            ("http", settings.http.as_slice()),
            ("https", settings.of_tls.https.as_slice()),
            ("dns", settings.of_dns.addresses.as_slice()),
        ];
        let of_kind = |(key, addresses): (&'static str, &[SocketAddr])| {
            addresses.iter().map(move |address| (key, *address)).collect::<Vec<_>>()
        };
        let all: Vec<_> = kinds.into_iter().flat_map(of_kind).collect();
        for (position, (key, address)) in all.iter().enumerate() {
            let taken = all[..position].iter().find(|(_, other)| overlap(*address, *other));
            if let Some((other_key, other)) = taken {
                self.problems.push(format!(
                    "{key}: {address} is taken by {other_key} {other}; give each listener an \
                     address or a port of its own"
                ));
            }
        }
    }
}

/// Whether the machine refuses one of them while the other is bound. Listeners of IPv6 take no
/// connections of IPv4 here, and port 0 is any that is free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (is_any || one.ip() == other.ip())
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::check;

    #[test]
    fn an_address_belongs_to_one_listener() {
        for (file, keys) in [
            ("http = '127.0.0.1:8787'", &["http"][..]),
            ("http = ['127.0.0.1:1', '127.0.0.1:1']", &["http"]),
            ("http = '0.0.0.0:1'\nhttps = '127.0.0.1:1'", &["https"]),
            ("api = '[::1]:53'\ndns = '[::]:53'", &["dns"]),
            (
                "api = '127.0.0.1:1'\nhttp = '127.0.0.1:1'\nhttps = '127.0.0.1:1'",
                &["http", "https"],
            ),
            ("http = ['0.0.0.0:1', '[::]:1']", &[]),
            ("http = ['127.0.0.1:0', '127.0.0.1:0']\napi = '127.0.0.1:0'", &[]),
            ("http = ['127.0.0.1:1', '127.0.0.2:1']", &[]),
        ] {
            let problems = check(&[], &[], file).1;
            let named: Vec<_> =
                problems.iter().map(|line| line.split(':').next().unwrap_or_default()).collect();
            assert_eq!(named, keys, "{file}: {problems:?}");
        }
    }
}
