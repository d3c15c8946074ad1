"""PROXY headers (versions 1 and 2) from load balancers in front, and to endpoints; trusted proxies.

Row 37 of the hostile inputs: a header is read from whom it is expected, and from nobody else.
"""

import contextlib
import json
import socket
import time
from typing import NamedTuple

import pytest

from harness import http1, waiting
from harness.edge.secure import Secure, Zones
from harness.endpoint import Endpoint, seen_headers, values

# Loopback addresses in the network of balancers in front, of trusted proxies, and in neither.
FRONT, TRUSTED, STRANGER = "127.0.1.1", "127.0.2.1", "127.0.3.1"
CLIENT = "192.0.2.77"

HEADER_SECONDS = 2.0

MAGIC = b"\r\n\r\n\x00\r\nQUIT\n"
STREAM_4, STREAM_6, LOCAL, PROXY = 0x11, 0x21, 0x20, 0x21


class Fronted(NamedTuple):
    """A balancer behind others, the host name that it serves, and who serves it."""

    server: Secure
    host: str
    endpoint: Endpoint
    zones: Zones


@pytest.fixture(scope="module")
def fronted(tmp_path_factory, authority):
    """One that reads headers from one network and believes those of another."""
    server = Secure(tmp_path_factory.mktemp("fronted"), authority)
    server.flags |= {"--proxy-protocol": "127.0.1.0/24", "--trusted-proxies": "127.0.2.0/24"}
    server.limit(handshake=HEADER_SECONDS, request_head=HEADER_SECONDS)
    endpoint = Endpoint("a", tmp_path_factory.mktemp("fronted-endpoint")).start()
    try:
        server.start()
        zones = Zones(server)
        host = zones.site(zones.pool(endpoint))
        server.await_answer(host, "a")
        yield Fronted(server, host, endpoint, zones)
    finally:
        server.kill()
        endpoint.kill()


def v1(line: str) -> bytes:
    """A header of version 1."""
    return f"PROXY {line}\r\n".encode()


def v2(
    command: int = PROXY,
    family: int = STREAM_4,
    body: bytes | None = None,
    tlvs: bytes = b"",
    length: int | None = None,
) -> bytes:
    """A header of version 2, which may claim another length than it has."""
    if body is None:
        addresses = socket.inet_aton(CLIENT) + socket.inet_aton("127.0.0.1")
        body = addresses + (4321).to_bytes(2) + (80).to_bytes(2)
    size = len(body + tlvs) if length is None else length
    return MAGIC + bytes([command, family]) + size.to_bytes(2) + body + tlvs


def tlv(kind: int, value: bytes) -> bytes:
    """One of the values behind the addresses."""
    return bytes([kind]) + len(value).to_bytes(2) + value


V4 = f"TCP4 {CLIENT} 127.0.0.1 4321 80"
V6_BODY = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + bytes([16, 225, 0, 80])

GOOD = {
    "v1 tcp4": (v1(V4), CLIENT),
    "v1 tcp6": (v1("TCP6 2001:db8::7 2001:db8::1 4321 80"), "2001:db8::7"),
    "v1 unknown": (v1("UNKNOWN"), FRONT),
    "v1 unknown with more": (v1("UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"), FRONT),
    "v2 tcp4": (v2(), CLIENT),
    "v2 tcp6": (v2(family=STREAM_6, body=V6_BODY), "2001:db8::7"),
    "v2 local": (v2(LOCAL, 0, b""), FRONT),
    "v2 local with addresses": (v2(LOCAL), FRONT),
    "v2 with values": (
        v2(tlvs=tlv(0x02, b"a.example") + tlv(0x05, b"id") + tlv(0xE0, b"")),
        CLIENT,
    ),
}

BAD = {
    "none": b"",
    "not the word": b"PROXX " + v1(V4)[6:],
    "lower case": v1(V4).lower(),
    "port too large": v1(f"TCP4 {CLIENT} 127.0.0.1 65536 80"),
    "negative port": v1(f"TCP4 {CLIENT} 127.0.0.1 -1 80"),
    "address too large": v1("TCP4 192.0.2.256 127.0.0.1 4321 80"),
    "wrong family": v1("TCP4 2001:db8::7 2001:db8::1 4321 80"),
    "missing field": v1(f"TCP4 {CLIENT} 127.0.0.1 4321"),
    "field too many": v1(f"{V4} 9"),
    "two spaces": v1(V4.replace(" ", "  ")),
    "only a line feed": v1(V4).replace(b"\r\n", b"\n"),
    "too long for a line": b"PROXY " + b"x" * 200 + b"\r\n",
    "nul": v1(V4.replace("4321", "43\x0021")),
    "version 3": v2(command=0x31),
    "unknown command": v2(command=0x2F),
    "addresses cut": v2(body=bytes(4)),
    "length below": v2(length=3),
    "value longer than all": v2(tlvs=bytes([4]) + (9999).to_bytes(2)),
    "64 kib of values": v2(tlvs=tlv(0xE0, bytes(65_000))),
    "broken magic": MAGIC[:-1] + b"x" + v2()[12:],
}


def client(server: Secure, source: str, listener: str = "http") -> http1.Connection:
    """A connection from that address."""
    return http1.Connection(getattr(server, listener), 5 + HEADER_SECONDS, source)


def told(server: Secure, host: str, header: bytes, source: str = FRONT) -> http1.Headers:
    """What the endpoint is told of a client whose connection begins with that header."""
    with client(server, source) as connection:
        connection.send(header + http1.request("GET", "/", host))
        return seen_headers(connection.read())


@pytest.mark.parametrize("name", GOOD)
def test_the_client_is_who_the_header_says(fronted, name):
    server, host, *_ = fronted
    header, expected = GOOD[name]
    seen = told(server, host, header)
    assert values(seen, "cf-connecting-ip") == [expected]
    assert values(seen, "x-forwarded-for") == [expected]


@pytest.mark.parametrize("name", ["v1 tcp4", "v2 tcp4"])
def test_the_header_comes_before_tls(fronted, name):
    server, host, *_ = fronted
    with client(server, FRONT, "https") as connection:
        connection.send(GOOD[name][0])
        tls = server.client("http/1.1")
        with tls.wrap_socket(connection.socket, server_hostname=host) as secured:
            secured.sendall(http1.request("GET", "/", host))
            seen = seen_headers(http1.read_response(secured.makefile("rb")))
    assert values(seen, "cf-connecting-ip") == [CLIENT]
    assert values(seen, "x-forwarded-proto") == ["https"]


def test_the_header_counts_for_the_whole_connection_and_in_pieces(fronted):
    server, host, *_ = fronted
    with client(server, FRONT) as connection:
        for byte in GOOD["v2 with values"][0]:
            connection.send(bytes([byte]))
        for _ in range(3):
            assert values(seen_headers(connection.get("/", host)), "cf-connecting-ip") == [CLIENT]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_header_ends_the_connection(fronted, name):
    server, host, endpoint, _ = fronted
    mark = endpoint.mark()
    with client(server, FRONT) as connection, contextlib.suppress(ConnectionError):
        connection.send(BAD[name] + http1.request("GET", "/", host))
        assert not connection.rest().startswith(b"HTTP/1.1 200")
    assert endpoint.requests(mark) == []


@pytest.mark.parametrize("part", [b"", b"PROXY TCP4 ", MAGIC, v2()[:20]], ids=len)
def test_a_header_that_does_not_come_ends_the_connection(fronted, part):
    server = fronted.server
    with client(server, FRONT) as connection:
        if part:
            connection.send(part)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            connection.rest(within=HEADER_SECONDS + 3)
        assert time.monotonic() - began < HEADER_SECONDS + 2


@pytest.mark.parametrize("name", ["v1 tcp4", "v2 tcp4"])
@pytest.mark.parametrize("source", [STRANGER, TRUSTED])
def test_a_header_from_a_stranger_is_no_request(fronted, name, source):
    server, host, endpoint, _ = fronted
    mark = endpoint.mark()
    with client(server, source) as connection, contextlib.suppress(ConnectionError):
        connection.send(GOOD[name][0] + http1.request("GET", "/", host))
        assert not connection.rest().startswith(b"HTTP/1.1 200")
    assert endpoint.requests(mark) == []
    seen = told(server, host, b"", source)
    assert values(seen, "cf-connecting-ip") == [source]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([("CF-Connecting-IP", CLIENT)], CLIENT),
        ([("X-Forwarded-For", CLIENT)], CLIENT),
        ([("X-Forwarded-For", f"198.51.100.1, {CLIENT}")], CLIENT),
        ([("X-Forwarded-For", f"{CLIENT}, 127.0.2.9")], CLIENT),
        ([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", CLIENT)], CLIENT),
        ([("X-Forwarded-For", "no address at all")], TRUSTED),
        ([], TRUSTED),
    ],
    ids=str,
)
def test_trusted_proxies_are_believed(fronted, sent, expected):
    server, host, *_ = fronted
    with client(server, TRUSTED) as connection:
        seen = seen_headers(connection.get("/", host, sent))
    assert values(seen, "cf-connecting-ip") == [expected]


def test_trap_t43_strangers_are_not_believed(fronted):
    """Forged CF-Connecting-IP and X-Forwarded-Proto are replaced, X-Forwarded-For grows."""
    server, host, *_ = fronted
    forged = [
        ("CF-Connecting-IP", "203.0.113.9"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
    ]
    with client(server, STRANGER) as connection:
        seen = seen_headers(connection.get("/", host, forged))
    assert values(seen, "cf-connecting-ip") == [STRANGER]
    assert values(seen, "x-forwarded-for") == [f"203.0.113.9, {STRANGER}"]
    assert values(seen, "x-forwarded-proto") == ["http"]


def test_a_trusted_proxy_says_how_the_client_came(fronted):
    server, host, *_ = fronted
    with client(server, TRUSTED) as connection:
        answer = connection.get("/", host, [("X-Forwarded-Proto", "https")])
    assert values(seen_headers(answer), "x-forwarded-proto") == ["https"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_endpoints_are_told_by_a_header(tmp_path, authority, version):
    """One client's address for each connection, which nobody else's request may then use."""
    server = Secure(tmp_path / "own", authority)
    server.flags["--proxy-protocol-out"] = version
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        try:
            server.start()
            zones = Zones(server)
            origin = {"name": "raw", "address": "127.0.0.1", "port": listener.getsockname()[1]}
            host = zones.site(zones.pool(origins=[origin]))
            for source in ("127.0.0.5", "127.0.0.6"):
                heads.append(served(server, listener, host, source))
        finally:
            server.kill()
    for head, source in zip(heads, ("127.0.0.5", "127.0.0.6"), strict=True):
        if version == "v1":
            assert head.startswith(f"PROXY TCP4 {source} 127.0.0.1 ".encode())
            assert b"\r\nGET / HTTP/1.1\r\n" in head
        else:
            assert head.startswith(MAGIC + bytes([PROXY, STREAM_4]))
            assert head[16:20] == socket.inet_aton(source)
            assert head[28:].startswith(b"GET / HTTP/1.1\r\n")


def served(server: Secure, listener: socket.socket, host: str, source: str) -> bytes:
    """Answers one request from that address; what the endpoint read of it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with http1.Connection(server.http, 5, source) as connection:
            connection.send(http1.request("GET", "/", host))
            listener.settimeout(0.5)
            try:
                accepted, _ = listener.accept()
            except TimeoutError:
                continue  # not live yet: it was told that nobody has this name
            with accepted:
                head = b""
                while b"\r\n\r\n" not in head[16:]:
                    head += accepted.recv(65_536)
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                assert connection.read().status == 200
                return head
    raise AssertionError("no request arrived")


def test_affinity_goes_by_the_true_client(fronted, endpoints):
    """By the address in the header: the same client, the same endpoint."""
    server, zones = fronted.server, fronted.zones
    a, b = endpoints("a", "b")
    host = zones.site(zones.pool(a, b), session_affinity="ip_cookie")
    waiting.until("it is live", lambda: server.get("/", host).status == 200)
    seen: dict[str, set[str]] = {}
    for number in range(1, 21):
        address = f"198.51.100.{number}"
        for _ in range(3):
            with client(server, FRONT) as connection:
                connection.send(v1(f"TCP4 {address} 127.0.0.1 4321 80"))
                answer = connection.get("/", host)
                facts = json.loads(answer.body)
                seen.setdefault(address, set()).add(facts["endpoint"])
    assert all(len(names) == 1 for names in seen.values()), seen
    assert {name for names in seen.values() for name in names} == {"a", "b"}
