"""Upgrades that are not what they seem: rows 8, 9, 30 and 31 of the hostile inputs.

Whatever a client or an endpoint says, no byte becomes a request that nobody sent, no connection to
an endpoint is used again that changed its protocol, and nobody gets a tunnel to anywhere else.
"""

import contextlib
import time

import pytest

from harness import http1, waiting
from harness.edge import frames, http2, websocket
from harness.edge.endpoints import UpgradeEndpoint
from harness.edge.secure import Secure, Zones

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
WISH = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
IDLE_SECONDS = 2.0


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """An endpoint that upgrades as it likes, behind a host name."""
    endpoint = UpgradeEndpoint("u", tmp_path_factory.mktemp("tunnels")).start()
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "u")
    yield endpoint, host
    endpoint.kill()


def replaced(name: str, value: str | None) -> http1.Headers:
    """The handshake with one header changed, or without it."""
    kept = [(n, v) for n, v in websocket.HANDSHAKE if n != name]
    return kept if value is None else [*kept, (name, value)]


def test_what_comes_with_an_upgrade_waits_for_the_101(secure, target):
    """Row 8: the endpoint answers 200, and what followed the head is not a request of its own."""
    endpoint, host = target
    mark = endpoint.mark()
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/refuse", host, websocket.HANDSHAKE) + HIDDEN)
        assert connection.read().status == 200
        with contextlib.suppress(http1.Closed, ConnectionError):
            # As the next request it may be answered, by the host that it names: nobody.
            assert connection.read().status in (400, 409)
    assert secure.get("/after", host).status == 200
    assert "/hidden" not in [request["target"] for request in endpoint.requests(mark)]
    assert endpoint.events("garbage", mark) == []


def test_what_comes_with_an_upgrade_is_passed_on_after_the_101(secure, target):
    _, host = target
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, websocket.HANDSHAKE) + b"early")
        assert connection.read().status == 101
        assert connection.stream.read(5) == b"early"


@pytest.mark.parametrize("path", ["/refuse", "/generic"])
def test_an_upgrade_with_a_body_is_framed_by_its_length(secure, target, path):
    """Row 9: the body is a body; what is behind it is not part of it, and no connection is shared
    out of step.
    """
    endpoint, host = target
    mark = endpoint.mark()
    with secure.connect() as connection, contextlib.suppress(http1.Closed, ConnectionError):
        connection.send(http1.request("POST", path, host, WISH, b"body!") + HIDDEN)
        connection.read()
        connection.socket.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            connection.read()
    for _ in range(10):
        assert secure.get("/after", host).status == 200
    assert "/hidden" not in [request["target"] for request in endpoint.requests(mark)]
    assert endpoint.events("garbage", mark) == []


def test_a_101_that_nobody_asked_for_is_a_bad_answer(secure, target):
    endpoint, host = target
    mark = endpoint.mark()
    for _ in range(5):
        with secure.connect() as connection:
            answer = connection.get("/anyway", host)
            assert answer.status in (502, 520)
    assert secure.get("/after", host).status == 200
    assert endpoint.events("garbage", mark) == []
    numbers = [event["connection"] for event in endpoint.requests(mark)]
    assert len(numbers) == len(set(numbers)), "such a connection is not used again"


def test_a_101_to_http2_is_a_bad_answer(secure, target):
    _, host = target
    with http2.Connection(secure.http) as connection:
        response = connection.get(host, "/anyway")
        assert response.reset is not None or response.status in (502, 520)
        assert connection.get(host).status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-WebSocket-Key", None),
        ("Sec-WebSocket-Key", "not base64 at all"),
        ("Sec-WebSocket-Key", ""),
        ("Sec-WebSocket-Version", "99"),
        ("Sec-WebSocket-Version", None),
        ("Upgrade", "websocket, h2c"),
        ("Upgrade", "WebSocket"),
        ("Connection", "keep-alive, upgrade"),
        ("Connection", "close, Upgrade"),
    ],
    ids=str,
)
def test_odd_handshakes_are_passed_on_or_refused(secure, target, name, value):
    endpoint, host = target
    mark = endpoint.mark()
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, replaced(name, value)))
        answer = connection.read()
        assert answer.status in (101, 200, 400, 426)
        if answer.status == 101:
            connection.send(b"through")
            assert connection.stream.read(7) == b"through"
    for request in endpoint.requests(mark):
        wishes = [v.lower() for n, v in request["headers"] if n.lower() == "upgrade"]
        assert not any("h2c" in wish for wish in wishes), "row 29"
    assert secure.get("/after", host).status == 200
    assert endpoint.events("garbage", mark) == []


@pytest.mark.parametrize("length", [1 << 63, (1 << 63) - 1, 1 << 40], ids=hex)
def test_a_frame_of_any_length_costs_nothing(secure, target, length):
    """Frames are the endpoint's to read: an announced length is not a buffer of ours."""
    _, host = target
    frame = websocket.frame(websocket.BINARY, b"begun", length=length)
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, websocket.HANDSHAKE))
        assert connection.read().status == 101
        connection.send(frame)
        assert connection.stream.read(len(frame)) == frame


def test_frames_without_a_mask_are_passed_on(secure, target):
    _, host = target
    frame = websocket.frame(websocket.TEXT, b"plain", masked=False)
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, websocket.HANDSHAKE))
        assert connection.read().status == 101
        connection.send(frame)
        assert connection.stream.read(len(frame)) == frame


def test_a_tunnels_connection_is_not_used_again(secure, target):
    endpoint, host = target
    mark = endpoint.mark()
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, websocket.HANDSHAKE))
        assert connection.read().status == 101
        [tunnel] = {event["connection"] for event in endpoint.requests(mark)}
    for _ in range(10):
        assert secure.get("/after", host).status == 200
    used = [e["connection"] for e in endpoint.requests(mark) if e["target"] == "/after"]
    assert tunnel not in used


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_silent_tunnel_ends_at_its_limit_and_a_used_one_does_not(
    tmp_path, authority, upgrading, tls
):
    server = Secure(tmp_path / "own", authority)
    server.limit(tunnel_idle=IDLE_SECONDS)
    endpoint = upgrading(UpgradeEndpoint, "u")
    try:
        server.start()
        zones = Zones(server)
        host = zones.site(zones.pool(endpoint))
        server.await_answer(host, "u")

        def tunnel() -> http1.Connection:
            connection = server.connect_securely(host) if tls else server.connect()
            connection.send(http1.request("GET", "/generic", host, websocket.HANDSHAKE))
            assert connection.read().status == 101
            return connection

        silent, used = tunnel(), tunnel()
        began = time.monotonic()
        while time.monotonic() - began < 2 * IDLE_SECONDS:
            used.send(b"x")
            assert used.stream.read(1) == b"x"
            time.sleep(IDLE_SECONDS / 5)
        assert silent.rest(within=1.0) == b""
        used.close()
        silent.close()
    finally:
        server.kill()


@pytest.mark.parametrize("path", ["/refuse", "/status/404", "/slow/10"])
def test_an_endpoint_may_refuse_a_tunnel_over_http2(secure, target, path):
    _, host = target
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        tunnel = websocket.Tunnel(connection, host, path)
        assert tunnel.response.status in (200, 404, 502, 520)
        # A 200 to extended CONNECT opens a tunnel (RFC 8441): a refusal must not look like one.
        assert tunnel.response.status != 200 or path == "/generic"
        assert connection.get(host).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {":scheme": None},
        {":path": None},
        {":authority": "other.example"},
        {":protocol": "connect-udp"},
        {":protocol": "h2c"},
        {":protocol": ""},
        {":protocol": "web\r\nsocket"},
        {":method": "GET"},
    ],
    ids=str,
)
def test_odd_tunnels_over_http2_are_refused(secure, target, changed):
    endpoint, host = target
    mark = endpoint.mark()
    fields = dict(frames.get(host, "/generic", "https", "CONNECT"))
    fields |= {":protocol": "websocket", "sec-websocket-version": "13"} | changed
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        stream = connection.next_stream()
        kept = [(name, value) for name, value in fields.items() if value is not None]
        connection.send(frames.headers(stream, kept, end=False))
        try:
            response = connection.head(stream)
            assert response.reset is not None or 400 <= response.status < 600
        except http2.GoneAway:
            pass
    waiting.until("others are served", lambda: secure.get("/after", host).status == 200)
    assert endpoint.events("garbage", mark) == []
    assert [r["target"] for r in endpoint.requests(mark) if r["target"] == "/generic"] == []
