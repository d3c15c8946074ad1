//! Request methods, as far as a proxy must tell them apart.

/// A method by name. Names are case-sensitive (RFC 9110 section 9.1), so `get` is [`Self::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: answered as GET would be, without the body.
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `TRACE`: refused.
    Trace,
    /// `CONNECT`: refused.
    Connect,
    /// `PATCH`
    Patch,
    /// Any other token; passed on unchanged.
    Other,
}

impl Method {
    /// The method that a token names.
    #[must_use]
    pub const fn of(token: &[u8]) -> Self {
        match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            b"PATCH" => Self::Patch,
            _ => Self::Other,
        }
    }

    /// Whether the request only reads (RFC 9110 section 9.2.1).
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }

    /// Whether sending it twice means what sending it once means (RFC 9110 section 9.2.2).
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }

    /// Whether a request of this method usually has a body (RFC 9110 section 9.3).
    pub(crate) const fn expects_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch | Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_properties() {
        let table: [(&[u8], Method, bool, bool); 11] = [
            (b"GET", Method::Get, true, true),
            (b"HEAD", Method::Head, true, true),
            (b"POST", Method::Post, false, false),
            (b"PUT", Method::Put, false, true),
            (b"DELETE", Method::Delete, false, true),
            (b"OPTIONS", Method::Options, true, true),
            (b"TRACE", Method::Trace, true, true),
            (b"CONNECT", Method::Connect, false, false),
            (b"PATCH", Method::Patch, false, false),
            (b"get", Method::Other, false, false),
            (b"PROPFIND", Method::Other, false, false),
        ];
        for (token, method, safe, idempotent) in table {
            assert_eq!(Method::of(token), method);
            assert_eq!(
                (method.is_safe(), method.is_idempotent()),
                (safe, idempotent),
                "{method:?}"
            );
        }
    }
}
