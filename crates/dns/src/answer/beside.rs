//! What stands beside an answer: referrals with their glue (RFC 1034 section 4.2.1), and the
//! addresses of the hosts that records lead to.

use super::set::{Data, Owner, Set};
use super::walk::Walk;
use crate::wire::{Name, rtype};
use crate::zone::{Found, Node, Owned, Path, RecordSet};

/// Hosts of one set of records whose addresses are looked for. More name servers than anybody has,
/// and more addresses than a response by UDP holds; whoever wants the others asks for them.
const TARGETS_MAX: usize = 32;

impl<'a> Walk<'_, 'a> {
    /// The name servers of a delegated zone, its digests for who validates, and the addresses of
    /// those name servers that lie in our zone. First those below the cut, which nobody finds
    /// otherwise.
    pub(super) fn add_referral(&mut self, cut: &'a Node) {
        let owner = Owner::Name(&cut.name);
        let Some(servers) = cut.set(rtype::NS) else { return };
        self.add_authority(owner, servers);
        if self.query.dnssec_ok()
            && let Some(digests) = cut.set(rtype::DS)
        {
            self.add_authority(owner, digests);
        }
        for is_glue in [true, false] {
            for target in servers.targets().take(TARGETS_MAX) {
                let path = Path::new(target);
                let is_below = (0..path.len()).any(|n| *path.suffix(n).0 == *cut.name);
                // What other delegated zones' name servers have is theirs to say, unless it is known.
                if is_below == is_glue
                    && let Some(node) = self.served.records.find(&path, 0)
                    && self.is_shown(&path, node)
                {
                    self.add_addresses_of(target, node);
                }
            }
            if is_glue {
                self.answer.glue = self.answer.additional.len();
            }
        }
    }

    /// The addresses of the hosts that the answer's records lead to.
    pub(super) fn add_addresses(&mut self) {
        for n in 0..self.answer.answer.len() {
            let Data::Records(set) = self.answer.answer[n].data else { continue };
            for target in set.targets().take(TARGETS_MAX) {
                let path = Path::new(target);
                let found = self.context.catalog.find(&path, 0);
                let Some((apex, _)) = found.filter(|(_, it)| std::ptr::eq(*it, self.served)) else {
                    continue;
                };
                if let Found::Name(Owned { node: Some(node), .. }) = self.served.find(&path, apex)
                    && self.is_shown(&path, node)
                {
                    self.add_addresses_of(target, node);
                }
            }
        }
    }

    /// Whether the records of a name are what is answered for it: what is behind the proxy is not to
    /// be seen, and a load balancer's addresses would be a decision of their own.
    fn is_shown(&self, path: &Path, node: &Node) -> bool {
        !node.is_proxied && self.served.hosts.find(path, 0).flatten().is_none()
    }

    fn add_authority(&mut self, owner: Owner<'a>, set: &'a RecordSet) {
        let RecordSet { rtype, ttl_s, .. } = *set;
        self.answer.authority.push(Set { owner, rtype, ttl_s, data: Data::Records(set) });
    }

    fn add_addresses_of(&mut self, name: Name<'a>, node: &'a Node) {
        let owner = Owner::Name(name.as_wire());
        let has_name = |set: &Set<'a>| match set.owner {
            Owner::Question => false,
            Owner::Name(other) => other.eq_ignore_ascii_case(name.as_wire()),
        };
        let additional = &mut self.answer.additional;
        if additional.iter().any(has_name) {
            return;
        }
        for set in [rtype::A, rtype::AAAA].into_iter().filter_map(|rtype| node.set(rtype)) {
            let RecordSet { rtype, ttl_s, .. } = *set;
            additional.push(Set { owner, rtype, ttl_s, data: Data::Records(set) });
        }
    }
}
