//! One order, from the wish to the certificate (RFC 8555 section 7.4).

use std::time::Duration;

use evenkeel_net::certificate::Challenges;
use evenkeel_net::tls::server::Identities;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeHandle, ChallengeType, Error, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::records::Pair;

/// How long one order may take, from the wish to the certificate. Authorities look from several
/// places and try more than once.
pub(super) const ORDER_TIMEOUT: Duration = Duration::from_secs(180);
/// How the authority is asked whether it is done.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// How an authority is shown that a host is served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeKind {
    /// By a file over plain HTTP, on port 80 as the authority sees it (RFC 8555 section 8.3).
    Http01,
    /// By a certificate of its own in a TLS handshake, on port 443 (RFC 8737).
    TlsAlpn01,
}

/// Where answers are put for the authority to see.
#[derive(Debug, Clone)]
pub(super) struct Board {
    pub(super) challenges: Challenges,
    pub(super) identities: Identities,
}

/// An answer on the board; taken away when it is dropped.
struct Posted<'b> {
    board: &'b Board,
    host: String,
    /// That of http-01.
    token: Option<String>,
}

impl Drop for Posted<'_> {
    fn drop(&mut self) {
        match &self.token {
            Some(token) => self.board.challenges.end(&self.host, token),
            None => self.board.identities.end_challenge(&self.host),
        }
    }
}

/// Orders a certificate for a host.
///
/// Dropping the future takes its answer from the board; the authority forgets the order by itself.
pub(super) async fn place(
    account: &Account,
    host: &str,
    kind: ChallengeKind,
    board: &Board,
) -> Result<Pair, Error> {
    let identifiers = [Identifier::Dns(host.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut posted = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            _ => return Err(Error::Str("a pending authorization")),
        }
        let wanted = match kind {
            ChallengeKind::Http01 => ChallengeType::Http01,
            ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
        };
        let challenge = authorization.challenge(wanted);
        let mut challenge = challenge.ok_or(Error::Unsupported("this kind of challenge"))?;
        posted.push(board.post(host, kind, &challenge)?);
        challenge.set_ready().await?;
    }
    match order.poll_ready(&POLLS).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(why_not(&mut order).await),
        Err(error @ Error::Api(_)) => return Err(reason(&mut order).await.unwrap_or(error)),
        Err(error) => return Err(error),
    }
    drop(posted);
    let key = KeyPair::generate().map_err(other)?;
    let request = request(host)?.serialize_request(&key).map_err(other)?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&POLLS).await?;
    Ok(Pair { chain, private_key: key.serialize_pem() })
}

impl Board {
    fn post(
        &self,
        host: &str,
        kind: ChallengeKind,
        challenge: &ChallengeHandle<'_>,
    ) -> Result<Posted<'_>, Error> {
        let answer = challenge.key_authorization();
        let posted = |token| Posted { board: self, host: host.to_owned(), token };
        match kind {
            ChallengeKind::Http01 => {
                self.challenges.begin(host, &challenge.token, answer.as_str());
                Ok(posted(Some(challenge.token.clone())))
            }
            ChallengeKind::TlsAlpn01 => {
                let key = shown_to_authority(host, answer.digest().as_ref())?;
                self.identities.begin_challenge(host, &std::sync::Arc::new(key));
                Ok(posted(None))
            }
        }
    }
}

/// The certificate that answers tls-alpn-01 (RFC 8737 section 3).
fn shown_to_authority(host: &str, digest: &[u8]) -> Result<CertifiedKey, Error> {
    let mut parameters = request(host)?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(other)?;
    let certificate = parameters.self_signed(&key).map_err(other)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Not by way of a check of the certificate: its extension is critical and no client's.
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(private);
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key.map_err(other)?))
}

fn request(host: &str) -> Result<CertificateParams, Error> {
    let mut parameters = CertificateParams::new([host.to_owned()]).map_err(other)?;
    parameters.distinguished_name = DistinguishedName::new();
    Ok(parameters)
}

/// Why an order is not ready that never will be.
async fn why_not(order: &mut Order) -> Error {
    reason(order).await.unwrap_or(Error::Str("a reason why the order was refused"))
}

/// What the authority says of the challenge that failed: it names what was looked for, and where.
async fn reason(order: &mut Order) -> Option<Error> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        let failed = state.challenges.iter().find_map(|challenge| challenge.error.clone());
        if let Some(problem) = failed {
            return Some(Error::Api(problem));
        }
    }
    None
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Other(error.into())
}
