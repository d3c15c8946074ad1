//! What a client's request moves, counted while it moves: a request whose future is dropped has been
//! measured up to there.
//!
//! On the request path.

use crate::relay::pump::Pump;

/// Bytes of one client's requests, growing from request to request of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    /// Of bodies that the client sent, without framing.
    pub(crate) received: u64,
    /// To the client: heads, bodies and our framing, as HTTP/1.1 writes them.
    pub(crate) sent: u64,
    /// Of bodies that endpoints sent, without framing.
    pub(crate) endpoint_received: u64,
    /// To endpoints: heads, bodies and our framing, as HTTP/1.1 writes them.
    pub(crate) endpoint_sent: u64,
}

impl Meter {
    /// Takes over what a request has moved since it was last counted.
    pub(crate) fn uploaded(&mut self, upload: &mut Pump) {
        let counts = upload.take_counts();
        self.received += counts.taken;
        self.endpoint_sent += counts.written;
    }

    /// Takes over what a response has moved since it was last counted.
    pub(crate) fn downloaded(&mut self, download: &mut Pump) {
        let counts = download.take_counts();
        self.endpoint_received += counts.taken;
        self.sent += counts.written;
    }

    /// What was moved since an earlier reading.
    pub(crate) const fn since(&self, earlier: &Self) -> Self {
        Self {
            received: self.received - earlier.received,
            sent: self.sent - earlier.sent,
            endpoint_received: self.endpoint_received - earlier.endpoint_received,
            endpoint_sent: self.endpoint_sent - earlier.endpoint_sent,
        }
    }
}
