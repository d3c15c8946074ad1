//! Why a head is refused: what both directions share, and what only one of them can get wrong.

use core::fmt;

/// A fault that requests and responses have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadError {
    /// The head is longer than [`crate::Limits::head_bytes`].
    TooLarge,
    /// More than [`crate::FIELDS_MAX`] field lines.
    TooManyFields,
    /// A line does not end in CR LF.
    LineEnding,
    /// A field line is folded, has no or a malformed name, whitespace before its colon, or a
    /// control byte.
    Field,
    /// More than [`crate::CONNECTION_OPTIONS_MAX`] options in `Connection`.
    ConnectionOptions,
    /// `Content-Length` is repeated, a list, not a plain decimal number, or too large.
    ContentLength,
    /// `Transfer-Encoding` is repeated, malformed, or does not end in `chunked`.
    TransferEncoding,
    /// `Transfer-Encoding` names codings other than `chunked`.
    TransferCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message, which cannot have one.
    TransferEncodingInHttp10,
    /// Both `Content-Length` and `Transfer-Encoding`.
    TwoLengths,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the header section is too large",
            Self::TooManyFields => "too many header fields",
            Self::LineEnding => "a line does not end in CR LF",
            Self::Field => "malformed header field",
            Self::ConnectionOptions => "too many Connection options",
            Self::ContentLength => "Content-Length is not one decimal number",
            Self::TransferEncoding => "malformed Transfer-Encoding",
            Self::TransferCoding => "unsupported transfer coding; only chunked is",
            Self::TransferEncodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 message",
            Self::TwoLengths => "both Content-Length and Transfer-Encoding",
        })
    }
}

impl core::error::Error for HeadError {}

/// Why a request is refused. The connection is closed after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// A fault of the header section or the framing.
    Head(HeadError),
    /// The request line is malformed.
    RequestLine,
    /// A version other than HTTP/1.0 and HTTP/1.1.
    Version,
    /// `CONNECT` or `TRACE`.
    Method,
    /// The target is none of the forms this method allows, or has bytes no URI has.
    Target,
    /// The target is longer than [`crate::Limits::target_bytes`].
    TargetTooLong,
    /// No `Host`.
    HostMissing,
    /// More than one `Host`.
    HostRepeated,
    /// `Host` or the target's authority is not a host name or address with an optional port.
    HostInvalid,
    /// The target's authority is not what `Host` says.
    HostMismatch,
    /// An expectation other than `100-continue`.
    Expectation,
}

impl RequestError {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(HeadError::TooLarge | HeadError::TooManyFields) => 431,
            Self::Head(HeadError::TransferCoding) => 501,
            Self::Version => 505,
            Self::Method => 405,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::Head(_)
            | Self::RequestLine
            | Self::Target
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::HostMismatch => 400,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(error) => return error.fmt(f),
            Self::RequestLine => "malformed request line",
            Self::Version => "HTTP version not supported",
            Self::Method => "method not allowed",
            Self::Target => "malformed request target",
            Self::TargetTooLong => "the request target is too long",
            Self::HostMissing => "no Host header field",
            Self::HostRepeated => "more than one Host header field",
            Self::HostInvalid => "malformed host",
            Self::HostMismatch => "Host and the request target disagree",
            Self::Expectation => "unknown expectation",
        })
    }
}

impl core::error::Error for RequestError {}

impl From<HeadError> for RequestError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

/// Why a response is refused. The upstream connection is closed and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseError {
    /// A fault of the header section or the framing.
    Head(HeadError),
    /// The status line is malformed.
    StatusLine,
    /// A version other than HTTP/1.0 and HTTP/1.1.
    Version,
    /// A 101 to a request that offered no upgrade.
    UpgradeNotAsked,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(error) => return error.fmt(f),
            Self::StatusLine => "malformed status line",
            Self::Version => "HTTP version not supported",
            Self::UpgradeNotAsked => "switched protocols without being asked to",
        })
    }
}

impl core::error::Error for ResponseError {}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

/// What `httparse` says of the header section, in our words.
pub(crate) fn of_fields(error: httparse::Error) -> Option<HeadError> {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Some(HeadError::Field),
        httparse::Error::NewLine => Some(HeadError::LineEnding),
        httparse::Error::TooManyHeaders => Some(HeadError::TooManyFields),
        httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => None,
    }
}
