//! Secondary DNS: the name servers elsewhere that copy a zone from here, and the secrets shared with
//! them. Accounts have keys ([`Tsig`]) and servers ([`Peer`]); a zone says which servers may copy it
//! ([`Outgoing`]).
//!
//! What is told on the wire is `dns`'s; what a zone's documents mean to it is [`build_transfer`]'s.

mod outgoing;
mod peer;
mod tsig;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use evenkeel_model::{self as model, Transfer, TsigKey};

pub use outgoing::{Outgoing, PEERS_MAX};
pub use peer::Peer;
pub use tsig::Tsig;

/// Longest name of a server, in characters.
const NAME_CHARS_MAX: usize = 253;

/// Who may copy a zone, as its document says, and what of it is not in force. `peer` and `tsig` find
/// documents by their identifiers.
///
/// A peer without an address is not reached and says no problem: that is how every peer begins. A
/// peer whose key is gone is left out, for it was never meant to be served without.
pub fn build_transfer<'d>(
    outgoing: &Outgoing,
    peer: impl Fn(&str) -> Option<&'d Peer>,
    tsig: impl Fn(&str) -> Option<&'d Tsig>,
) -> (Transfer, Vec<String>) {
    let (mut peers, mut problems) = (Vec::new(), Vec::new());
    if !outgoing.enabled {
        return (Transfer::default(), problems);
    }
    for id in &outgoing.peers {
        let Some(peer) = peer(id) else {
            problems.push(format!("peer {id} does not exist"));
            continue;
        };
        let Some(address) = peer.ip.as_ref().and_then(|ip| ip.parse().ok()) else { continue };
        let key = peer.tsig_id.as_ref().map(|id| {
            let key = tsig(id).and_then(Tsig::build).map(Arc::new);
            key.ok_or_else(|| format!("tsig {id} of peer {} is not to be had", peer.id))
        });
        match key.transpose() {
            Ok(tsig) => {
                let (port, ixfr) = (peer.port, peer.ixfr_enable);
                peers.push(model::Peer { address, port, tsig, ixfr });
            }
            Err(problem) => problems.push(problem),
        }
    }
    (Transfer { peers }, problems)
}

impl Tsig {
    /// The key as meant; `None` for a document that no request could have left behind.
    fn build(&self) -> Option<TsigKey> {
        let algorithm = tsig::algorithm(&self.algo)?;
        let secret = tsig::secret(&self.secret)?;
        let name = tsig::name(&self.name)?;
        Some(TsigKey { name: name.into(), algorithm, secret: secret.into() })
    }
}
