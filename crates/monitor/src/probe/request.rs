//! The head of an HTTP probe (behaviour.md 7.3). Probes have no body.

use bytes::Bytes;
use evenkeel_model::Method;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};
use http_body_util::Empty;

use super::site::Site;

/// Members of a monitor's `header` that are passed over: those that a probe sets itself, and those
/// that would tell the endpoint to wait for a body.
const IGNORED: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];

/// The request for a site. `None` when something configured cannot be part of a request.
pub(crate) fn build(
    site: &Site,
    method: Method,
    headers: &[(String, Vec<String>)],
    user_agent: &str,
) -> Option<Request<Empty<Bytes>>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
    };
    *request.uri_mut() = Uri::from(site.path.clone());
    let ours = request.headers_mut();
    ours.insert(header::HOST, HeaderValue::from_str(&site.host).ok()?);
    ours.insert(header::USER_AGENT, HeaderValue::from_str(user_agent).ok()?);
    ours.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    ours.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if site.is_endpoint {
        for (name, values) in configured(headers)? {
            ours.remove(&name);
            for value in values {
                ours.append(&name, value);
            }
        }
    }
    Some(request)
}

/// A monitor's headers in the form they are sent.
pub(crate) fn configured(
    headers: &[(String, Vec<String>)],
) -> Option<Vec<(HeaderName, Vec<HeaderValue>)>> {
    let mut all = Vec::with_capacity(headers.len());
    for (name, values) in headers {
        let name: HeaderName = name.parse().ok()?;
        if IGNORED.contains(&name) {
            continue;
        }
        let values = values.iter().map(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        all.push((name, values.collect::<Option<_>>()?));
    }
    Some(all)
}

/// The monitor's own Host, which yields to the endpoint's.
pub(crate) fn host_of(headers: &[(String, Vec<String>)]) -> Option<&str> {
    let (_, values) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
    values.first().map(String::as_str)
}

/// The `Location` of a redirect that is to be followed.
pub(crate) fn location_of(status: u16, headers: &HeaderMap) -> Option<&HeaderValue> {
    matches!(status, 301 | 302 | 303 | 307 | 308).then(|| headers.get(header::LOCATION))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_model::Address;

    fn site() -> Site {
        Site::new(false, Address::parse("10.0.0.1"), 8080, "/health?x=1".parse().unwrap())
    }

    fn headers(list: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        list.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect()
    }

    fn lines(site: &Site, list: &[(&str, &[&str])]) -> Option<Vec<String>> {
        let request = build(site, Method::Get, &headers(list), "Probe")?;
        let lines = request.headers().iter();
        Some(lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect())
    }

    #[test]
    fn a_probe_says_what_it_is_and_closes() {
        let plain = ["host: 10.0.0.1:8080", "user-agent: Probe", "accept-encoding: identity"];
        let close = "connection: close";
        assert_eq!(lines(&site(), &[]).unwrap(), [&plain[..], &[close]].concat());
        let request = build(&site(), Method::Head, &[], "Probe").unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("HEAD", "/health?x=1")
        );
    }

    #[test]
    fn a_monitors_headers_are_added_but_those_of_the_probe_stay() {
        let list: &[(&str, &[&str])] = &[
            ("User-Agent", &["mine"]),
            ("connection", &["keep-alive"]),
            ("Content-Length", &["5"]),
            ("Transfer-Encoding", &["chunked"]),
            ("Host", &["other.example"]),
            ("X-Token", &["a", "b"]),
        ];
        let added = lines(&site(), list).unwrap();
        assert_eq!(added[4..], ["x-token: a", "x-token: b"]);
        assert_eq!(added[..4], lines(&site(), &[]).unwrap());
        let elsewhere = site().redirected("http://other.example/").unwrap();
        assert_eq!(lines(&elsewhere, list).unwrap().len(), 4);
    }

    #[test]
    fn what_cannot_be_sent_makes_no_request() {
        for list in [[("X\r\nY", &["a"][..])], [("X", &["a\r\nY: b"])], [("", &["a"])]] {
            assert_eq!(lines(&site(), &list), None, "{list:?}");
        }
        let odd = Site { host: "a\nb".to_owned(), ..site() };
        assert_eq!(lines(&odd, &[]), None);
    }

    #[test]
    fn a_redirect_needs_a_status_and_a_location() {
        let mut headers = HeaderMap::new();
        assert_eq!(location_of(302, &headers), None);
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        for (status, follows) in
            [(200, false), (300, false), (301, true), (304, false), (308, true)]
        {
            assert_eq!(location_of(status, &headers).is_some(), follows, "{status}");
        }
    }
}
