//! Refusals: the status, the code and the sentence that each gets (api.md 1.2, 1.3 and 9).

use std::fmt;
use std::net::IpAddr;

use axum::Json;
use axum::response::{IntoResponse, Response};
use evenkeel_api::Problem;
use evenkeel_api::envelope::{ApiMessage, Envelope};
use evenkeel_store::{CommitError, JournalError};
use http::StatusCode;

/// No valid credentials, or none at all.
const UNAUTHENTICATED: u32 = 10_000;
/// The credentials are not accepted from this address.
const WRONG_LOCATION: u32 = 9109;
/// More requests than the rate limit allows.
const TOO_MANY_REQUESTS: u32 = 10_429;
/// A request header has the wrong form; the chain says which.
const INVALID_HEADERS: u32 = 6003;
/// The path names nothing, for instance because an identifier is malformed.
const UNROUTABLE: u32 = 7003;
/// Follows [`UNROUTABLE`].
const NO_ROUTE: u32 = 7000;
/// The path does not take this method.
const METHOD_NOT_ALLOWED: u32 = 10_405;
/// Nothing is known of an object's health yet (api.md 9 item 5).
const NO_HEALTH: u32 = 1004;
/// Name servers elsewhere were not told to look.
const NOT_NOTIFIED: u32 = 10_014;
/// The storage failed.
const NOT_STORED: u32 = 10_013;

/// The longest part of a path that is repeated in an answer, in characters. A message is for
/// people; the sender knows what it sent.
const PATH_ECHO_MAX: usize = 256;

/// A request refused.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    errors: Vec<ApiMessage>,
}

/// What handlers return.
pub(crate) type Answer<T> = Result<Json<Envelope<T>>, ApiError>;

/// A header of the wrong form, the codes of api.md 1.3.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BadHeader {
    Authorization,
    AuthKey,
}

impl ApiError {
    fn new(status: StatusCode, code: u32, message: &str) -> Self {
        Self { status, errors: vec![ApiMessage::new(code, message)] }
    }

    /// A failed validation that concerns no member of the body.
    pub(crate) fn invalid(reason: fmt::Arguments<'_>) -> Self {
        Problem::invalid("", reason).into()
    }

    /// The body is longer than the limit.
    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let reason = format_args!("the request body is longer than {bytes_max} bytes");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::invalid(reason) }
    }

    /// The body claims to be something else than JSON.
    pub(crate) fn not_json() -> Self {
        let reason = format_args!("the content type is not application/json");
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Self::invalid(reason) }
    }

    /// The body is compressed.
    pub(crate) fn encoded() -> Self {
        let reason = format_args!("the request body has a content encoding; send it without one");
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Self::invalid(reason) }
    }

    /// The body claims to be something else than a form with files.
    pub(crate) fn not_multipart() -> Self {
        let reason = format_args!("the content type is not multipart/form-data with a boundary");
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Self::invalid(reason) }
    }

    /// The object of a path is not there, `object` being its kind.
    pub(crate) fn not_found(object: &str) -> Self {
        Problem::not_found(object).into()
    }

    /// The path names nothing: an unknown route, or a malformed identifier in a known one.
    pub(crate) fn unroutable(path: &str) -> Self {
        let path: String = path.chars().take(PATH_ECHO_MAX).collect();
        let message =
            format!("Could not route to {path}, perhaps your object identifier is invalid?");
        let errors = vec![
            ApiMessage::new(UNROUTABLE, &message),
            ApiMessage::new(NO_ROUTE, "No route for that URI"),
        ];
        Self { status: StatusCode::NOT_FOUND, errors }
    }

    /// The path does not take this method.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED, "Method not allowed")
    }

    /// A pool has a monitor, and no probe of it is done yet.
    pub(crate) fn no_health_yet() -> Self {
        Self::new(StatusCode::NOT_FOUND, NO_HEALTH, "Health info unavailable")
    }

    /// No credentials, or none that are valid.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHENTICATED, "Authentication error")
    }

    /// The credentials are valid and do not suffice.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, UNAUTHENTICATED, "Authentication error")
    }

    /// The token is not let in from where the request comes.
    pub(crate) fn wrong_location(from: Option<IpAddr>) -> Self {
        let from = from.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let message = format!("Cannot use the access token from location: {from}");
        Self::new(StatusCode::FORBIDDEN, WRONG_LOCATION, &message)
    }

    /// The caller asks too often.
    pub(crate) fn too_many_requests() -> Self {
        let message = "You have reached the rate limit of this API. Please wait and consider \
                       throttling your request speed";
        Self::new(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_REQUESTS, message)
    }

    /// The answer of the token check to credentials that are not valid.
    pub(crate) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 1000, "Invalid API Token")
    }

    /// A header of the wrong form.
    pub(crate) fn bad_header(header: BadHeader) -> Self {
        let (code, message) = match header {
            BadHeader::Authorization => (6111, "Invalid format for Authorization header"),
            BadHeader::AuthKey => (6103, "Invalid format for X-Auth-Key header"),
        };
        let mut error = ApiMessage::new(INVALID_HEADERS, "Invalid request headers");
        error.error_chain = vec![ApiMessage::new(code, message)];
        Self { status: StatusCode::BAD_REQUEST, errors: vec![error] }
    }

    /// Nobody here tells name servers elsewhere of anything, or they are told of too much already.
    pub(crate) fn not_notified() -> Self {
        let message = "The name servers were not notified: this node serves no DNS, or has too many \
                       notifications to send already.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, NOT_NOTIFIED, message)
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        vec![problem].into()
    }
}

impl From<Vec<Problem>> for ApiError {
    fn from(problems: Vec<Problem>) -> Self {
        let status = problems.first().map_or(400, Problem::status);
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            errors: problems.into_iter().map(ApiMessage::from).collect(),
        }
    }
}

impl From<CommitError> for ApiError {
    /// The client reads which failure it was; the cause is the log's, which the store has written.
    fn from(error: CommitError) -> Self {
        if let CommitError::Invalid(error) = &error {
            return Self::invalid(format_args!("{error}"));
        }
        let message = match &error {
            CommitError::Refused { .. } => "the storage failed earlier".to_owned(),
            error => error.to_string(),
        };
        let message = format!("The change was not stored: {message}.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, NOT_STORED, &message)
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "The journal cannot be read.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, NOT_STORED, &error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(Envelope::<()>::failure(self.errors))).into_response()
    }
}
