//! WebSockets: bytes both ways as they come, nothing to read in them.

use crate::shape::{Drive, Serves, Shape};

/// Short messages, each echoed before the next.
pub(super) const ECHO: Shape = Shape {
    name: "websocket-echo",
    about: "WebSocket, messages of 128 bytes and their echoes; a request is a message",
    serves: Serves::Echo,
    load: Drive::WebSocket(128),
    ..Shape::SMALL
};
