"""Out of descriptors: the balancer goes on with those it has, and recovers by itself.

The limit is the process's own (`ulimit -n`); clients come until nothing is left for them.
"""

import contextlib
import resource
import selectors
import socket
import time

import pytest

from harness import http1, waiting
from harness.edge.secure import Secure, Zones
from harness.load import Load, failures

DESCRIPTORS = 256
CLIENTS = 1000
RECOVERY_SECONDS = 2.0

SLOW_CLIENTS = 2000
SLOW_SECONDS = 6.0
RATE = 50


def crowd(port: int, count: int) -> list[socket.socket]:
    """That many connections, or as many as the listener's queue takes."""
    sockets = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(("127.0.0.1", port))
        sockets.append(client)
    return sockets


@pytest.fixture
def few(tmp_path, authority, endpoints):
    """A balancer that may have few descriptors, and the host name that it serves."""
    server = Secure(tmp_path / "few", authority)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        server.start()
        zones = Zones(server)
        (a,) = endpoints("a")
        host = zones.site(zones.pool(a))
        server.await_answer(host, "a")
        limits = (DESCRIPTORS, hard)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        yield server, host
    finally:
        server.kill()


@pytest.mark.parametrize("listener", ["http", "https"])
def test_a_thousand_clients_on_256_descriptors(few, listener):
    server, host = few
    with server.connect() as kept:
        assert kept.get("/", host).status == 200
        sockets = crowd(getattr(server, listener), CLIENTS)
        try:
            deadline = time.monotonic() + 3.0
            while time.monotonic() < deadline:
                assert server.process.poll() is None, "the balancer has ended"
                # Who is there already is served: the way to the endpoint is kept open.
                assert kept.get("/", host).status == 200
                time.sleep(0.1)
        finally:
            for client in sockets:
                client.close()

    def answers() -> bool:
        try:
            return server.get("/", host).status == 200
        except (OSError, http1.Closed, http1.Broken):
            return False

    waiting.until("a new client is served", answers, RECOVERY_SECONDS)
    for _ in range(50):
        assert server.get("/", host).status == 200


@pytest.mark.timeout(60)
def test_2000_slow_clients_add_no_error(secure, zones, endpoints):
    """Row 19: a byte of a head at a time from each, and others do not notice."""
    (a,) = endpoints("a")
    host = zones.site(zones.pool(a))
    secure.await_answer(host, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    start = f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ".encode()
    load = Load(secure.http, host, RATE, connections=8).start()
    sockets = crowd(secure.http, SLOW_CLIENTS)
    try:
        connected = selectors.DefaultSelector()
        for client in sockets:
            connected.register(client, selectors.EVENT_WRITE)
        waiting.until("all are connected", lambda: begin(connected, start), 10.0)
        deadline = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < deadline:
            for client in sockets:
                client.send(b"a")
            time.sleep(0.5)
    finally:
        outcomes = load.stop()
        for client in sockets:
            client.close()
    assert failures(outcomes) == []
    assert len(outcomes) > RATE * SLOW_SECONDS / 2


def begin(connected: selectors.BaseSelector, start: bytes) -> bool:
    """Sends the beginning on each connection that has come to be; whether that was the last."""
    for key, _ in connected.select(0):
        key.fileobj.send(start)
        connected.unregister(key.fileobj)
    return not connected.get_map()
