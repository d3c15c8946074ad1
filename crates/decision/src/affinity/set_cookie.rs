//! The `Set-Cookie` value that begins or moves a session (behaviour.md 4.2, 4.3, U1).

use alloc::vec::Vec;

use evenkeel_model::{
    AffinityKind, CookieSameSite, CookieSecure, EndpointIx, LoadBalancerIx, PoolIx, Timestamp, View,
};

use super::token::Token;
use super::{COOKIE_NAME, http_date};

/// A session to be set on an answer: on any status of the endpoint's own, never on an error or a
/// fixed response of ours, and in a `Set-Cookie` line of its own (behaviour.md 4.2).
///
/// It holds places in the [`View`] that the decision was taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    /// By what the session is recognised: [`AffinityKind::Cookie`] or [`AffinityKind::IpCookie`].
    pub kind: AffinityKind,
    /// Whose session.
    pub load_balancer: LoadBalancerIx,
    /// The endpoint's pool.
    pub pool: PoolIx,
    /// Who serves the session from now on.
    pub endpoint: EndpointIx,
    /// How long it lasts, in seconds.
    pub ttl_s: u32,
    /// The `SameSite` attribute, as configured.
    pub same_site: CookieSameSite,
    /// The `Secure` attribute, as configured.
    pub secure: CookieSecure,
}

impl SessionCookie {
    /// Appends the whole field value to `out`. The session begins `now`; `https` says whether the
    /// client came by HTTPS.
    pub fn write_value(&self, view: &View, now: Timestamp, https: bool, out: &mut Vec<u8>) {
        let config = &view.config;
        let load_balancer = config.load_balancer(self.load_balancer);
        let expires = now.plus_seconds(self.ttl_s.into());
        let token = Token {
            kind: self.kind,
            load_balancer: load_balancer.id,
            pool: config.pool(self.pool).id,
            endpoint: config.endpoint(self.endpoint).id,
            created: now,
            expires,
        };
        let scheme = match https {
            _ if load_balancer.edge.always_use_https => Scheme::HttpsAlways,
            true => Scheme::Https,
            false => Scheme::Http,
        };
        let (same_site, secure) = attributes(self.same_site, self.secure, scheme);
        for part in [
            COOKIE_NAME.as_bytes(),
            b"=",
            &token.write(&config.affinity_keys.current),
            b"; SameSite=",
            same_site.as_bytes(),
            b"; Path=/; Expires=",
            &http_date::format(expires),
            if secure { b"; HttpOnly; Secure" } else { b"; HttpOnly" },
        ] {
            out.extend_from_slice(part);
        }
    }
}

/// How a client came, and may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    /// And may come without TLS another time.
    Https,
    /// The zone sends everybody to HTTPS.
    HttpsAlways,
}

/// The `SameSite` attribute, and whether there is a `Secure` one (behaviour.md 4.3).
///
/// What the user names is what is sent, sensible or not: `None` without `Secure` is for `api` to
/// refuse. `Auto` never produces that pair, because browsers drop such cookies (U1).
fn attributes(
    same_site: CookieSameSite,
    secure: CookieSecure,
    scheme: Scheme,
) -> (&'static str, bool) {
    let secure = match secure {
        CookieSecure::Auto => scheme != Scheme::Http,
        CookieSecure::Always => true,
        CookieSecure::Never => false,
    };
    let same_site = match same_site {
        CookieSameSite::Auto if scheme == Scheme::Https && secure => "None",
        CookieSameSite::Auto | CookieSameSite::Lax => "Lax",
        CookieSameSite::None => "None",
        CookieSameSite::Strict => "Strict",
    };
    (same_site, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_the_setting_and_the_scheme() {
        use CookieSameSite as Site;
        use CookieSecure::{Always, Auto, Never};
        use Scheme::{Http, Https, HttpsAlways};
        for (same_site, secure, scheme, expected) in [
            (Site::Auto, Auto, Https, ("None", true)),
            (Site::Auto, Auto, Http, ("Lax", false)),
            (Site::Auto, Always, Https, ("None", true)),
            (Site::Auto, Always, Http, ("Lax", true)),
            (Site::Auto, Never, Https, ("Lax", false)),
            (Site::Auto, Never, Http, ("Lax", false)),
            (Site::Lax, Auto, Https, ("Lax", true)),
            (Site::Lax, Never, Https, ("Lax", false)),
            (Site::None, Auto, Https, ("None", true)),
            (Site::None, Auto, Http, ("None", false)),
            (Site::None, Always, Http, ("None", true)),
            (Site::Strict, Auto, Https, ("Strict", true)),
            (Site::Strict, Always, Http, ("Strict", true)),
            (Site::Auto, Auto, HttpsAlways, ("Lax", true)),
            (Site::Auto, Never, HttpsAlways, ("Lax", false)),
            (Site::None, Auto, HttpsAlways, ("None", true)),
        ] {
            assert_eq!(
                attributes(same_site, secure, scheme),
                expected,
                "{same_site:?} {secure:?} {scheme:?}"
            );
        }
    }
}
