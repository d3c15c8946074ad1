//! Host names of endpoints to addresses, through the system's resolver, remembered for at most five
//! seconds (behaviour.md 1.3).

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// How long an answer, good or bad, is used again (behaviour.md 1.3).
const REMEMBERED: Duration = Duration::from_secs(5);
/// How long a look-up may take (behaviour.md 11.4).
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);
/// Names remembered per worker; at the bound everything is forgotten, which costs one look-up each.
const NAMES_MAX: usize = 10_000;

/// One worker's memory of resolved names.
#[derive(Debug, Default)]
pub struct Resolver {
    answers: RefCell<HashMap<String, Answer>>,
}

#[derive(Debug)]
struct Answer {
    addresses: Vec<IpAddr>,
    until: Instant,
}

impl Resolver {
    /// The addresses of a name: all IPv4 ones, or all IPv6 ones when there is no IPv4. Empty when
    /// it does not resolve.
    ///
    /// Dropping the future leaves the memory as it was.
    pub async fn resolve(&self, name: &str) -> Vec<IpAddr> {
        if let Some(answer) = self.answers.borrow().get(name)
            && answer.until > Instant::now()
        {
            return answer.addresses.clone();
        }
        let addresses = look_up(name).await.unwrap_or_default();
        let mut answers = self.answers.borrow_mut();
        if answers.len() >= NAMES_MAX {
            answers.clear();
        }
        let answer = Answer { addresses: addresses.clone(), until: Instant::now() + REMEMBERED };
        answers.insert(name.to_owned(), answer);
        addresses
    }
}

/// Asks the system's resolver, without memory: all IPv4 addresses, or all IPv6 ones when there is
/// no IPv4.
///
/// # Errors
/// When the name does not exist, has no address, or nobody answered in time.
pub async fn look_up(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = timeout(LOOKUP_LIMIT, tokio::net::lookup_host((name, 0))).await??;
    let all: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    let v4: Vec<IpAddr> = all.iter().copied().filter(IpAddr::is_ipv4).collect();
    Ok(if v4.is_empty() { all } else { v4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_resolves_and_nonsense_does_not() {
        let resolver = Resolver::default();
        assert!(resolver.resolve("localhost").await.iter().all(IpAddr::is_loopback));
        assert!(resolver.resolve("does-not-exist.invalid").await.is_empty());
    }
}
