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
        let load_balancer = config.load_balancer(self.load_balancer).id;
        let expires = now.plus_seconds(self.ttl_s.into());
        let token = Token {
            kind: self.kind,
            load_balancer,
            pool: config.pool(self.pool).id,
            endpoint: config.endpoint(self.endpoint).id,
            created: now,
            expires,
        };
        let (same_site, secure) = attributes(self.same_site, self.secure, https);
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

/// The `SameSite` attribute, and whether there is a `Secure` one.
///
/// What the user names is what is sent, sensible or not: `None` without `Secure` is for `api` to
/// refuse. `Auto` never produces that pair, because browsers drop such cookies (U1).
fn attributes(
    same_site: CookieSameSite,
    secure: CookieSecure,
    https: bool,
) -> (&'static str, bool) {
    let secure = match secure {
        CookieSecure::Auto => https,
        CookieSecure::Always => true,
        CookieSecure::Never => false,
    };
    let same_site = match same_site {
        CookieSameSite::Auto if https && secure => "None",
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
        for (same_site, secure, https, expected) in [
            (Site::Auto, Auto, true, ("None", true)),
            (Site::Auto, Auto, false, ("Lax", false)),
            (Site::Auto, Always, true, ("None", true)),
            (Site::Auto, Always, false, ("Lax", true)),
            (Site::Auto, Never, true, ("Lax", false)),
            (Site::Auto, Never, false, ("Lax", false)),
            (Site::Lax, Auto, true, ("Lax", true)),
            (Site::Lax, Never, true, ("Lax", false)),
            (Site::None, Auto, true, ("None", true)),
            (Site::None, Auto, false, ("None", false)),
            (Site::None, Always, false, ("None", true)),
            (Site::Strict, Auto, true, ("Strict", true)),
            (Site::Strict, Always, false, ("Strict", true)),
        ] {
            assert_eq!(
                attributes(same_site, secure, https),
                expected,
                "{same_site:?} {secure:?} https={https}"
            );
        }
    }
}
