//! Which pages in browsers may use the API: none, unless the installation names them.
//!
//! Programs do not ask; this neither lets anyone in nor keeps anyone out who holds a token.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// How long a browser may remember the answer, in seconds: as long as most are willing to.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What pages may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
/// The headers of a browser that does not say which it wants. One that does gets these: the official
/// SDK for TypeScript sends half a dozen of its own, and none that it could send gives it a right.
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, x-auth-email, x-auth-key");
/// What pages may read beside the body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
);

/// The origins that are let in.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: BTreeSet<String>,
}

impl Cors {
    /// `None` when no origin is named.
    pub(crate) fn new(origins: &[String]) -> Option<Self> {
        let origins: BTreeSet<_> = origins.iter().cloned().collect();
        (!origins.is_empty()).then_some(Self { origins })
    }

    fn lets_in(&self, origin: &HeaderValue) -> bool {
        let known = |origin: &str| self.origins.contains(origin);
        known("*") || origin.to_str().is_ok_and(known)
    }

    /// The answer to a browser that asks before it sends; `None` for any other request.
    pub(crate) fn preflight(&self, method: &Method, asked: &HeaderMap) -> Option<StatusCode> {
        let asks = asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        (*method == Method::OPTIONS && asks && asked.contains_key(header::ORIGIN))
            .then_some(StatusCode::NO_CONTENT)
    }

    /// Tells the browser whether its page may have the answer.
    pub(crate) fn write(&self, asked: &HeaderMap, is_preflight: bool, answer: &mut HeaderMap) {
        // Whoever keeps answers must not give one page's to another.
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        let Some(origin) = asked.get(header::ORIGIN).filter(|origin| self.lets_in(origin)) else {
            return;
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if is_preflight {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
            let headers = wanted.cloned().unwrap_or(HEADERS);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        } else {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_send_the_headers_that_its_sdk_adds() {
        let cors = Cors::new(&["https://ui.example".to_owned()]).unwrap();
        let told = |origin: &'static str, wanted: Option<&'static str>| {
            let mut asked = HeaderMap::new();
            asked.insert(header::ORIGIN, HeaderValue::from_static(origin));
            if let Some(wanted) = wanted {
                let wanted = HeaderValue::from_static(wanted);
                asked.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, wanted);
            }
            let mut answer = HeaderMap::new();
            cors.write(&asked, true, &mut answer);
            answer.get(header::ACCESS_CONTROL_ALLOW_HEADERS).cloned()
        };
        let sdk = "authorization,content-type,x-stainless-lang,x-stainless-retry-count";
        for (origin, wanted, allowed) in [
            ("https://ui.example", None, Some(HEADERS.to_str().unwrap())),
            ("https://ui.example", Some(sdk), Some(sdk)),
            ("https://other.example", Some(sdk), None),
        ] {
            let headers = told(origin, wanted);
            assert_eq!(headers.as_ref().map(|value| value.to_str().unwrap()), allowed);
        }
    }
}
