//! Valid messages made up at random parse to what they were made of.

use evenkeel_h1::{Body, Method, chunk_head};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{Decoded, GET, accepted, decode, response};

const TOKEN: &str = "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}";
const VALUE: &str = "([!-~][ -~\t]{0,60}[!-~])?";

fn name() -> impl Strategy<Value = String> {
    // Fields that mean something have tests of their own.
    TOKEN.prop_map(|token| format!("x-{token}")).prop_filter("known", |name| {
        evenkeel_h1::FieldKind::of(name.as_bytes()) == evenkeel_h1::FieldKind::Other
    })
}

fn fields() -> impl Strategy<Value = Vec<(String, String, String)>> {
    vec((name(), VALUE, select(&["", " ", "\t", "  \t"][..]).prop_map(str::to_owned)), 0..20)
}

fn lines(fields: &[(String, String, String)]) -> String {
    fields.iter().map(|(name, value, pad)| format!("{name}:{pad}{value}{pad}\r\n")).collect()
}

fn framing() -> impl Strategy<Value = (String, Body)> {
    prop_oneof![
        Just((String::new(), Body::None)),
        (0..=i64::MAX as u64).prop_map(|n| (format!("Content-Length: {n}\r\n"), Body::Length(n))),
        Just(("Transfer-Encoding: chunked\r\n".to_owned(), Body::Chunked)),
    ]
}

proptest! {
    #[test]
    fn requests(
        method in "[A-Z]{1,20}",
        path in "/[!-\"$->@-~]{0,60}",
        query in option::of("[!-\"$-~]{0,40}"),
        host in "[a-z0-9]{1,10}(\\.[a-zA-Z0-9-]{1,10}){0,3}",
        port in option::of(any::<u16>()),
        fields in fields(),
        (framing, body) in framing(),
        next in "[ -~]{0,10}",
    ) {
        prop_assume!(!matches!(Method::of(method.as_bytes()), Method::Connect | Method::Trace));
        prop_assume!(!path.contains("%00"));
        let target = path.clone() + &query.as_ref().map(|q| format!("?{q}")).unwrap_or_default();
        let authority = host.clone() + &port.map(|port| format!(":{port}")).unwrap_or_default();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {authority}\r\n{}{framing}\r\n",
            lines(&fields)
        );
        let text = format!("{head}{next}");
        let buf = text.as_bytes();
        let (parsed, list) = accepted(buf);
        prop_assert_eq!(parsed.bytes, head.len());
        prop_assert_eq!(parsed.method.of(buf), method.as_bytes());
        prop_assert_eq!(&*parsed.target.of(buf), target.as_bytes());
        prop_assert_eq!(parsed.target.path(buf), path.as_bytes());
        prop_assert_eq!(parsed.target.query(buf), query.as_ref().map(String::as_bytes));
        prop_assert_eq!(parsed.host.of(buf), authority.as_bytes());
        prop_assert_eq!(parsed.host_name.of(buf), host.as_bytes());
        prop_assert_eq!(parsed.body, body);
        prop_assert!(parsed.keep_alive);
        for (field, (name, value, _)) in list[1..].iter().zip(&fields) {
            prop_assert_eq!(field.name.of(buf), name.as_bytes());
            prop_assert_eq!(field.value.of(buf), value.as_bytes());
        }
        prop_assert_eq!(list.len(), 1 + fields.len() + usize::from(body != Body::None));
    }

    #[test]
    fn responses(
        status in 200u16..=999,
        reason in "[ -~\t]{0,40}",
        fields in fields(),
        (framing, body) in framing(),
        next in "[ -~]{0,10}",
    ) {
        prop_assume!(!matches!(status, 204 | 304));
        let head = format!("HTTP/1.1 {status} {reason}\r\n{}{framing}\r\n", lines(&fields));
        let text = format!("{head}{next}");
        let buf = text.as_bytes();
        let (parsed, list) = response(buf, GET).expect("valid").expect("whole");
        prop_assert_eq!(parsed.bytes, head.len());
        prop_assert_eq!(parsed.status, status);
        prop_assert_eq!(parsed.reason.of(buf), reason.as_bytes());
        prop_assert_eq!(parsed.body, if body == Body::None { Body::UntilClose } else { body });
        prop_assert_eq!(parsed.keep_alive, body != Body::None);
        for (field, (name, value, _)) in list.iter().zip(&fields) {
            prop_assert_eq!(field.name.of(buf), name.as_bytes());
            prop_assert_eq!(field.value.of(buf), value.as_bytes());
        }
    }

    #[test]
    fn chunked_bodies(
        chunks in vec(vec(any::<u8>(), 1..300), 0..10),
        extension in select(&["", ";a", "; a=\"b\\\"\" ;c=d"][..]),
        trailers in fields().prop_map(|fields| lines(&fields)),
        next in vec(any::<u8>(), 0..20),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut wire = Vec::new();
        for chunk in &chunks {
            let mut out = [0; 18];
            let head = chunk_head(chunk.len() as u64, &mut out);
            wire.extend_from_slice(&head[..head.len() - 2]);
            wire.extend_from_slice(extension.as_bytes());
            wire.extend_from_slice(b"\r\n");
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(evenkeel_h1::LAST_CHUNK);
        wire.extend_from_slice(trailers.as_bytes());
        wire.extend_from_slice(b"\r\n");
        let expected = Decoded {
            data: chunks.concat(),
            trailers: trailers.into_bytes(),
            consumed: wire.len(),
            done: true,
        };

        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
        cuts.sort_unstable();
        // The last piece brings the beginning of the next message along.
        let mut stream = wire.clone();
        stream.extend_from_slice(&next);
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&stream[from..cut]);
            from = cut;
        }
        pieces.push(&stream[from..]);
        prop_assert_eq!(decode(pieces), Ok(expected));
    }
}
