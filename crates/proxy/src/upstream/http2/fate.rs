//! What it means that a stream ended before its response did.

use std::io;

use h2::Reason;

/// Why a stream ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The endpoint says that it did not act on the request, or it never left: anything may be sent
    /// again (RFC 9113 section 8.7).
    Unprocessed,
    /// The endpoint wants to be asked in HTTP/1.1, as for credentials that hold for a connection.
    WantsHttp1,
    /// The endpoint gave the request up, or broke the protocol.
    Failed,
    /// The request has no form in HTTP/2.
    Untranslatable,
    /// The connection ended.
    Lost,
}

impl Fate {
    /// What an error met while waiting for the response means.
    pub(super) fn of(error: &h2::Error) -> Self {
        // Streams above the last one of a GOAWAY get its error; those below go on.
        let is_refused = error.reason() == Some(Reason::REFUSED_STREAM);
        if error.is_remote() && (error.is_go_away() || is_refused) {
            Self::Unprocessed
        } else if error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED) {
            Self::WantsHttp1
        } else if error.is_reset() || error.is_library() {
            Self::Failed
        } else {
            Self::Lost
        }
    }

    /// What an error met while sending the head means: nothing has left.
    pub(super) fn unsent(error: &h2::Error) -> Self {
        if error.is_io() || error.is_go_away() || error.is_reset() {
            Self::Unprocessed
        } else {
            Self::Untranslatable
        }
    }

    pub(super) fn kind(self, error: &h2::Error) -> io::ErrorKind {
        match (self, error.get_io()) {
            (_, Some(error)) => error.kind(),
            (Self::Failed | Self::Untranslatable, None) => io::ErrorKind::InvalidData,
            (Self::Unprocessed | Self::WantsHttp1 | Self::Lost, None) => {
                io::ErrorKind::ConnectionReset
            }
        }
    }
}
