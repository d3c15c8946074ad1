//! Where spans go.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use thiserror::Error;

/// Where a collector takes traces, below its base URL.
const PATH: &str = "/v1/traces";

/// A collector of traces and what it wants to be told with each request.
#[derive(Debug, Clone)]
pub struct Collector {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

/// Why something does not describe a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadCollector {
    /// Not a URL of a web server.
    #[error("is not a URL as http://collector.example:4318")]
    Url,
    /// Not a field.
    #[error("a field is missing its name or has characters that fields cannot have: NAME=VALUE")]
    Header,
}

impl Collector {
    /// A collector by its base URL, as in `OTEL_EXPORTER_OTLP_ENDPOINT`. A URL that ends in
    /// `/v1/traces` is taken as it is.
    ///
    /// # Errors
    /// [`BadCollector::Url`] for what is not the URL of a web server.
    pub fn new(url: &str) -> Result<Self, BadCollector> {
        let base = url.trim_end_matches('/');
        let whole = if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") };
        let uri: Uri = whole.parse().map_err(|_| BadCollector::Url)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let is_good = is_web && uri.host().is_some_and(|host| !host.is_empty());
        // A fragment or query would swallow the path, and names of users are not for here.
        let is_plain = uri.path().ends_with(PATH) && !url.contains(['@', '#']);
        if is_good && is_plain {
            Ok(Self { uri, headers: HeaderMap::new() })
        } else {
            Err(BadCollector::Url)
        }
    }

    /// Adds a field as `NAME=VALUE`.
    ///
    /// # Errors
    /// [`BadCollector::Header`], which does not repeat what was given.
    pub fn add_header(&mut self, field: &str) -> Result<(), BadCollector> {
        let (name, value) = field.split_once('=').ok_or(BadCollector::Header)?;
        let name: HeaderName = name.trim().parse().map_err(|_| BadCollector::Header)?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| BadCollector::Header)?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(())
    }

    /// Where spans are posted to.
    #[must_use]
    pub fn url(&self) -> String {
        self.uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, posted_to) in [
            ("http://localhost:4318", Some("http://localhost:4318/v1/traces")),
            ("http://localhost:4318/", Some("http://localhost:4318/v1/traces")),
            ("https://a.example/otlp", Some("https://a.example/otlp/v1/traces")),
            ("https://a.example/v1/traces", Some("https://a.example/v1/traces")),
            ("http://[::1]:4318", Some("http://[::1]:4318/v1/traces")),
            ("localhost:4318", None),
            ("grpc://localhost", None),
            ("http://", None),
            ("http://a.example/?key=x", None),
            ("http://user:password@a.example", None),
            ("", None),
        ] {
            let have = Collector::new(url).ok().map(|collector| collector.url());
            assert_eq!(have.as_deref(), posted_to, "{url}");
        }
    }

    #[test]
    fn fields() {
        let mut collector = Collector::new("http://localhost").unwrap();
        for (field, is_good) in [
            ("x-key=abc", true),
            ("authorization=Basic YTpi=", true),
            ("x-empty=", true),
            ("x-key", false),
            ("=x", false),
            ("x key=a", false),
            ("x-key=a\nb", false),
        ] {
            assert_eq!(collector.add_header(field).is_ok(), is_good, "{field:?}");
        }
        assert_eq!(collector.headers["authorization"], "Basic YTpi=");
        assert!(!format!("{collector:?}").contains("YTpi"));
    }
}
