"""60,000 requests over HTTP/1.1, TLS and HTTP/2, sent when they are meant to be, during 100 changes
through the API and 10 upgrades: none fails. A WebSocket and a download that were begun before go
on, and a change is live within a second.
"""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import http1
from harness.control import Control
from harness.edge import websocket
from harness.edge.secure import Secure
from harness.succession import succession

REQUESTS = 60_000
SECONDS = 60
CHANGES = 100
UPGRADES = 10

# A 99th percentile of 100 is the second slowest.
LIVE_SECONDS = 1.0

# (name, share of the requests, listener, options)
LOADS = [
    ("h1", 0.5, "http", ["--connections", "32"]),
    ("tls", 0.2, "https", ["--connections", "32"]),
    ("h2", 0.3, "https", ["--protocol", "h2", "--connections", "4"]),
]


@pytest.fixture(scope="module")
def generator() -> Path:
    """The load generator, which `cargo xtask test` builds and names."""
    path = Path(os.environ.get("EVENKEEL_LOAD_BIN", ""))
    assert path.is_file(), "EVENKEEL_LOAD_BIN must name evenkeel-load, built in bench/load"
    return path.resolve()


@pytest.fixture
def origins(generator: Path):
    """Addresses of two fast endpoints."""
    command = [generator, "serve", "--endpoints", "2", "--service", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["endpoints"]
        finally:
            process.terminate()


@pytest.mark.timeout(300)
def test_no_request_is_dropped(tmp_path, authority, generator, origins, endpoints):
    server = Secure(tmp_path / "own", authority)
    with succession(server) as chain:
        server.start()
        control = Control(server)
        fast = [
            {"name": f"fast-{n}", "address": "127.0.0.1", "port": int(address.split(":")[-1])}
            for n, address in enumerate(origins)
        ]
        pool = control.pool(origins=fast)
        zone = control.zone()
        busy = control.balancer(pool, zone=zone.id)
        a, b = endpoints("a", "b")
        pools = [control.pool(a), control.pool(b)]
        changing = control.balancer(*pools, zone=zone.id)
        server.await_answer(changing.host, "a")

        tunnel = server.connect(timeout=120)
        tunnel.send(http1.request("GET", "/", busy.host, websocket.HANDSHAKE))
        assert tunnel.read().status == 101
        size = 96 << 20
        download = server.connect(timeout=120)
        download.send(http1.request("GET", f"/bytes/{size}", changing.host))
        downloaded = Reading(download, size, SECONDS)

        running = []
        for name, share, listener, options in LOADS:
            scheme, port = ("https", server.https) if listener == "https" else ("http", server.http)
            rate = REQUESTS * share / SECONDS
            command = [generator, f"{scheme}://127.0.0.1:{port}/", "--host", busy.host]
            command += ["--rate", str(rate), "--requests", str(int(REQUESTS * share))]
            command += ["--timeout", "20", "--insecure", "--json", *options]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            running.append((name, process))
        live = []
        try:
            begin = time.monotonic()
            for change in range(CHANGES):
                if change % (CHANGES // UPGRADES) == CHANGES // UPGRADES // 2:
                    chain.upgrade()
                order = pools if change % 2 else pools[::-1]
                control.edit(changing, default_pools=order)
                live.append(await_live(server, changing.host, "a" if change % 2 else "b"))
                due = begin + (change + 1) * SECONDS / CHANGES
                time.sleep(max(0.0, due - time.monotonic()))
            results = {
                name: json.loads(process.communicate(timeout=SECONDS)[0])
                for name, process in running
            }
        finally:
            for _, process in running:
                process.kill()
        tunnel.send(websocket.frame(websocket.TEXT, b"still there"))
        assert tunnel.stream.read(13)[2:] == b"still there"
        downloaded.join(120)
        assert downloaded.size == size
        assert len(chain.past) == UPGRADES
        failed = {name: result for name, result in results.items() if result["errors"]}
        assert not failed, json.dumps(failed, indent=1)
        assert sum(result["requests"] for result in results.values()) == REQUESTS
        assert sorted(live)[-2] < LIVE_SECONDS, sorted(live)[-5:]


def await_live(server: Secure, host: str, endpoint: str) -> float:
    """How long after its acknowledgement a change decides who answers."""
    acknowledged = time.monotonic()
    while server.get("/", host).endpoint != endpoint:
        assert time.monotonic() < acknowledged + 10, f"{endpoint} never answers"
        time.sleep(0.005)
    return time.monotonic() - acknowledged


class Reading(threading.Thread):
    """Reads a response's body of that size over so many seconds."""

    def __init__(self, connection: http1.Connection, size: int, seconds: float):
        super().__init__(daemon=True)
        self.connection, self.expected, self.seconds, self.size = connection, size, seconds, 0
        self.start()

    def run(self) -> None:
        """Until its end."""
        stream = self.connection.stream
        while stream.readline() != b"\r\n":
            pass
        begin = time.monotonic()
        while piece := stream.read(min(1 << 16, self.expected - self.size)):
            self.size += len(piece)
            due = begin + self.seconds * self.size / self.expected
            time.sleep(max(0.0, due - time.monotonic()))
