//! The request of the load: what a browser sends for a page, 14 headers.

/// The host that the load balancer under test is for.
pub const HOST: &str = "bench.example.com";

/// Every header but `Host` and, with held sessions, the affinity cookie.
const HEADERS: [(&str, &str); 13] = [
    ("Connection", "keep-alive"),
    ("Cache-Control", "max-age=0"),
    ("Upgrade-Insecure-Requests", "1"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
    ("Referer", "https://bench.example.com/catalogue/lamps?page=2&sort=price"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-GB,en;q=0.9,pt;q=0.8"),
    (COOKIE, "consent=yes; visit=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
];

const COOKIE: &str = "Cookie";

/// GET `path` as bytes on the wire; `session` (`name=value`) joins the cookies the page has anyway.
pub fn get(path: &str, session: Option<&str>) -> String {
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n");
    for (name, value) in HEADERS {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        if let (COOKIE, Some(session)) = (name, session) {
            text.push_str("; ");
            text.push_str(session);
        }
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_headers_with_and_without_a_session() {
        for session in [None, Some("__cflb=x")] {
            let text = get("/", session);
            assert_eq!(text.lines().filter(|line| line.contains(": ")).count(), 14);
            assert_eq!(text.contains("theme=dark; __cflb=x\r\n"), session.is_some());
            assert!(text.ends_with("\r\n\r\n"));
        }
    }
}
