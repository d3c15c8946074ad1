//! What a site would run with: sessions by cookie, health monitors, metrics, and the access log.

use crate::access_log::AccessLog;
use crate::args::Affinity;
use crate::shape::Shape;

/// Without the access log.
pub(super) const QUIET: Shape = Shape {
    name: "everything-on",
    about: "HTTP/1.1 keep-alive, cookie affinity, monitors, metrics",
    affinity: Affinity::CookieHeld,
    monitors: true,
    metrics: true,
    ..Shape::SMALL
};

/// With it.
pub(super) const LOGGED: Shape = Shape {
    name: "everything-on-logged",
    about: "the same with an access log to a file",
    access_log: AccessLog::File,
    ..QUIET
};
