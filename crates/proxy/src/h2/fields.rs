//! Header fields between the two forms: lines of HTTP/1.1 and the map of the HTTP/2 codec.
//!
//! On the request path.

use bytes::Bytes;
use evenkeel_h1::{ChunkedDecoder, FieldKind, LAST_CHUNK};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::names::Names;

/// Writes a field as a line.
pub(crate) fn write_line(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The fields of `lines`, each of which ends in CR LF, without those that `is_dropped` names or that
/// only concern one HTTP/1.1 connection. The values share the storage of `lines`.
///
/// The ray is marked as one that no table of header compression shall hold: each is another, and
/// would drive out of the table what the next response has as well, and keep its head in memory.
pub(super) fn from_lines(
    lines: &Bytes,
    names: &Names,
    is_dropped: impl Fn(&[u8]) -> bool,
) -> HeaderMap {
    let count = memchr::memchr_iter(b'\n', lines).count();
    let mut map = HeaderMap::with_capacity(count);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', lines) {
        let line = start..end - usize::from(end > start && lines[end - 1] == b'\r');
        start = end + 1;
        let Some(colon) = memchr::memchr(b':', &lines[line.clone()]) else { continue };
        let name = &lines[line.start..line.start + colon];
        let kind = FieldKind::of(name);
        if kind.is_hop_by_hop() || is_dropped(name) {
            continue;
        }
        let value = lines[line.start + colon + 1..line.end].trim_ascii();
        let value = HeaderValue::from_maybe_shared(lines.slice_ref(value));
        if let (Some(name), Ok(mut value)) = (names.of(name), value) {
            value.set_sensitive(kind == FieldKind::CfRay);
            // There are far fewer lines than a map has room for.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// Trailers as lines, as far as they may be passed on: by the same rules that hold for those of
/// chunked bodies.
pub(crate) fn trailer_lines(trailers: &HeaderMap) -> Vec<u8> {
    let mut body = LAST_CHUNK.to_vec();
    trailers.iter().for_each(|(name, value)| write_line(&mut body, name, value));
    body.extend_from_slice(b"\r\n");
    let mut decoder = ChunkedDecoder::new();
    match decoder.step(&body) {
        Ok(_) => decoder.trailers().to_vec(),
        Err(error) => {
            tracing::debug!(%error, "Trailers were dropped.");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_fields() {
        let lines = Bytes::from_static(
            b"Content-Type: text/plain\r\nX-A:b\r\nConnection: close\r\nX-A:  c \r\n\
              Transfer-Encoding: chunked\r\nKeep-Alive: x\r\nUpgrade: y\r\nX-Gone: 1\r\n\
              Empty:\r\nX-B: \xe4\r\n",
        );
        let map = from_lines(&lines, &Names::default(), |name| name == b"X-Gone");
        let mut out = Vec::new();
        map.iter().for_each(|(name, value)| write_line(&mut out, name, value));
        let expected = b"content-type: text/plain\r\nx-a: b\r\nx-a: c\r\nempty: \r\nx-b: \xe4\r\n";
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn rays_stay_out_of_tables() {
        let lines = Bytes::from_static(b"CF-Ray: 8f-FRA\r\nX-A: b\r\n");
        let map = from_lines(&lines, &Names::default(), |_| false);
        assert!(map["cf-ray"].is_sensitive());
        assert!(!map["x-a"].is_sensitive());
    }

    #[test]
    fn trailers_that_would_change_framing_or_routing_are_dropped() {
        let lines = Bytes::from_static(
            b"grpc-status: 0\r\nhost: evil\r\ncontent-length: 3\r\ncf-connecting-ip: 1\r\nx-a: b\r\n",
        );
        let kept = trailer_lines(&from_lines(&lines, &Names::default(), |_| false));
        assert_eq!(String::from_utf8(kept).unwrap(), "grpc-status: 0\r\nx-a: b\r\n");
        assert_eq!(trailer_lines(&HeaderMap::new()), b"");
    }
}
