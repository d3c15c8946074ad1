"""WebSocket through the balancer: HTTP/1.1 with and without TLS, and streams of HTTP/2 (RFC 8441).

A session is one request to the load balancer: it is steered once, counted once, and cut by nothing
but its own sides (behaviour.md 9.6).
"""

import os
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from harness import http1, waiting
from harness.edge import frames, http2, websocket
from harness.edge.endpoints import UpgradeEndpoint, WebSocketEndpoint

# How much goes through one session, each way.
ECHO_MIB = int(os.environ.get("EVENKEEL_WEBSOCKET_MIB", "1024"))
MIB = 1 << 20


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """A WebSocket endpoint behind a host name."""
    endpoint = WebSocketEndpoint("a", tmp_path_factory.mktemp("ws")).start()
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "a")
    yield endpoint, host
    endpoint.kill()


def dial(secure, host: str, path: str = "/echo", tls: bool = False, **options) -> ClientConnection:
    """A session through the balancer."""
    port = secure.https if tls else secure.http
    return connect(
        f"{'wss' if tls else 'ws'}://{host}{path}",
        sock=http1.Connection(port).socket,
        ssl=secure.client("http/1.1") if tls else None,
        compression=options.pop("compression", None),
        max_size=None,
        ping_interval=None,
        **options,
    )


def ends(endpoint: WebSocketEndpoint, mark: int, target: str) -> list[dict]:
    """How sessions of that target ended. Those of an earlier test may only do so now."""
    return [event for event in endpoint.events("close", mark) if event["target"] == target]


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_messages_of_every_size(secure, target, tls):
    _, host = target
    with dial(secure, host, tls=tls) as session:
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            session.send(b"x" * size)
            assert session.recv() == b"x" * size
        session.send("t\u00e4xt")
        assert session.recv() == "t\u00e4xt"
        assert session.response.headers["Sec-WebSocket-Accept"]
        assert "X-Endpoint" in session.response.headers
        assert "CF-Ray" in session.response.headers


@pytest.mark.timeout(180)
def test_an_echo_of_a_gibibyte(secure, target):
    """Messages of 1 MiB; a few are on their way at a time."""
    _, host = target
    blocks = [os.urandom(MIB) for _ in range(4)]
    ahead = 4
    began = time.monotonic()
    with dial(secure, host) as session:
        for number in range(ECHO_MIB + ahead):
            if number < ECHO_MIB:
                session.send(blocks[number % 4])
            if number >= ahead:
                assert session.recv() == blocks[(number - ahead) % 4]
    print(f"{ECHO_MIB} MiB and back in {time.monotonic() - began:.1f} s")


def test_fragments_arrive_as_fragments(secure, target):
    """Message boundaries and the frames in a message are the endpoint's to join, not ours."""
    _, host = target
    with dial(secure, host) as session:
        session.send(iter([b"one ", b"two ", b"", b"three"]))
        assert session.recv() == b"one two three"
        session.send(iter(["\u20ac", "\u00e4"]))
        assert session.recv() == "\u20ac\u00e4"


def test_control_frames_between_fragments(secure, target):
    _, host = target
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/echo", host, websocket.HANDSHAKE))
        assert connection.read().status == 101
        connection.send(websocket.frame(websocket.TEXT, b"first ", fin=False))
        connection.send(websocket.frame(websocket.PING, b"mid"))
        connection.send(websocket.frame(websocket.CONTINUATION, b"last"))
        got, data = [], b""
        while len(got) < 2:
            data += connection.stream.read1(65_536)
            while (found := websocket.parse(data)) is not None:
                message, data = found
                got.append(message)
    assert (got[0].opcode, got[0].payload) == (websocket.PONG, b"mid")
    assert (got[1].opcode, got[1].payload) == (websocket.TEXT, b"first last")


def test_frames_cut_at_every_byte(secure, target):
    _, host = target
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/echo", host, websocket.HANDSHAKE))
        assert connection.read().header("sec-websocket-accept") == websocket.ACCEPT
        for byte in websocket.frame(websocket.BINARY, bytes(range(200))):
            connection.send(bytes([byte]))
        message, rest = websocket.parse(connection.stream.read(4 + 200))
    assert (message.payload, rest) == (bytes(range(200)), b"")


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4999])
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_close_codes_pass_both_ways(secure, target, code, tls):
    endpoint, host = target
    mark = endpoint.mark()
    path = f"/echo?{code}-{tls}"
    with dial(secure, host, path, tls=tls) as session:
        session.close(code, "over")
    [closed] = waiting.until("the close", lambda: ends(endpoint, mark, path))
    assert (closed["code"], closed["reason"]) == (code, "over")
    with dial(secure, host, f"/close/{code}/enough", tls=tls) as session:
        session.send("now")
        with pytest.raises(ConnectionClosed):
            session.recv()
        assert (session.close_code, session.close_reason) == (code, "enough")


def test_pings_pass_both_ways(secure, target):
    _, host = target
    with dial(secure, host) as session:
        assert session.ping(b"are you there").wait(5)


def test_subprotocols_and_compression_are_agreed_on_end_to_end(secure, target):
    _, host = target
    with dial(secure, host, subprotocols=["first"], compression="deflate") as session:
        assert session.subprotocol == "first"
        session.send("x" * 10_000)
        assert session.recv() == "x" * 10_000


def test_a_client_that_vanishes_ends_the_session(secure, target):
    endpoint, host = target
    mark = endpoint.mark()
    with dial(secure, host, "/echo?vanishes") as session:
        session.send("there")
        session.recv()
        session.socket.shutdown(socket.SHUT_RDWR)
    [closed] = waiting.until("the end", lambda: ends(endpoint, mark, "/echo?vanishes"))
    assert closed["code"] == 1006


def test_an_endpoint_that_dies_ends_the_session(secure, zones, upgrading):
    endpoint = upgrading(WebSocketEndpoint, "a")
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "a")
    with dial(secure, host) as session:
        endpoint.kill()
        with pytest.raises(ConnectionClosed):
            session.recv(timeout=5)


def test_affinity_is_decided_at_the_handshake(secure, zones, upgrading):
    """The cookie comes with the 101, and pins the next session."""
    a, b = (upgrading(WebSocketEndpoint, name) for name in "ab")
    host = zones.site(zones.pool(a, b), session_affinity="cookie")
    secure.await_answer(host, "a", "b")
    with dial(secure, host) as session:
        first = session.response.headers["X-Endpoint"]
        cookie = session.response.headers["Set-Cookie"].split(";")[0]
        assert cookie.startswith("__cflb=")
    for _ in range(8):
        with dial(secure, host, additional_headers={"Cookie": cookie}) as session:
            assert session.response.headers["X-Endpoint"] == first


def test_trap_t34_a_session_outlives_the_verdict_on_its_endpoint(secure, zones, upgrading):
    """Unhealthy, out of the pool, the load balancer changed: open sessions go on, new ones move."""
    a, b = (upgrading(WebSocketEndpoint, name) for name in "ab")
    pools = [
        zones.pool(a, monitor=zones.monitor()),
        zones.pool(b, monitor=zones.monitor()),
    ]
    zone = zones.of("off")
    balancer = zones.balancer(*pools, zone=zone)
    host = balancer.host
    secure.await_answer(host, "a")
    with (
        dial(secure, host) as session,
        dial(secure, host, tls=True) as over_tls,
        http2.Connection(secure.https, secure.client("h2"), host) as connection,
    ):
        tunnel = websocket.Tunnel(connection, host, "/echo")

        def alive() -> None:
            for one in (session, over_tls):
                one.send("still here")
                assert one.recv(timeout=5) == "still here"
            tunnel.send(websocket.frame(websocket.TEXT, b"here too"))
            assert tunnel.receive().payload == b"here too"

        alive()
        assert session.response.headers["X-Endpoint"] == "a"
        a.set_health(503)
        secure.await_answer(host, "b", within=10)
        alive()
        zones.edit(balancer, default_pools=[pools[1]])
        zones.edit_pool(pools[0], enabled=False)
        secure.await_answer(host, "b")
        alive()
        with dial(secure, host) as new:
            assert new.response.headers["X-Endpoint"] == "b"
        zones.edit(balancer, enabled=False)
        waiting.until("the host is unknown", lambda: secure.get("/", host).status == 409)
        alive()


def test_a_zone_may_do_without_websockets(secure, zones, target):
    endpoint, _ = target
    host = zones.site(zones.pool(endpoint), kind="tunnels-off")
    secure.await_answer(host, "a")

    def refused() -> bool:
        try:
            dial(secure, host).close()
        except InvalidStatus as answer:
            return 200 <= answer.response.status_code < 500
        return False

    waiting.until("no upgrade", refused)
    assert secure.get("/", host).status == 200


def test_websocket_over_http2(secure, target):
    """RFC 8441: announced, opened, echoed, closed; other streams go on beside it."""
    endpoint, host = target
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        connection.settle()
        assert connection.settings[frames.ENABLE_CONNECT_PROTOCOL] == 1
        mark = endpoint.mark()
        tunnel = websocket.Tunnel(connection, host, "/echo?h2", ("sec-websocket-protocol", "first"))
        assert tunnel.response.status == 200
        assert tunnel.response.header("sec-websocket-protocol") == "first"
        assert tunnel.response.header("sec-websocket-accept") is None
        for size in (0, 5, 200, 60_000):
            tunnel.send(websocket.frame(websocket.BINARY, bytes(size)))
            assert tunnel.receive().payload == bytes(size)
            assert connection.get(host).status == 200
        other = websocket.Tunnel(connection, host, "/echo?other")
        other.send(websocket.frame(websocket.TEXT, b"second"))
        assert other.receive().payload == b"second"
        tunnel.send(websocket.frame(websocket.CLOSE, (4321).to_bytes(2) + b"bye"))
        assert tunnel.receive().payload == (4321).to_bytes(2) + b"bye"
        tunnel.send(b"", end=True)
        [closed] = waiting.until("the close", lambda: ends(endpoint, mark, "/echo?h2"))
        assert closed["code"] == 4321
        other.connection.send(frames.reset(other.stream))
        [closed] = waiting.until("the reset", lambda: ends(endpoint, mark, "/echo?other"))
        assert closed["code"] == 1006
        assert connection.get(host).status == 200


def test_push_over_http2_respects_the_window(secure, target):
    """An endpoint that sends without end to a stream whose client does not read: it waits."""
    _, host = target
    with http2.Connection(secure.https, secure.client("h2"), host, hold=True) as connection:
        tunnel = websocket.Tunnel(connection, host, "/push/1000/100000")
        while len(tunnel.response.body) < frames.WINDOW:
            connection.step()
        connection.send(frames.reset(tunnel.stream), frames.window(0, 1 << 24))
        assert connection.get(host).status == 200


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_any_other_protocol_by_upgrade(secure, zones, upgrading, tls):
    endpoint = upgrading(UpgradeEndpoint, "u")
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "u")
    wish = [("Upgrade", "example/2, other"), ("Connection", "Upgrade")]
    connection = secure.connect_securely(host) if tls else secure.connect()
    with connection:
        connection.send(http1.request("GET", "/greet", host, wish))
        response = connection.read()
        assert (response.status, response.header("upgrade")) == (101, "example/2, other")
        assert connection.stream.read(5) == b"hello", "what came with the 101 is not lost"
        for size in (1, 1000, 300_000):
            connection.send(b"z" * size)
            assert connection.stream.read(size) == b"z" * size


def test_half_of_a_tunnel_may_end_first(secure, zones, upgrading):
    """The endpoint still sends back what it has when the client is done sending."""
    endpoint = upgrading(UpgradeEndpoint, "u")
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "u")
    wish = [("Upgrade", "example"), ("Connection", "Upgrade")]
    with secure.connect() as connection:
        connection.send(http1.request("GET", "/generic", host, wish))
        assert connection.read().status == 101
        connection.send(b"x" * 200_000)
        connection.socket.shutdown(1)
        assert connection.rest() == b"x" * 200_000
    waiting.until("the end", lambda: endpoint.events("tunnel"))
    assert endpoint.events("tunnel")[0]["length"] == 200_000
