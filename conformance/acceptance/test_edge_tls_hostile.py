"""TLS that no decent client speaks: rows 35 and 36 of the hostile inputs.

No input may end the process, keep a connection longer than the handshake's limit, or reach a host
whose zone would not have had this connection.
"""

import contextlib
import os
import socket
import ssl
import subprocess
import time

import pytest

from harness import http1, waiting
from harness.edge import frames, hello, http2
from harness.edge.hello import APPLICATION_DATA, HANDSHAKE, Client, Sealed, record
from harness.endpoint import Endpoint

# What row 35 allows at most.
HANDSHAKE_SECONDS = 15.0

UPDATES = 10_000


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """An endpoint, and a host name in each of two zones, the second of which wants TLS 1.3."""
    endpoint = Endpoint("target", tmp_path_factory.mktemp("tls")).start()
    pool = zones.pool(endpoint)
    hosts = [zones.site(pool), zones.site(pool, kind="tls13")]
    for host in hosts:
        secure.await_answer(host, "target")
    yield endpoint, *hosts
    endpoint.kill()


def serves(secure, host: str) -> bool:
    """Whether a decent client is served as before."""
    assert secure.process.poll() is None, "the balancer has ended"
    with secure.connect_securely(host) as connection:
        return connection.get("/", host).status == 200


def request(host: str) -> bytes:
    """A GET."""
    return http1.request("GET", "/", host)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_hello_in_small_records_is_read(secure, target, size):
    host = target[1]
    with Client(secure.https, secure.client("http/1.1"), host) as client:
        client.socket.sendall(hello.records(client.hello(), size))
        client.handshake()
        assert client.ask(request(host)).startswith(b"HTTP/1.1 200")


def test_a_hello_byte_by_byte_is_read(secure, target):
    host = target[1]
    with Client(secure.https, secure.client("http/1.1"), host) as client:
        for byte in client.hello():
            client.socket.sendall(bytes([byte]))
        client.handshake()
        assert client.ask(request(host)).startswith(b"HTTP/1.1 200")


def broken(good: bytes) -> dict[str, bytes]:
    """Handshakes that cannot come to anything, from a good hello."""
    return {
        "16 KiB of extensions": hello.with_extension(good, 0x4242, bytes(16_000)),
        "60 KiB of extensions": hello.with_extension(good, 0x4242, bytes(60_000)),
        "endless hello": b"".join(
            record(HANDSHAKE, piece)
            for piece in [b"\x01\xff\xff\xff" + bytes(16_000), *[bytes(16_000)] * 20]
        ),
        "empty records": record(HANDSHAKE, b"") * 2000,
        "alerts": record(hello.ALERT, b"\x01\x5a") * 2000,
        "data before a handshake": record(APPLICATION_DATA, b"x" * 100) * 100,
        "length over the limit": b"\x16\x03\x01\xff\xff" + bytes(70_000),
        "sslv2 hello": bytes.fromhex("802e0100020015000000100100800300800700c0") + bytes(32),
        "version 0": record(HANDSHAKE, good[5:], b"\x00\x00"),
        "two hellos": good + good,
        "cut extension": good[:-40] + b"\xff" * 40,
        "heartbeat": record(24, b"\x01\x40\x00"),
        "noise": bytes(os.urandom(4000)),
        "nothing but zero": bytes(10_000),
        "smtp": b"EHLO somebody\r\n" * 100,
    }


@pytest.mark.parametrize("name", broken(bytes(100)))
def test_a_broken_handshake_ends(secure, target, name):
    host = target[1]
    with Client(secure.https, secure.client("http/1.1"), host) as client:
        data = broken(client.hello())[name]
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            client.socket.sendall(data)
            # Whoever waits for the rest of what was announced has the handshake's time for it.
            client.socket.settimeout(HANDSHAKE_SECONDS + 2)
            if name not in ("16 KiB of extensions", "60 KiB of extensions"):
                while client.socket.recv(65_536):
                    pass
        assert time.monotonic() - began <= HANDSHAKE_SECONDS + 1
    assert serves(secure, host)


@pytest.mark.parametrize("requested", [False, True], ids=["told", "requested"])
def test_key_updates_are_bounded(secure, target, requested):
    """Row 35: either all are done, or the connection ends; others do not notice."""
    host = target[1]
    sealed = Sealed(secure.https, secure.client("http/1.1"), host)
    with sealed.client, contextlib.suppress(OSError):
        for _ in range(UPDATES // 100):
            sealed.socket.sendall(b"".join(sealed.key_update(requested) for _ in range(100)))
        sealed.send(APPLICATION_DATA, request(host))
        sealed.socket.recv(65_536)
    assert serves(secure, host)


def test_empty_records_of_data_are_bounded(secure, target):
    host = target[1]
    sealed = Sealed(secure.https, secure.client("http/1.1"), host)
    with sealed.client, contextlib.suppress(OSError):
        for _ in range(50):
            sealed.socket.sendall(b"".join(sealed.seal(APPLICATION_DATA, b"") for _ in range(100)))
    assert serves(secure, host)


def test_renegotiation_comes_to_nothing(secure, target):
    """TLS 1.2, by the only client that still offers it: `R` on a line of its own."""
    host = target[1]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.https}", "-tls1_2"]
    command += ["-servername", host, "-legacy_renegotiation"]
    client = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        time.sleep(0.5)  # a command is the first letter of what s_client reads at once
        client.stdin.write(b"R\n")
        client.stdin.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(1.5)
        assert serves(secure, host)
    finally:
        client.kill()
        out, _ = client.communicate()
    _, asked, after = out.partition(b"RENEGOTIATING")
    assert asked and b"verify return" not in after, out[-500:]


def test_early_data_is_not_taken(secure, target):
    """No ticket allows it, so a request cannot be replayed."""
    host = target[1]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.https}", "-tls1_3"]
    command += ["-servername", host, "-no_ign_eof"]
    done = subprocess.run(
        command, input=request(host), capture_output=True, timeout=10, check=False
    )
    limits = [line for line in done.stdout.splitlines() if b"Max Early Data" in line]
    assert all(line.split()[-1] == b"0" for line in limits), limits
    assert b"Early data was accepted" not in done.stdout


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "::1", "x." * 100 + "example", "xn--nxasmq6b.example", "a_b.example"]
)
def test_odd_names_are_answered_or_refused(secure, target, name):
    tls = secure.client("http/1.1")
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with (
        contextlib.suppress(ssl.SSLError, ConnectionError, http1.Closed),
        secure.connect_securely(name, tls=tls) as connection,
    ):
        assert connection.get("/", target[1]).status in (200, 421)
    assert serves(secure, target[1])


def sni(name: bytes) -> bytes:
    """The body of a server_name extension."""
    entry = b"\x00" + len(name).to_bytes(2) + name
    return len(entry).to_bytes(2) + entry


@pytest.mark.parametrize(
    "name",
    [
        b"",
        b"a" * 255,
        b"a" * 300,
        "\u00fc.example".encode(),
        b"a\x00b",
        b".",
        b"a..b",
        b"*.example",
    ],
    ids=repr,
)
def test_names_that_are_none_end_the_handshake(secure, target, name):
    host = target[1]
    with Client(secure.https, secure.client("http/1.1"), None) as client:
        client.tls.context.check_hostname = False
        client.socket.sendall(hello.with_extension(client.hello(), 0, sni(name)))
        client.socket.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert client.socket.recv(16), "an alert or a hello"
    assert serves(secure, host)


def test_a_final_dot_gets_the_same_policy(secure, target):
    """Rows 11 and 36: `name.` is `name`, for the certificate and for what the zone demands."""
    _, host, strict = target
    tls = secure.client("http/1.1")
    tls.check_hostname = False
    with Client(secure.https, tls, None) as client:
        client.socket.sendall(hello.with_extension(client.hello(), 0, sni(f"{strict}.".encode())))
        client.socket.settimeout(5)
        first = client.socket.recv(5)
        assert first[:1] in (bytes([HANDSHAKE]), bytes([hello.ALERT]))
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with secure.connect_securely(host, tls=tls) as connection:
        assert connection.get("/", f"{strict}.").status == 421


def test_a_connection_for_one_host_does_not_serve_a_stricter_one(secure, target):
    """Row 36: what the zone of the request's host demands of TLS is demanded of each request."""
    endpoint, host, strict = target
    tls = secure.client("http/1.1")
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    mark = endpoint.mark()
    with secure.connect_securely(host, tls=tls) as connection:
        assert connection.get("/fine", host).status == 200
        assert connection.get("/other", strict).status == 421
    assert [request["target"] for request in endpoint.requests(mark)] == ["/fine"]
    tls = secure.client("h2")
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with http2.Connection(secure.https, tls, host) as connection:
        assert connection.get(strict).status == 421
        assert connection.get(host).status == 200


def test_a_session_of_one_host_does_not_open_a_stricter_one(secure, target):
    """Row 36: a ticket of a TLS 1.2 session, shown under another name."""
    _, host, strict = target
    tls = secure.client("http/1.1")
    tls.maximum_version, tls.check_hostname = ssl.TLSVersion.TLSv1_2, False
    with Client(secure.https, tls, host) as client:
        client.handshake()
        client.ask(request(host))
        session = client.tls.session
    with (
        contextlib.suppress(ssl.SSLError, ConnectionError),
        Client(secure.https, tls, strict, session=session) as client,
    ):
        client.handshake()
        assert b" 200 " not in client.ask(request(strict))


def test_a_handshake_after_the_handshake_changes_nothing(secure, target):
    """A ClientHello where data is due."""
    host = target[1]
    sealed = Sealed(secure.https, secure.client("http/1.1"), host)
    with sealed.client:
        sealed.send(HANDSHAKE, b"\x01\x00\x00\x26\x03\x03" + bytes(36))
        sealed.socket.settimeout(5)
        with contextlib.suppress(ConnectionError):
            while sealed.socket.recv(65_536):
                pass
    assert serves(secure, host)


def test_h2_over_tls_without_alpn(secure, target):
    """Prior knowledge inside TLS: served or refused, never taken for a request."""
    endpoint, host, _ = target
    mark = endpoint.mark()
    tls = secure.client()
    with secure.connect_securely(host, tls=tls) as connection:
        connection.send(frames.PREFACE + frames.settings())
        connection.send(frames.headers(1, frames.get(host, "/h2", "https")))
        connection.socket.settimeout(5)
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.stream.read(9)
    assert endpoint.events("garbage", mark) == []
    assert serves(secure, host)


def test_many_handshakes_are_abandoned_at_once(secure, target):
    """Clients that come and go in the middle leave nothing behind."""
    host = target[1]
    for _ in range(200):
        with Client(secure.https, secure.client("http/1.1"), host) as client:
            client.socket.sendall(client.hello()[: 5 + _])
            client.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
    waiting.until("a decent client is served", lambda: serves(secure, host))
