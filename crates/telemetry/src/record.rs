//! What is known of one request once it is over: the access line and the trace are made of it.
//!
//! Everything is borrowed from the request, so that a request nobody wants to read about costs
//! nothing but this.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

/// A request that is over.
#[derive(Clone, Copy)]
pub struct RequestRecord<'a> {
    /// When its head had arrived: microseconds since 1970, UTC.
    pub at_us: u64,
    /// From there until the response was whole or the exchange broke, in microseconds.
    pub total_us: u64,
    /// Its id (`CF-Ray`).
    pub ray: &'a str,
    /// The client's true address.
    pub client: IpAddr,
    /// The port it came from; 0 where that is not known.
    pub client_port: u16,
    /// The client's country, two letters; `XX` where that is not known.
    pub country: &'a str,
    /// What was spoken: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: &'static str,
    /// The version of TLS, `TLSv1.3` for example; `None` without TLS.
    pub tls: Option<&'static str>,
    /// As sent.
    pub method: &'a [u8],
    /// `https` or `http`: how the client came, as a trusted proxy in front tells it.
    pub scheme: &'static str,
    /// The host name asked for, in lower case, without the port.
    pub host: &'a str,
    /// The target as sent, query included.
    pub target: &'a [u8],
    /// The `Referer` field; empty without one.
    pub referer: &'a [u8],
    /// The `User-Agent` field; empty without one.
    pub user_agent: &'a [u8],
    /// The status that the client was sent; 0 when it was gone before there was any.
    pub status: u16,
    /// How it ended.
    pub end: RequestEnd,
    /// Bytes of the request's body.
    pub received_bytes: u64,
    /// Bytes sent to the client, head included, as HTTP/1.1 writes them.
    pub sent_bytes: u64,
    /// The load balancer's host name.
    pub load_balancer: Option<&'a str>,
    /// The last pool asked, by name.
    pub pool: Option<&'a str>,
    /// The last endpoint asked, by name.
    pub endpoint: Option<&'a str>,
    /// Where that was dialled.
    pub endpoint_address: Option<SocketAddr>,
    /// The status that the endpoint answered, where one did.
    pub endpoint_status: Option<u16>,
    /// Times that the request was sent to somebody, or that it was tried.
    pub attempts: u32,
    /// Whether the last attempt went over a connection that had served a request before.
    pub is_reused: bool,
    /// What it took to connect to the endpoint, TLS included, where a connection was opened.
    pub connect_us: Option<u64>,
    /// From the beginning of the last attempt until the first byte of its response.
    pub first_byte_us: Option<u64>,
    /// The steps that led to the endpoint, in words.
    pub trail: &'a dyn Display,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestEnd {
    /// The client was sent a whole response of an endpoint.
    Whole,
    /// The client was sent a response of ours: a rule's, a redirect, an error page.
    Own,
    /// A tunnel was opened, and ended.
    Tunnel,
    /// The client was gone before the response was whole, or stopped reading.
    ClientGone,
    /// The endpoint broke the response off.
    EndpointCut,
}

impl RequestEnd {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Whole, Self::Own, Self::Tunnel, Self::ClientGone, Self::EndpointCut];

    /// One word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Own => "own",
            Self::Tunnel => "tunnel",
            Self::ClientGone => "client_gone",
            Self::EndpointCut => "endpoint_cut",
        }
    }
}
