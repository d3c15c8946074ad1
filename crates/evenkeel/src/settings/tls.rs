//! Settings of TLS with clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_certificate::{ChallengeKind, ClientFile, Files, Pair};
use evenkeel_net::certificate;
use rustls::RootCertStore;

use super::Layers;
use crate::cli::TlsArgs;

/// Settings as meant. The files were read once, and can be used.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    pub(crate) https: Vec<SocketAddr>,
    /// The first is the default.
    pub(crate) pairs: Vec<Pair>,
    /// `None` while clients are asked for nothing.
    pub(crate) clients: Option<ClientFile>,
    /// `None` while nothing is ordered.
    pub(crate) acme: Option<AcmeWishes>,
}

/// Which authority certificates are ordered from, and how.
#[derive(Debug, Clone)]
pub(crate) struct AcmeWishes {
    pub(crate) directory: String,
    pub(crate) email: Option<String>,
    /// Believed beside the machine's.
    pub(crate) roots: Option<RootCertStore>,
    /// Not empty.
    pub(crate) challenges: Vec<ChallengeKind>,
}

impl Layers<'_> {
    pub(super) fn tls_of_clients(&mut self, args: &TlsArgs) -> TlsSettings {
        let https = self.many("https", &args.https).unwrap_or_default();
        let pairs = self.pairs(args);
        let clients = self.client_file(args);
        if let Err(problems) = Files::open(&pairs, clients.as_ref()) {
            for problem in problems {
                let key = if problem.is_of_clients { "client-ca" } else { "tls-cert" };
                let error = problem.outcome.err().map(|error| error.to_string());
                self.problems.push(format!("{key}: {}", error.unwrap_or_default()));
            }
        }
        let acme = self.acme(args, !https.is_empty());
        TlsSettings { https, pairs, clients, acme }
    }

    fn acme(&mut self, args: &TlsArgs, has_https: bool) -> Option<AcmeWishes> {
        let directory = self.one::<DirectoryUrl>("acme-directory", &args.acme_directory);
        let email = self.one::<EmailAddress>("acme-email", &args.acme_email);
        let agreed =
            self.switch::<Agreement>("acme-agree-tos", &args.acme_agree_tos, ["no", "yes"]);
        let authorities = self.one::<PathBuf>("acme-ca", &args.acme_ca);
        let kinds = self.many::<ChallengeName>("acme-challenge", &args.acme_challenge);
        let roots = authorities.and_then(|path| {
            let roots = certificate::authorities(&path);
            roots.map_err(|error| self.problems.push(format!("acme-ca: {error}"))).ok()
        });
        let directory = directory?.0;
        if agreed != Some(Agreement::Yes) {
            self.problems.push(
                "acme-agree-tos: missing beside acme-directory; read the authority's terms of \
                 service and say yes"
                    .to_owned(),
            );
        }
        // There is a plain listener always.
        let usual = || match has_https {
            true => vec![ChallengeKind::Http01, ChallengeKind::TlsAlpn01],
            false => vec![ChallengeKind::Http01],
        };
        let named = |kinds: Vec<_>| kinds.into_iter().map(|ChallengeName(kind)| kind).collect();
        let challenges: Vec<_> = kinds.map_or_else(usual, named);
        if !has_https && challenges.contains(&ChallengeKind::TlsAlpn01) {
            self.problems.push(
                "acme-challenge: tls-alpn-01 needs a TLS listener; give one by https".to_owned(),
            );
        }
        let email = email.map(|EmailAddress(address)| address);
        Some(AcmeWishes { directory, email, roots, challenges })
    }

    fn pairs(&mut self, args: &TlsArgs) -> Vec<Pair> {
        let certificates = self.many::<PathBuf>("tls-cert", &args.tls_cert).unwrap_or_default();
        let keys = self.many::<PathBuf>("tls-key", &args.tls_key).unwrap_or_default();
        let (few, many) = (certificates.len(), keys.len());
        if few != many {
            let key = if few < many { "tls-cert" } else { "tls-key" };
            self.problems.push(format!(
                "{key}: missing beside the other; tls-cert is given {few} times, tls-key {many} times"
            ));
            return Vec::new();
        }
        let pair = |(certificate, key)| Pair { certificate, key };
        certificates.into_iter().zip(keys).map(pair).collect()
    }

    fn client_file(&mut self, args: &TlsArgs) -> Option<ClientFile> {
        let authorities = self.one::<PathBuf>("client-ca", &args.client_ca);
        let auth = self.one::<ClientAuth>("client-auth", &args.client_auth);
        match (authorities, auth) {
            (_, Some(ClientAuth::Off)) | (None, None) => None,
            (None, Some(_)) => {
                self.problems.push(
                    "client-ca: missing beside client-auth; name the authorities of clients"
                        .to_owned(),
                );
                None
            }
            (Some(authorities), auth) => {
                Some(ClientFile { is_required: auth != Some(ClientAuth::Request), authorities })
            }
        }
    }
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientAuth {
    Off,
    Request,
    Require,
}

impl FromStr for ClientAuth {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "off" => Ok(Self::Off),
            "request" => Ok(Self::Request),
            "require" => Ok(Self::Require),
            _ => Err("is none of off, request and require"),
        }
    }
}

/// A directory of an authority as typed.
struct DirectoryUrl(String);

impl FromStr for DirectoryUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_https = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
        match is_https && text.parse::<hyper::Uri>().is_ok() {
            true => Ok(Self(text.to_owned())),
            false => Err("is not a URL that begins with https://"),
        }
    }
}

/// An e-mail address as typed.
struct EmailAddress(String);

impl FromStr for EmailAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_address = text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !text.contains([' ', ':', ','])
        });
        match is_address {
            true => Ok(Self(text.to_owned())),
            false => Err("is not an e-mail address as ops@example.com"),
        }
    }
}

/// Whether the terms of service are agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Yes,
    No,
}

impl FromStr for Agreement {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            _ => Err("is neither yes nor no"),
        }
    }
}

/// A kind of challenge by its name.
struct ChallengeName(ChallengeKind);

impl FromStr for ChallengeName {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "http-01" => Ok(Self(ChallengeKind::Http01)),
            "tls-alpn-01" => Ok(Self(ChallengeKind::TlsAlpn01)),
            _ => Err("is neither http-01 nor tls-alpn-01"),
        }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_net::certificate::self_signed;

    use super::*;
    use crate::settings::tests::check;

    #[test]
    fn certificates_come_in_pairs_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let made = self_signed(&["a.example"]).unwrap();
        let other = self_signed(&["b.example"]).unwrap();
        let (cert, key) = (file("a.pem", &made.certificate), file("a.key", &made.key));
        let other = file("b.key", &other.key);
        let pair = ["--tls-cert", &cert, "--tls-key", &key];
        let (settings, problems) =
            check(&[&["--https", "127.0.0.1:0"], &pair[..]].concat(), &[], "");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((settings.of_tls.https.len(), settings.of_tls.pairs.len()), (1, 1));
        assert!(settings.of_tls.clients.is_none() && settings.of_tls.acme.is_none());

        let acme = ["--acme-directory", "https://ca.example/dir", "--acme-agree-tos"];
        for (flags, key) in [
            (&["--tls-cert", &cert][..], "tls-key"),
            (&["--tls-key", &key], "tls-cert"),
            (&["--tls-cert", &cert, "--tls-key", &other], "tls-cert"),
            (&["--tls-cert", "/nonexistent", "--tls-key", &key], "tls-cert"),
            (&["--client-auth", "require"], "client-ca"),
            (&["--client-auth", "maybe"], "--client-auth"),
            (&["--client-ca", &key], "client-ca"),
            (&["--acme-directory", "https://ca.example/dir"], "acme-agree-tos"),
            (&["--acme-directory", "http://ca.example", "--acme-agree-tos"], "--acme-directory"),
            (&[&acme[..], &["--acme-email", "ops"]].concat(), "--acme-email"),
            (&[&acme[..], &["--acme-ca", &key]].concat(), "acme-ca"),
            (&[&acme[..], &["--acme-challenge", "dns-01"]].concat(), "--acme-challenge"),
            (&[&acme[..], &["--acme-challenge", "tls-alpn-01"]].concat(), "acme-challenge"),
        ] {
            let problems = check(flags, &[], "").1;
            assert!(problems.len() == 1 && problems[0].starts_with(key), "{flags:?}: {problems:?}");
        }
    }

    #[test]
    fn clients_with_authorities_need_a_certificate_unless_it_is_said_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, self_signed(&["ca"]).unwrap().certificate).unwrap();
        let path = path.to_str().unwrap();
        for (auth, expected) in [
            (None, Some(true)),
            (Some("require"), Some(true)),
            (Some("request"), Some(false)),
            (Some("off"), None),
        ] {
            let mut flags = vec!["--client-ca", path];
            flags.extend(auth.iter().flat_map(|auth| ["--client-auth", auth]));
            let (settings, problems) = check(&flags, &[], "");
            assert_eq!(problems, Vec::<String>::new());
            assert_eq!(settings.of_tls.clients.map(|file| file.is_required), expected, "{auth:?}");
        }
    }

    #[test]
    fn challenges_are_those_that_the_listeners_can_answer() {
        use ChallengeKind::{Http01, TlsAlpn01};
        let variables =
            [("EVENKEEL_ACME_DIRECTORY", "https://ca.example"), ("EVENKEEL_ACME_AGREE_TOS", "yes")];
        for (flags, expected) in [
            (&[][..], &[Http01][..]),
            (&["--https=127.0.0.1:0"], &[Http01, TlsAlpn01]),
            (&["--https=127.0.0.1:0", "--acme-challenge=tls-alpn-01"], &[TlsAlpn01]),
        ] {
            let (settings, problems) = check(flags, &variables, "acme-email = 'ops@example.com'");
            assert_eq!(problems, Vec::<String>::new());
            let acme = settings.of_tls.acme.unwrap();
            assert_eq!(acme.challenges, expected);
            assert_eq!(acme.email.as_deref(), Some("ops@example.com"));
        }
    }
}
