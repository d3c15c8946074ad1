//! The client of our own commands: one blocking connection to a server that speaks the API, be it
//! Evenkeel or the service that it speaks like. What is asked and how answers are shown is the
//! commands' work.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::exit::Failure;

/// Where the published API begins.
pub(crate) const API: &str = "/client/v4";

/// How long one request may take, its answer included. The largest is the import of a whole
/// installation, which the server checks and writes in some seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest answer that is read, in bytes: an export of 10,000 pools takes about 20 MB.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Items asked for at once where lists come in pages, the most that zones allow (api.md 6.1).
const PER_PAGE: usize = 50;
/// Pages asked for at most: a server that never ends its list must not hold us for ever.
const PAGES_MAX: usize = 100_000;

/// A server and the right to talk to it.
pub(crate) struct Client {
    agent: ureq::Agent,
    root: String,
    token: String,
}

/// Why there is no answer that helps.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// Nobody answered, or not in the API's way.
    Unreachable {
        /// The server's address.
        server: String,
        source: ureq::Error,
    },
    /// The server said no.
    Refused(Refusal),
}

/// A refusal in the server's words.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) errors: Vec<Reason>,
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) code: u64,
    pub(crate) message: String,
    /// JSON pointer into the body that was sent; empty when the server names none.
    pub(crate) pointer: String,
}

impl Client {
    /// A client of the server at `root`, an URL without the API's own path. `authorities` names a
    /// file of certificates to believe instead of the machine's.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn new(
        root: &str,
        token: String,
        authorities: Option<&Path>,
    ) -> Result<Self, Failure> {
        let root = root.trim_end_matches('/').trim_end_matches(API).trim_end_matches('/');
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT));
        // Reading the machine's authorities takes a while: only where TLS is spoken.
        if root.starts_with("https:") {
            let roots = match authorities {
                Some(file) => authorities_of(file)?,
                None => machine_roots(),
            };
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let tls = TlsConfig::builder()
                .root_certs(roots)
                .unversioned_rustls_crypto_provider(provider)
                .build();
            config = config.tls_config(tls);
        }
        Ok(Self { agent: config.build().into(), root: root.to_owned(), token })
    }

    /// The server's address, for messages.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Whether the server serves, by what it says to everybody.
    ///
    /// # Errors
    /// When nobody answers, or the server says that it does not.
    pub(crate) fn ready(&self) -> Result<(), ClientError> {
        let unreachable = |source| ClientError::Unreachable { server: self.root.clone(), source };
        let answer = self.agent.get(format!("{}/readyz", self.root)).call().map_err(unreachable)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => {
                Err(ClientError::Refused(Refusal { status: status.as_u16(), errors: Vec::new() }))
            }
        }
    }

    /// Sends a request and returns the whole body of a success.
    ///
    /// # Errors
    /// When nobody answers, or with anything but a success.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let unreachable = |source| ClientError::Unreachable { server: self.root.clone(), source };
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.root))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json");
        let sent = match body {
            Some(body) => request.body(body.to_string()).map(|request| self.agent.run(request)),
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let mut response = sent.map_err(|error| unreachable(error.into()))?.map_err(unreachable)?;
        let status = response.status();
        let answer = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_json::<Value>();
        match answer {
            Ok(answer) if status.is_success() => Ok(answer),
            Ok(answer) => Err(ClientError::Refused(Refusal::read(status.as_u16(), &answer))),
            Err(_) if !status.is_success() => {
                Err(ClientError::Refused(Refusal::read(status.as_u16(), &Value::Null)))
            }
            Err(source) => Err(unreachable(source)),
        }
    }

    /// A text that the published API answers without an envelope.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn text(&self, path: &str) -> Result<String, ClientError> {
        let unreachable = |source| ClientError::Unreachable { server: self.root.clone(), source };
        let mut response = self
            .agent
            .get(format!("{}{API}{path}", self.root))
            .header("Authorization", format!("Bearer {}", self.token))
            .call()
            .map_err(unreachable)?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(unreachable)?;
        if status.is_success() {
            return Ok(text);
        }
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        Err(ClientError::Refused(Refusal::read(status.as_u16(), &answer)))
    }

    /// The result of a form sent to the published API: each part's name, and what it holds.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn upload(&self, path: &str, parts: &[(&str, &str)]) -> Result<Value, ClientError> {
        let unreachable = |source| ClientError::Unreachable { server: self.root.clone(), source };
        let boundary = boundary(parts);
        let mut body = String::new();
        for (name, text) in parts {
            body += &format!("--{boundary}\r\n");
            // With a file name, for it may be longer than servers let plain fields be.
            let file = if *name == "file" { "; filename=\"file\"" } else { "" };
            body += &format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body += text;
            body += "\r\n";
        }
        body += &format!("--{boundary}--\r\n");
        let mut response = self
            .agent
            .post(format!("{}{API}{path}", self.root))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
            .send(body)
            .map_err(unreachable)?;
        let status = response.status();
        let answer = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_json::<Value>();
        match answer {
            Ok(mut answer) if status.is_success() => Ok(answer["result"].take()),
            Err(source) if status.is_success() => Err(unreachable(source)),
            answer => {
                let answer = answer.unwrap_or(Value::Null);
                Err(ClientError::Refused(Refusal::read(status.as_u16(), &answer)))
            }
        }
    }

    /// The result of a request to the published API.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let mut answer = self.send(method, &format!("{API}{path}"), body)?;
        Ok(answer["result"].take())
    }

    /// One object.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.call(Method::GET, path, None)
    }

    /// A list that the API answers whole (api.md 1.6).
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        Ok(items(self.get(path)?))
    }

    /// A list that the API answers page by page, whole.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(crate) fn pages(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=PAGES_MAX {
            let page =
                items(self.get(&format!("{path}{separator}page={page}&per_page={PER_PAGE}"))?);
            let is_last = page.len() < PER_PAGE;
            all.extend(page);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}

/// A line that none of the parts has in it.
fn boundary(parts: &[(&str, &str)]) -> String {
    let is_free =
        |boundary: &String| parts.iter().all(|(_, text)| !text.contains(boundary.as_str()));
    let mut tries = (0_u64..).map(|n| format!("evenkeel-{n}"));
    tries.find(is_free).expect("a text holds finitely many lines")
}

fn items(list: Value) -> Vec<Value> {
    match list {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn machine_roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    found.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect::<Vec<_>>().into()
}

fn authorities_of(file: &Path) -> Result<RootCerts, Failure> {
    let refused = |problem: String| {
        Failure::Configuration(vec![format!("ca: {}: {problem}", file.display())])
    };
    let pem = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| refused(e.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(refused("no certificate is in it; name a file in PEM format".to_owned()));
    }
    Ok(certificates.into())
}

impl Refusal {
    fn read(status: u16, answer: &Value) -> Self {
        let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let errors = errors.iter().map(|error| Reason {
            code: error["code"].as_u64().unwrap_or_default(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            pointer: error["source"]["pointer"].as_str().unwrap_or_default().to_owned(),
        });
        Self { status, errors: errors.collect() }
    }

    /// What to try when the server does not know who is asking, or does not let them.
    pub(crate) fn way_out(&self) -> Option<&'static str> {
        match self.status {
            401 => Some(
                "the server does not know this token: set EVENKEEL_API_TOKEN to one of its own",
            ),
            403 => Some(
                "the token may not do this: use one with the permission (evenkeel token create)",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (place, reason) in self.errors.iter().enumerate() {
            let separator = if place == 0 { ": " } else { "; " };
            write!(f, "{separator}{}", reason.message)?;
        }
        match self.way_out() {
            Some(way_out) => write!(f, " ({way_out})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { server, source } => write!(
                f,
                "{server} does not answer as a server of the API does: {source}. \
                 Name the server with --server or EVENKEEL_SERVER"
            ),
            Self::Refused(refusal) => write!(f, "{refusal}"),
        }
    }
}

impl std::error::Error for ClientError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_may_be_named_with_or_without_the_path_of_the_api() {
        for root in [
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1/client/v4",
            "http://127.0.0.1:1/client/v4/",
        ] {
            let client = Client::new(root, "t".to_owned(), None).unwrap();
            assert_eq!(client.root(), "http://127.0.0.1:1");
        }
    }

    #[test]
    fn parts_of_a_form_are_told_apart() {
        assert_eq!(boundary(&[("a", "x")]), "evenkeel-0");
        assert_eq!(boundary(&[("a", "evenkeel-0"), ("b", "an evenkeel-1 more")]), "evenkeel-2");
    }

    #[test]
    fn a_refusal_keeps_codes_words_and_pointers() {
        let answer = json!({"errors": [
            {"code": 1002, "message": "bad", "source": {"pointer": "/ttl"}},
            {"code": 1003, "message": "worse"},
        ]});
        let refusal = Refusal::read(400, &answer);
        assert_eq!(refusal.errors[0].pointer, "/ttl");
        assert_eq!(refusal.errors[1].pointer, "");
        assert_eq!(refusal.to_string(), "400: bad; worse");
        assert!(Refusal::read(401, &Value::Null).to_string().contains("EVENKEEL_API_TOKEN"));
    }

    #[test]
    fn authorities_are_certificates() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Client::new("https://a.example", "t".to_owned(), Some(file.path()));
        let Err(Failure::Configuration(problems)) = refused else { panic!("an empty file") };
        assert!(problems[0].contains("no certificate"), "{problems:?}");
    }
}
