"""WebSocket frames by hand (RFC 6455 section 5.2): what a library would not send, and tunnels that
no library opens.
"""

import os
from dataclasses import dataclass

from harness.edge import frames, http2

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

HANDSHAKE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
]


@dataclass(frozen=True)
class Message:
    """One frame as it came."""

    opcode: int
    fin: bool
    payload: bytes


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """One frame, which may claim another length than it has."""
    size = len(payload) if length is None else length
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([mask | size])
    elif size < 1 << 16:
        head = bytes([mask | 126]) + size.to_bytes(2)
    else:
        head = bytes([mask | 127]) + size.to_bytes(8)
    head = bytes([(0x80 if fin else 0) | opcode]) + head
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def parse(data: bytes) -> tuple[Message, bytes] | None:
    """The first frame of what an endpoint sent, and the rest; none while it is not all there."""
    if len(data) < 2:
        return None
    assert not data[1] & 0x80, "an endpoint's frames are not masked"
    size, at = data[1], 2
    if size > 125:
        wide = 2 if size == 126 else 8
        size, at = int.from_bytes(data[2 : 2 + wide]), 2 + wide
    if len(data) < at + size:
        return None
    message = Message(data[0] & 0xF, bool(data[0] & 0x80), data[at : at + size])
    return message, data[at + size :]


class Tunnel:
    """A WebSocket over one stream of an HTTP/2 connection (RFC 8441)."""

    def __init__(self, connection: http2.Connection, host: str, path: str, *more: tuple[str, str]):
        self.connection = connection
        self.stream = connection.next_stream()
        fields = [*frames.get(host, path, connection.scheme, "CONNECT")]
        fields += [(":protocol", "websocket"), ("sec-websocket-version", "13"), *more]
        connection.send(frames.headers(self.stream, fields, end=False))
        self.response = connection.head(self.stream)
        self._read = 0

    def send(self, data: bytes, end: bool = False) -> None:
        """Bytes of frames, as long as the windows have room."""
        pieces = [data[at : at + http2.PIECE] for at in range(0, len(data), http2.PIECE)] or [b""]
        *first, last = pieces
        self.connection.send(*(frames.data(self.stream, piece) for piece in first))
        self.connection.send(frames.data(self.stream, last, end))

    def receive(self) -> Message:
        """The next frame."""
        while (found := parse(self.response.body[self._read :])) is None:
            assert not self.response.is_over, "the tunnel is over"
            self.connection.step()
        message, rest = found
        self._read = len(self.response.body) - len(rest)
        return message
