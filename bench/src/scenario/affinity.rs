//! Session affinity by cookie, where every request comes with the cookie of its session.

use crate::args::Affinity;
use crate::shape::Shape;

/// Reading the cookie, and going where it says.
pub(super) const COOKIE: Shape = Shape {
    name: "affinity-cookie",
    about: "HTTP/1.1 keep-alive, cookie affinity, every request in a session",
    affinity: Affinity::CookieHeld,
    ..Shape::SMALL
};
