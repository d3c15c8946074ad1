//! What the rules of a simulated load balancer ask: each condition is an expression for the engine
//! and a plain function for the oracle, so that neither believes the other.

use crate::request::Request;

/// A condition of a custom rule.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Every request.
    Always,
    /// The path begins with this.
    PathBegins(&'static str),
    /// The method is this.
    MethodIs(&'static str),
    /// Some header of this name has this value.
    HeaderIs(&'static str, &'static str),
    /// The client's address is in `198.18.N.0/24`.
    ClientIn(u8),
    /// Both hold.
    Both(Box<Self>, Box<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Condition {
    /// As the rules language says it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Always => "true".to_owned(),
            Self::PathBegins(path) => format!("starts_with(http.request.uri.path, \"{path}\")"),
            Self::MethodIs(method) => format!("http.request.method eq \"{method}\""),
            Self::HeaderIs(name, value) => {
                format!("any(http.request.headers[\"{name}\"][*] eq \"{value}\")")
            }
            Self::ClientIn(net) => format!("ip.src in {{198.18.{net}.0/24}}"),
            Self::Both(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Self::Not(of) => format!("not ({})", of.text()),
        }
    }

    /// Whether it holds for a request.
    #[must_use]
    pub fn holds(&self, request: &Request) -> bool {
        match self {
            Self::Always => true,
            Self::PathBegins(path) => request.path.starts_with(path),
            Self::MethodIs(method) => request.method == *method,
            Self::HeaderIs(name, value) => {
                request.headers.iter().any(|(of, is)| of == name && is == value)
            }
            Self::ClientIn(net) => request.client.octets()[..3] == [198, 18, *net],
            Self::Both(a, b) => a.holds(request) && b.holds(request),
            Self::Not(of) => !of.holds(request),
        }
    }
}
