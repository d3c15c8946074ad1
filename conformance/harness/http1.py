"""HTTP/1.1 by hand: requests are the bytes a test writes, responses are checked as they are read.

Libraries hide what these suites look at: which connection a request went over, headers that appear
twice, what follows a response, whether a connection was closed or merely forgotten.
"""

import io
import socket
from dataclasses import dataclass, field

Headers = list[tuple[str, str]]

LINE_BYTES_MAX = 1 << 20


class Closed(Exception):
    """The peer closed the connection where a response should have begun."""


class Broken(Exception):
    """What was read is no HTTP response, or ends too early."""


@dataclass
class Response:
    """One final response, and the interim ones before it."""

    status: int
    version: str
    headers: Headers
    body: bytes = b""
    interim: list["Response"] = field(default_factory=list)
    # Ends with the connection instead of at a length.
    until_close: bool = False

    def all(self, name: str) -> list[str]:
        """Values of every header of that name, in order."""
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The value of a header that must not appear twice."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} appears {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def endpoint(self) -> str | None:
        """Name of the endpoint that answered, or none when the balancer itself did."""
        return self.header("x-endpoint")

    def cookie(self, name: str = "__cflb") -> str | None:
        """`name=value` of the Set-Cookie of that name."""
        pairs = [value.split(";")[0] for value in self.all("set-cookie")]
        pairs = [pair for pair in pairs if pair.split("=")[0] == name]
        assert len(pairs) <= 1, f"{name} is set {len(pairs)} times"
        return pairs[0] if pairs else None


def request(method: str, target: str, host: str, headers: Headers = (), body: bytes = b"") -> bytes:
    """A well-formed request; a body gets its Content-Length."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def read_response(stream: io.BufferedIOBase, method: str = "GET") -> Response:
    """Reads one final response. Raises `Closed` at the end of the stream, `Broken` on bad bytes."""
    interim: list[Response] = []
    while True:
        response = _read_head(stream)
        if response.status >= 200 or response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    _read_body(stream, response, method)
    return response


def _read_line(stream: io.BufferedIOBase) -> bytes:
    line = stream.readline(LINE_BYTES_MAX)
    if not line.endswith(b"\r\n"):
        raise Broken(f"a line ends with {line[-20:]!r}")
    return line[:-2]


def _read_head(stream: io.BufferedIOBase) -> Response:
    first = stream.readline(LINE_BYTES_MAX)
    if not first:
        raise Closed()
    parts = first.rstrip(b"\r\n").decode("latin-1").split(" ", 2)
    if len(parts) < 3 or not first.endswith(b"\r\n") or not parts[0].startswith("HTTP/1."):
        raise Broken(f"status line {first!r}")
    headers: Headers = []
    while line := _read_line(stream):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise Broken(f"header line {line!r}")
        headers.append((name, value.strip()))
    return Response(int(parts[1]), parts[0], headers)


def _read_body(stream: io.BufferedIOBase, response: Response, method: str) -> None:
    if method == "HEAD" or response.status in (101, 204, 304):
        return
    coding, length = response.header("transfer-encoding"), response.header("content-length")
    if coding is not None:
        if coding != "chunked" or length is not None:
            raise Broken(f"transfer-encoding {coding!r} with content-length {length!r}")
        response.body = _read_chunks(stream)
    elif length is not None:
        response.body = _read_exactly(stream, int(length))
    else:
        response.until_close = True
        response.body = stream.read()


def _read_chunks(stream: io.BufferedIOBase) -> bytes:
    body = bytearray()
    while size := int(_read_line(stream).split(b";")[0], 16):
        body += _read_exactly(stream, size)
        if _read_line(stream):
            raise Broken("no line end after a chunk")
    while _read_line(stream):
        pass
    return bytes(body)


def _read_exactly(stream: io.BufferedIOBase, length: int) -> bytes:
    body = stream.read(length)
    if len(body) != length:
        raise Broken(f"the body ends after {len(body)} of {length} bytes")
    return body


class Connection:
    """One TCP connection to a listener on this machine. Use as a context manager.

    It comes from 127.0.0.1, or from `source`, which may be any address of 127.0.0.0/8.
    """

    def __init__(self, port: int, timeout: float = 10.0, source: str | None = None):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout, (source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes both directions."""
        self.stream.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Writes all of it."""
        self.socket.sendall(data)

    def read(self, method: str = "GET") -> Response:
        """Reads the response to a request of that method."""
        return read_response(self.stream, method)

    def get(self, target: str, host: str, headers: Headers = ()) -> Response:
        """One GET and its response."""
        return self.ask("GET", target, host, headers)

    def ask(
        self, method: str, target: str, host: str, headers: Headers = (), body: bytes = b""
    ) -> Response:
        """One request and its response."""
        self.send(request(method, target, host, headers, body))
        return self.read(method)

    def rest(self, within: float = 5.0) -> bytes:
        """All that still comes until the peer closes; fails when it does not in time."""
        self.socket.settimeout(within)
        try:
            return self.stream.read()
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise AssertionError(f"the connection is still open after {within} s") from None


def get(
    port: int, target: str, host: str, headers: Headers = (), source: str | None = None
) -> Response:
    """One GET on a connection of its own."""
    with Connection(port, source=source) as connection:
        return connection.get(target, host, headers)
