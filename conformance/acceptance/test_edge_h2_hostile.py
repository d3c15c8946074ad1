"""HTTP/2 requests that would be something else in HTTP/1.1: rows 27 to 30 of the hostile inputs.

The endpoint speaks HTTP/1.1 and keeps a journal. A request that is malformed ends its stream, and
the endpoint sees nothing of it; what has to be taken out of a good request is taken out.
"""

from dataclasses import dataclass

import pytest

from harness.edge import frames, http2
from harness.endpoint import Endpoint, seen_headers, values

# Whether as a stream's end, a connection's or a 4xx: no is no.
REFUSALS = {400, 405, 421, 431, 501}

INJECTED = "x\r\nHost: other\r\n\r\nGET /hidden HTTP/1.1\r\nHost: other"


@dataclass(frozen=True)
class Case:
    """Fields of a request, in order; none stands for the load balancer's own."""

    name: str
    fields: tuple[tuple[str, str | None], ...]
    # DATA that follows; none ends the stream with its HEADERS.
    body: bytes | None = None


def case(
    name: str,
    *more: tuple[str, str],
    method: str | None = "GET",
    scheme: str | None = "http",
    path: str | None = "/visible",
    authority: bool = True,
    body: bytes | None = None,
) -> Case:
    """A request with these pseudo-fields, and more fields behind them."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path)]
    fields = [(name, value) for name, value in pseudo if value is not None]
    fields += [(":authority", None)] * authority
    return Case(name, (*fields, *more), body)


def post(name: str, length: str, body: bytes | None) -> Case:
    """A POST whose length is said to be that."""
    return case(name, ("content-length", length), method="POST", body=body)


CASES = [
    case("two methods", (":method", "GET")),
    case("two paths", (":path", "/hidden")),
    case("two authorities", (":authority", "other.example")),
    case("two schemes", (":scheme", "http")),
    case("pseudo after regular", ("a", "b"), (":path", "/hidden"), path=None),
    case("unknown pseudo", (":hidden", "1")),
    case("response pseudo", (":status", "200")),
    case("no method", method=None),
    case("no path", path=None),
    case("no scheme", scheme=None),
    case("no authority at all", authority=False),
    case("empty path", path=""),
    case("uppercase name", ("X-Upper", "1")),
    case("empty name", ("", "1")),
    case("space in a name", ("a b", "1")),
    case("colon in a name", ("a:b", "1")),
    case("line end in a name", ("a\r\nb", "1")),
    case("nul in a name", ("a\x00b", "1")),
    case("high byte in a name", ("a\xff", "1")),
    case("space in the path", path="/visible HTTP/1.1"),
    case("line end in the path", path=f"/visible HTTP/1.1\r\nHost: {INJECTED}"),
    case("lf in the path", path="/visible\nX: y"),
    case("nul in the path", path="/visible\x00"),
    case("tab in the path", path="/visible\tx"),
    case("absolute path", path="http://other.example/hidden"),
    case("path without a slash", path="hidden"),
    case("asterisk with GET", path="*"),
    case("host differs", ("host", "other.example")),
    case("two hosts", ("host", "other.example"), ("host", "another.example"), authority=False),
    case("scheme gopher", scheme="gopher"),
    case("scheme with a line end", scheme="http\r\nX: y"),
    case("method with a space", method="GET /hidden HTTP/1.1\r\nHost: x\r\n\r\nGET"),
    case("method with a line end", method="GET\r\nX: y"),
    case("empty method", method=""),
    case("connection", ("connection", "close")),
    case("connection names", ("connection", "x-forwarded-for")),
    case("keep-alive", ("keep-alive", "timeout=5")),
    case("proxy-connection", ("proxy-connection", "keep-alive")),
    case("transfer-encoding", ("transfer-encoding", "chunked")),
    case("upgrade", ("upgrade", "websocket")),
    case("te gzip", ("te", "gzip")),
    case("te trailers and more", ("te", "trailers, chunked")),
    case("cr lf in a value", ("x", INJECTED)),
    case("lf in a value", ("x", "a\nb: c")),
    case("cr in a value", ("x", "a\rb")),
    case("nul in a value", ("x", "a\x00b")),
    case("space before a value", ("x", " a")),
    case("space behind a value", ("x", "a ")),
    case("line end in a cookie", ("cookie", "a=b\r\nX: y")),
    post("length over data", "10", b"short"),
    post("length under data", "2", b"longer than that"),
    post("length and no data", "5", None),
    post("two lengths", "5, 6", b"hello"),
    post("length with a sign", "+5", b"hello"),
    post("length in hex", "0x5", b"hello"),
    post("negative length", "-5", b"hello"),
    case("differing lengths", ("content-length", "5"), ("content-length", "6"), method="POST",
         body=b"hello"),
    # Row 30.
    case("connect to anywhere", method="CONNECT", scheme=None, path=None),
    case("connect to a port", (":authority", "127.0.0.1:22"), method="CONNECT", scheme=None,
         path=None, authority=False),
    case("extended connect to another", (":protocol", "connect-udp"), method="CONNECT"),
    case("protocol with get", (":protocol", "websocket")),
    case("trace", method="TRACE"),
]  # fmt: skip


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """An endpoint of its own behind a host name of its own."""
    endpoint = Endpoint("target", tmp_path_factory.mktemp("h2-hostile")).start()
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "target")
    yield endpoint, host
    endpoint.kill()


def refused(connection: http2.Connection, stream: int) -> bool:
    """Whether this stream came to nothing, in whichever way."""
    try:
        response = connection.response(stream)
    except http2.GoneAway:
        return True
    return response.reset is not None or response.status in REFUSALS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_request_goes_nowhere(secure, target, case):
    endpoint, host = target
    mark = endpoint.mark()
    fields = [(name, host if value is None else value) for name, value in case.fields]
    with http2.Connection(secure.http) as connection:
        stream = connection.next_stream()
        connection.send(frames.headers(stream, fields, end=case.body is None))
        if case.body is not None:
            connection.send(frames.data(stream, case.body, end=True))
        assert refused(connection, stream), connection.responses
    assert http2.get(secure.http, host, "/sentinel").status == 200
    seen = [request["target"] for request in endpoint.requests(mark)]
    # A body's fault shows only once its head has gone on; the request must not have become whole.
    begun = ["/visible"] if case.body is not None else []
    assert [target for target in seen if target != "/sentinel"] in ([], begun)
    assert endpoint.events("garbage", mark) == []
    whole = [event["target"] for event in endpoint.events("body", mark)]
    assert "/visible" not in whole and "/hidden" not in whole


@pytest.mark.parametrize(
    "trailer",
    [("Upper", "1"), ("x", "a\r\nb"), ("connection", "close")],
    ids=lambda trailer: trailer[0],
)
def test_malformed_trailers_do_not_get_through(secure, target, trailer):
    endpoint, host = target
    mark = endpoint.mark()
    with http2.Connection(secure.http) as connection:
        stream = connection.begin(host, "/visible", method="POST", end=False)
        connection.send(frames.data(stream, b"hello"), frames.headers(stream, [trailer]))
        assert refused(connection, stream)
    assert http2.get(secure.http, host).status == 200
    assert endpoint.events("garbage", mark) == []


@pytest.mark.parametrize(
    "name", [":path", "host", "content-length", "transfer-encoding", "authorization"]
)
def test_what_is_no_trailer_does_not_get_through(secure, target, name):
    """Refused or left out: behind a chunked body it would be an error, or a second framing."""
    endpoint, host = target
    mark = endpoint.mark()
    with http2.Connection(secure.http) as connection:
        stream = connection.begin(host, "/visible", method="POST", end=False)
        connection.send(frames.data(stream, b"hello"), frames.headers(stream, [(name, "7")]))
        refused(connection, stream)
    assert http2.get(secure.http, host).status == 200
    assert endpoint.events("garbage", mark) == []


def test_cookie_crumbs_become_one_line(secure, target):
    """RFC 9113 section 8.2.3."""
    _, host = target
    crumbs = [("cookie", "a=1"), ("cookie", "b=2"), ("x", "y"), ("cookie", "c=3")]
    with http2.Connection(secure.http) as connection:
        seen = seen_headers(connection.get(host, "/", crumbs))
    assert values(seen, "cookie") == ["a=1; b=2; c=3"]


def test_te_trailers_is_kept_and_host_is_written_once(secure, target):
    _, host = target
    with http2.Connection(secure.http) as connection:
        seen = seen_headers(connection.get(host, "/", [("te", "trailers"), ("host", host)]))
    assert values(seen, "host") == [host]
    assert values(seen, "te") in (["trailers"], [])


def test_host_alone_stands_for_the_authority(secure, target):
    _, host = target
    with http2.Connection(secure.http) as connection:
        stream = connection.next_stream()
        fields = [(":method", "GET"), (":scheme", "http"), (":path", "/x"), ("host", host)]
        connection.send(frames.headers(stream, fields))
        assert connection.response(stream).status == 200


@pytest.mark.parametrize("more", ["", "Connection: Upgrade, HTTP2-Settings\r\n"])
def test_h2c_upgrade_is_dropped(secure, target, more):
    """Row 29: the endpoint never hears of it, and the next request is one of ours."""
    endpoint, host = target
    mark = endpoint.mark()
    with secure.connect() as connection:
        connection.send(
            f"GET /visible HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\n{more}"
            "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n".encode()
        )
        response = connection.read()
        assert response.status == 200
        seen = seen_headers(response)
        assert connection.get("/after", host).status == 200
    assert values(seen, "upgrade") == [] and values(seen, "http2-settings") == []
    assert not any("pgrade" in value for value in values(seen, "connection"))
    assert endpoint.events("garbage", mark) == []


def test_a_field_block_over_the_limit_is_refused(secure, target):
    """Row 13, in HTTP/2: the stream ends, and no more than the limit is kept."""
    endpoint, host = target
    mark = endpoint.mark()
    many = [("x", "y" * 1000)] * 15
    with http2.Connection(secure.http) as connection:
        stream = connection.next_stream()
        pieces = [frames.block(many) for _ in range(20)]
        connection.send(
            frames.opening(stream, frames.block(frames.get(host)), frames.END_STREAM),
            *(frames.frame(frames.CONTINUATION, 0, stream, piece) for piece in pieces[:-1]),
            frames.frame(frames.CONTINUATION, frames.END_HEADERS, stream, pieces[-1]),
        )
        assert refused(connection, stream)
    assert endpoint.requests(mark) == []
