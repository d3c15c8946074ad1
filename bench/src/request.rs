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

/// Size of a chunk of an upload.
const CHUNK_BYTES: usize = 16 << 10;

/// One of the hosts that are asked for in turn.
pub fn host(n: usize) -> String {
    match n {
        0 => HOST.to_owned(),
        n => format!("bench-{n}.example.com"),
    }
}

/// GET `path` as bytes on the wire; `session` (`name=value`) joins the cookies the page has anyway.
pub fn get(path: &str, session: Option<&str>) -> String {
    request("GET", path, session)
}

/// POST `path` with a chunked body of that many bytes, as bytes on the wire.
pub fn upload(path: &str, bytes: usize, session: Option<&str>) -> String {
    let mut text = request("POST", path, session);
    text.truncate(text.len() - "\r\n".len());
    text.push_str("Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut left = bytes;
    while left > 0 {
        let chunk = left.min(CHUNK_BYTES);
        text.push_str(&format!("{chunk:x}\r\n{}\r\n", "u".repeat(chunk)));
        left -= chunk;
    }
    text.push_str("0\r\n\r\n");
    text
}

/// The same request as the last one of its connection.
pub fn closing(request: &str) -> String {
    request.replacen("Connection: keep-alive", "Connection: close", 1)
}

/// The headers of a request, in their order.
pub fn headers(request: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = request.lines().skip(1).take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once(": "))
}

fn request(method: &str, path: &str, session: Option<&str>) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n");
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
            assert_eq!(headers(&text).count(), 14);
            assert_eq!(headers(&text).next(), Some(("Host", HOST)));
            assert!(closing(&text).contains("\r\nConnection: close\r\n"));
        }
    }

    #[test]
    fn uploads_are_chunked_whole() {
        let text = upload("/up", CHUNK_BYTES + 1, None);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("POST /up HTTP/1.1\r\n") && head.ends_with(": chunked"));
        assert!(body.starts_with("4000\r\nuuu") && body.ends_with("u\r\n1\r\nu\r\n0\r\n\r\n"));
    }
}
