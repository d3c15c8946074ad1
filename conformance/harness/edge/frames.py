"""HTTP/2 by hand (RFC 9113): frames are the bytes a test writes, right or wrong.

Libraries refuse to send what these suites have to: frames on streams that are over, fields with
line ends in them, windows of zero. Field blocks are written without compression unless a test wants
it, so that each is valid whatever came before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITISED = 0x4, 0x8, 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 2, 3, 4
MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL = 5, 6, 8

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0, 1, 3, 5
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 7, 8, 11, 13

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65_535

Fields = Iterable[tuple[str | bytes, str | bytes]]


@dataclass(frozen=True)
class Frame:
    """One frame as it came."""

    type: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM and GOAWAY."""
        start = 4 if self.type == GOAWAY else 0
        return int.from_bytes(self.payload[start : start + 4])


def frame(type: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Any frame, however wrong."""
    head = len(payload).to_bytes(3) + bytes([type, flags]) + stream.to_bytes(4)
    return head + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    """SETTINGS with these values."""
    body = b"".join(key.to_bytes(2) + value.to_bytes(4) for key, value in pairs)
    return frame(SETTINGS, payload=body)


def window(stream: int, increment: int) -> bytes:
    """WINDOW_UPDATE."""
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4))


def reset(stream: int, code: int = CANCEL) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4))


def ping(data: bytes = b"evenkeel") -> bytes:
    """PING."""
    return frame(PING, payload=data)


def priority(stream: int, depends: int = 0, weight: int = 15) -> bytes:
    """PRIORITY."""
    return frame(PRIORITY, 0, stream, depends.to_bytes(4) + bytes([weight]))


def data(stream: int, body: bytes = b"", end: bool = False) -> bytes:
    """DATA."""
    return frame(DATA, END_STREAM if end else 0, stream, body)


def padded(stream: int, body: bytes, padding: int, end: bool = False) -> bytes:
    """DATA with so many bytes of padding."""
    flags = PADDED | (END_STREAM if end else 0)
    return frame(DATA, flags, stream, bytes([padding]) + body + bytes(padding))


def headers(stream: int, fields: Fields, end: bool = True) -> bytes:
    """HEADERS with the whole block in one frame."""
    return opening(stream, block(fields), END_HEADERS | (END_STREAM if end else 0))


def opening(stream: int, encoded: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    """HEADERS with a block that is encoded already."""
    return frame(HEADERS, flags, stream, encoded)


def block(fields: Fields) -> bytes:
    """A field block of literals that no table keeps, and no Huffman code."""
    return b"".join(literal(name, value) for name, value in fields)


def literal(name: str | bytes, value: str | bytes, kept: bool = False) -> bytes:
    """One field (RFC 7541 section 6.2), any bytes, entered into the table if it is to be kept."""
    return bytes([0x40 if kept else 0]) + _string(name) + _string(value)


def indexed(index: int) -> bytes:
    """A field that a table has (RFC 7541 section 6.1)."""
    return integer(index, 7, 0x80)


def integer(value: int, bits: int, first: int = 0) -> bytes:
    """An integer with a prefix of so many bits (RFC 7541 section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytearray([first | most]), value - most
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def get(host: str, path: str = "/", scheme: str = "http", method: str = "GET") -> list:
    """Pseudo-fields of a request."""
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path)]


def _string(text: str | bytes) -> bytes:
    raw = text.encode("latin-1") if isinstance(text, str) else text
    return integer(len(raw), 7) + raw
