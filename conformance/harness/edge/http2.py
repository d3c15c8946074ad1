"""An HTTP/2 connection over frames: reads what comes, keeps windows open; tests do the rest."""

import socket
import ssl
from dataclasses import dataclass, field

import hpack

from harness import http1
from harness.edge import frames
from harness.edge.frames import Frame

# Large enough for any body here to come without waiting for an update.
LARGE_WINDOW = (1 << 31) - 1

# What every peer takes in one DATA frame.
PIECE = 16_384


class GoneAway(Exception):
    """The peer sent GOAWAY, or just closed (`code` is none then)."""

    def __init__(self, code: int | None):
        super().__init__(f"gone away, code {code}")
        self.code = code


@dataclass
class Response(http1.Response):
    """A response on a stream, whole or up to where it was reset."""

    # Grows piece by piece; compares equal to bytes.
    body: bytearray = field(default_factory=bytearray)
    trailers: http1.Headers = field(default_factory=list)
    reset: int | None = None
    ended: bool = False

    @property
    def is_over(self) -> bool:
        """Whether anything may still come."""
        return self.ended or self.reset is not None


class Connection:
    """One connection to a listener on this machine, with or without TLS. A context manager.

    `name` is what TLS asks for and verifies. With `hold` no window is ever updated by us.
    """

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
        settings: tuple[tuple[int, int], ...] = (),
        hold: bool = False,
        timeout: float = 10.0,
    ):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
            protocol = self.socket.selected_alpn_protocol()
            assert protocol == "h2", f"ALPN chose {protocol}"
        self.scheme = "http" if tls is None else "https"
        self.stream = self.socket.makefile("rb")
        self.hold = hold
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.responses: dict[int, Response] = {}
        self.settings: dict[int, int] = {}
        self.pings: list[bytes] = []
        # What we may still send, on the connection (0) and on each stream that was given more.
        self.room: dict[int, int] = {0: frames.WINDOW}
        self._next, self._block = 1, b""
        self.send(frames.PREFACE, frames.settings(*settings))
        if not hold:
            self.send(frames.window(0, LARGE_WINDOW - frames.WINDOW))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes both directions."""
        self.stream.close()
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        """Writes these frames."""
        self.socket.sendall(b"".join(parts))

    def next_stream(self) -> int:
        """The number of the next stream that we open."""
        number, self._next = self._next, self._next + 2
        return number

    def begin(
        self, host: str, path: str = "/", more: frames.Fields = (), method="GET", end=True
    ) -> int:
        """Sends a request's head; its stream's number."""
        stream = self.next_stream()
        fields = [*frames.get(host, path, self.scheme, method), *more]
        self.send(frames.headers(stream, fields, end))
        return stream

    def get(self, host: str, path: str = "/", more: frames.Fields = ()) -> Response:
        """One GET and its response."""
        return self.response(self.begin(host, path, more))

    def post(self, host: str, path: str, body: bytes, more: frames.Fields = ()) -> Response:
        """One POST and its response."""
        stream = self.begin(host, path, more, "POST", end=False)
        self.upload(stream, body)
        return self.response(stream)

    def response(self, stream: int) -> Response:
        """Reads on until this stream is over."""
        while stream not in self.responses or not self.responses[stream].is_over:
            self.step()
        return self.responses[stream]

    def head(self, stream: int) -> Response:
        """Reads on until this stream has a response's head."""
        while stream not in self.responses:
            self.step()
        return self.responses[stream]

    def settle(self) -> None:
        """Reads on until a PING of ours came back: all that was sent before has been read."""
        count = len(self.pings)
        self.send(frames.ping())
        while len(self.pings) == count:
            self.step()

    def gone(self, within: float = 10.0) -> int | None:
        """Reads on until the peer is gone; the code of its GOAWAY, if there was one."""
        self.socket.settimeout(within)
        try:
            while True:
                self.step()
        except GoneAway as gone:
            return gone.code
        except TimeoutError:
            raise AssertionError(f"the connection is still open after {within} s") from None

    def step(self) -> Frame:
        """Reads one frame and does what it asks for."""
        got = self._read()
        match got.type:
            case frames.SETTINGS if not got.flags & frames.ACK:
                for at in range(0, len(got.payload), 6):
                    key, value = got.payload[at : at + 2], got.payload[at + 2 : at + 6]
                    self.settings[int.from_bytes(key)] = int.from_bytes(value)
                self.send(frames.frame(frames.SETTINGS, frames.ACK))
            case frames.PING if got.flags & frames.ACK:
                self.pings.append(got.payload)
            case frames.PING:
                self.send(frames.frame(frames.PING, frames.ACK, 0, got.payload))
            case frames.HEADERS | frames.CONTINUATION:
                self._head(got)
            case frames.DATA:
                self._data(got)
            case frames.WINDOW_UPDATE:
                self.room[got.stream] = self._room(got.stream) + int.from_bytes(got.payload)
            case frames.RST_STREAM:
                self._response(got.stream).reset = got.code
            case frames.GOAWAY if got.code != frames.NO_ERROR:
                raise GoneAway(got.code)
        return got

    def upload(self, stream: int, body: bytes) -> None:
        """A whole body, as fast as the windows let it go."""
        at = 0
        while at < len(body):
            room = min(self.room[0], self._room(stream), PIECE)
            if room <= 0:
                got = self.step()
                assert got.type != frames.RST_STREAM or got.stream != stream, got
                continue
            self.send(frames.data(stream, body[at : at + room]))
            self.room[0] -= room
            self.room[stream] = self._room(stream) - room
            at += room
        self.send(frames.data(stream, end=True))

    def _room(self, stream: int) -> int:
        initial = self.settings.get(frames.INITIAL_WINDOW_SIZE, frames.WINDOW)
        return self.room.get(stream, initial)

    def _read(self) -> Frame:
        try:
            head = self.stream.read(9)
            length = int.from_bytes(head[:3])
            payload = self.stream.read(length) if length else b""
        except (ConnectionError, ssl.SSLError) as error:
            raise GoneAway(None) from error
        if len(head) < 9 or len(payload) < length:
            raise GoneAway(None)
        return Frame(head[3], head[4], int.from_bytes(head[5:9]) & 0x7FFF_FFFF, payload)

    def _response(self, stream: int) -> Response:
        return self.responses.setdefault(stream, Response(0, "HTTP/2", []))

    def _head(self, got: Frame) -> None:
        payload = got.payload
        if got.type == frames.HEADERS:
            if got.flags & frames.PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            if got.flags & frames.PRIORITISED:
                payload = payload[5:]
            self._ends = bool(got.flags & frames.END_STREAM)
        self._block += payload
        if not got.flags & frames.END_HEADERS:
            return
        fields = [(name, value) for name, value in self.decoder.decode(self._block)]
        self._block = b""
        response = self._response(got.stream)
        status = [int(value) for name, value in fields if name == ":status"]
        if status and status[0] < 200:
            response.interim.append(http1.Response(status[0], "HTTP/2", fields[1:]))
        elif status:
            response.status, response.headers = status[0], fields[1:]
        else:
            response.trailers = fields
        response.ended |= self._ends

    def _data(self, got: Frame) -> None:
        payload = got.payload
        if got.flags & frames.PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        response = self._response(got.stream)
        response.body += payload
        response.ended |= bool(got.flags & frames.END_STREAM)
        if got.payload and not self.hold:
            self.send(frames.window(0, len(got.payload)))
            if not response.ended:
                self.send(frames.window(got.stream, len(got.payload)))


def get(port: int, host: str, path: str = "/", tls: ssl.SSLContext | None = None) -> Response:
    """One GET on a connection of its own."""
    with Connection(port, tls, host) as connection:
        return connection.get(host, path)
