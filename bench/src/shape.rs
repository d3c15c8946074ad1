//! What a scenario is made of: what the endpoints serve, how the proxy is loaded, and what is
//! switched on. A scenario of the common kind is one constant of this type.

use crate::access_log::AccessLog;
use crate::args::{Affinity, Args};
use crate::proxy::Job;

/// The proxy that ratios compare with unless a scenario or the command line says otherwise.
pub const BASELINE: &str = "haproxy";

/// A scenario whose proxies take turns under one load.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// One line for `--help` and above the table.
    pub about: &'static str,
    /// What the endpoints serve.
    pub serves: Serves,
    /// How requests come.
    pub load: Drive,
    /// Connections of the load.
    pub connections: u32,
    /// Cookie affinity.
    pub affinity: Affinity,
    /// Active health checks, where the proxy has them.
    pub monitors: bool,
    /// Metrics, where they are not always counted.
    pub metrics: bool,
    /// Whether requests are logged.
    pub access_log: AccessLog,
    /// Hosts that the proxy serves and the load asks for in turn, at least 1.
    pub hosts: usize,
    /// Products that cannot take part.
    pub without: &'static [&'static str],
    /// Rows beside the products as they are.
    pub rows: &'static [Variation],
    /// The row that ratios compare with.
    pub baseline: &'static str,
}

/// What the endpoints serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// A body of that many bytes.
    Body(usize),
    /// An answer of a few bytes once a chunked body of that many bytes has arrived whole.
    Upload(usize),
    /// What they are sent, over WebSockets.
    Echo,
}

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drive {
    /// HTTP/1.1 by wrk, the next request once the answer is there.
    Http1 {
        /// Over TLS 1.3.
        tls: bool,
        /// A connection, and with TLS a full handshake, for every request.
        new_connections: bool,
    },
    /// HTTP/2 over TLS by h2load.
    Http2 {
        /// Requests in flight on each connection.
        streams: u32,
    },
    /// HTTP/1.1 over TLS 1.3 by `evenkeel-load`: a connection for every request, its session
    /// resumed by ticket.
    TlsResumed,
    /// Messages of that many bytes over WebSockets, by `evenkeel-load`: the next one once the echo
    /// is there.
    WebSocket(u32),
    /// HTTP/1.1 by `evenkeel-load`, open loop: Poisson arrivals at that share of what saturates the
    /// baseline, to everyone alike.
    Open(f64),
}

/// A product under one more name, with something about its job changed.
#[derive(Debug, Clone, Copy)]
pub struct Variation {
    /// Name of the row.
    pub name: &'static str,
    /// The product: `ours`, `haproxy`, `nginx` or `caddy`.
    pub of: &'static str,
    /// The change.
    pub change: fn(&mut Job),
}

impl Drive {
    /// Plain HTTP/1.1 on connections that stay.
    pub const KEEP_ALIVE: Self = Self::Http1 { tls: false, new_connections: false };

    /// Whether the proxy must speak TLS.
    pub fn is_tls(self) -> bool {
        match self {
            Self::Http1 { tls, .. } => tls,
            Self::Http2 { .. } | Self::TlsResumed => true,
            Self::WebSocket(_) | Self::Open(_) => false,
        }
    }

    /// Whether every request comes on a connection of its own.
    pub fn is_new_connections(self) -> bool {
        matches!(self, Self::Http1 { new_connections: true, .. } | Self::TlsResumed)
    }
}

impl Shape {
    /// The common small request: 1 KiB over keep-alive, 64 connections, nothing switched on.
    pub const SMALL: Self = Self {
        name: "",
        about: "",
        serves: Serves::Body(1024),
        load: Drive::KEEP_ALIVE,
        connections: 64,
        affinity: Affinity::None,
        monitors: false,
        metrics: false,
        access_log: AccessLog::Off,
        hosts: 1,
        without: &[],
        rows: &[],
        baseline: BASELINE,
    };

    /// The shape with what the command line changes about it.
    pub fn with(mut self, args: &Args) -> Self {
        self.connections = args.connections.unwrap_or(self.connections);
        self.affinity = args.affinity.unwrap_or(self.affinity);
        self.monitors |= args.monitors;
        if args.access_log && !self.access_log.is_on() {
            self.access_log = AccessLog::File;
        }
        self
    }

    /// The name, with a mark when the proxy has all cores: results of both are not mixed up.
    pub fn file_name(&self, args: &Args) -> String {
        match args.cores {
            crate::cores::Cores::One => self.name.to_owned(),
            crate::cores::Cores::All => format!("{}-all-cores", self.name),
        }
    }

    /// Everything about it that is not the plain small request, in words.
    pub fn details(&self) -> String {
        let mut words = vec![match self.serves {
            Serves::Body(bytes) => format!("bodies of {bytes} bytes"),
            Serves::Upload(bytes) => format!("uploads of {bytes} bytes"),
            Serves::Echo => "messages echoed".to_owned(),
        }];
        words.push(format!("{} connections", self.connections));
        match self.load {
            Drive::Http2 { streams } => words.push(format!("{streams} streams each")),
            Drive::WebSocket(bytes) => words.push(format!("messages of {bytes} bytes")),
            Drive::Open(share) => words.push(format!("{share} of the baseline's saturation")),
            Drive::Http1 { .. } | Drive::TlsResumed => {}
        }
        if self.hosts > 1 {
            words.push(format!("{} hosts", self.hosts));
        }
        words.push(format!("affinity {}", self.affinity.as_str()));
        for (name, on) in [
            ("monitors", self.monitors),
            ("metrics", self.metrics),
            ("access log", self.access_log.is_on()),
        ] {
            if on {
                words.push(name.to_owned());
            }
        }
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cores::Cores;

    #[test]
    fn the_command_line_adds_to_a_scenario() {
        let args =
            Args { connections: Some(8), monitors: true, cores: Cores::All, ..Args::default() };
        let shape = Shape { name: "x", affinity: Affinity::Cookie, ..Shape::SMALL }.with(&args);
        assert_eq!(
            shape.details(),
            "bodies of 1024 bytes, 8 connections, affinity cookie, monitors"
        );
        assert_eq!(shape.file_name(&args), "x-all-cores");
    }
}
