//! What is different about gRPC (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): its statuses stand in
//! trailers, and an error is one of them, not a page.

use evenkeel_h1::{Field, FieldKind};

const UNKNOWN: u8 = 2;
const DEADLINE_EXCEEDED: u8 = 4;
const RESOURCE_EXHAUSTED: u8 = 8;
const UNIMPLEMENTED: u8 = 12;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;

/// Whether a request is a gRPC call.
pub(crate) fn is_call(buffer: &[u8], fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        field.kind == FieldKind::Other
            && field.name.of(buffer).eq_ignore_ascii_case(b"content-type")
            && is_type(field.value.of(buffer))
    })
}

/// Whether a content type is `application/grpc`, with or without a format. gRPC-Web is another
/// protocol, whose clients read ordinary responses.
fn is_type(value: &[u8]) -> bool {
    const NAME: &[u8] = b"application/grpc";
    value.split_at_checked(NAME.len()).is_some_and(|(name, rest)| {
        name.eq_ignore_ascii_case(NAME) && matches!(rest, [] | [b'+' | b';' | b' ', ..])
    })
}

/// The status of a call that got `status` from us instead of an answer. As clients map statuses of
/// HTTP (doc/http-grpc-status-mapping.md) where they know them; what keeps an endpoint from answering
/// is "unavailable", which clients try again.
pub(crate) const fn status_of(status: u16) -> u8 {
    match status {
        408 | 524 => DEADLINE_EXCEEDED,
        413 | 414 | 431 => RESOURCE_EXHAUSTED,
        409 | 421 => UNIMPLEMENTED,
        400 | 405 | 417 | 501 | 505 | 508 => INTERNAL,
        502..=504 | 520..=523 | 525 | 526 | 530 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_type() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC; charset=x", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(is_type(value.as_bytes()), expected, "{value}");
        }
    }
}
