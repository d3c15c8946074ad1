//! Names of webhooks to addresses, kept from those that the installation does not want reached.
//! Literal addresses are judged when a webhook is configured; what a name resolves to is known only
//! now.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Tells why an address may not be reached, in a word for people such as `private`; `None` of one that
/// may.
pub type Refuses = Arc<dyn Fn(IpAddr) -> Option<&'static str> + Send + Sync>;

/// Resolves through the system.
#[derive(Clone)]
pub(crate) struct Names(pub(crate) Refuses);

type Addresses = std::vec::IntoIter<SocketAddr>;

impl Service<Name> for Names {
    type Response = Addresses;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let refuses = Arc::clone(&self.0);
        Box::pin(async move {
            // The connector puts its own port in.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            allowed(&*refuses, found.collect()).map(Vec::into_iter)
        })
    }
}

/// The addresses that may be reached.
///
/// # Errors
/// When there are others only.
fn allowed(
    refuses: &dyn Fn(IpAddr) -> Option<&'static str>,
    found: Vec<SocketAddr>,
) -> io::Result<Vec<SocketAddr>> {
    let refused = found.iter().find_map(|address| Some((address, refuses(address.ip())?)));
    let refused = refused.map(|(address, kind)| {
        format!("its name is {}, which is {kind} and not allowed", address.ip())
    });
    let allowed: Vec<_> =
        found.into_iter().filter(|address| refuses(address.ip()).is_none()).collect();
    match refused.filter(|_| allowed.is_empty()) {
        Some(why) => Err(io::Error::other(why)),
        None => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_may_be_reached_are_left() {
        let no_loopback = |ip: IpAddr| ip.is_loopback().then_some("private");
        for (found, left) in [
            ("192.0.2.1:0 [2001:db8::1]:0", Some("192.0.2.1:0 [2001:db8::1]:0")),
            ("127.0.0.1:0 192.0.2.1:0 [::1]:0", Some("192.0.2.1:0")),
            ("127.0.0.1:0 [::1]:0", None),
            ("", Some("")),
        ] {
            let parse =
                |list: &str| list.split_whitespace().map(|one| one.parse().unwrap()).collect();
            assert_eq!(allowed(&no_loopback, parse(found)).ok(), left.map(parse), "{found}");
        }
    }
}
