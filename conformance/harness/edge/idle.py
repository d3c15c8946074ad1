"""What a connection costs while nothing goes over it: resident memory, one kind after the other.

    EVENKEEL_BIN=target/release/evenkeel python -m harness.edge.idle

prints the figures. Each kind gets a balancer of its own, lest memory that one gave back serve the
next; each connection has carried one request before it is idle.
"""

import contextlib
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.edge import http2
from harness.edge.authority import Authority
from harness.edge.memory import KIB, resident
from harness.edge.secure import Secure, Zones
from harness.endpoint import Endpoint

CONNECTIONS = 2000

# Code, tables and free lists that the first connections need, and later ones share.
WARM_UP = 100

# Bytes of one idle connection at most, by kind.
BOUNDS = {"plain": 16 * KIB, "tls": 40 * KIB, "h2": 56 * KIB}


def plain(server: Secure, host: str) -> object:
    """HTTP/1.1 without TLS."""
    connection = server.connect(timeout=30)
    assert connection.get("/", host).status == 200
    return connection


def tls(server: Secure, host: str) -> object:
    """HTTP/1.1 over TLS."""
    connection = server.connect_securely(host, timeout=30)
    assert connection.get("/", host).status == 200
    return connection


def h2(server: Secure, host: str) -> object:
    """HTTP/2 over TLS."""
    connection = http2.Connection(server.https, server.client("h2"), host, timeout=30)
    assert connection.get(host).status == 200
    connection.settle()
    return connection


KINDS: dict[str, Callable[[Secure, str], object]] = {"plain": plain, "tls": tls, "h2": h2}


def cost(kind: str, folder: Path, count: int = CONNECTIONS) -> int:
    """Bytes of one idle connection of that kind."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * count + 1000), hard))
    server = Secure(folder, Authority(folder / "authority"))
    endpoint = Endpoint("a", folder)
    with contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        stack.callback(endpoint.kill)
        endpoint.start()
        server.start()
        zones = Zones(server)
        host = zones.site(zones.pool(endpoint))
        server.await_answer(host, "a")
        opened = [KINDS[kind](server, host) for _ in range(WARM_UP)]
        before = resident(server.process.pid)
        opened += [KINDS[kind](server, host) for _ in range(count)]
        after = resident(server.process.pid)
        for connection in opened:
            connection.close()
    return (after - before) // count


def main() -> None:
    """Prints a line for each kind."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            spent = cost(kind, Path(folder) / kind)
            bound = BOUNDS[kind]
            print(f"{kind:6} {spent / KIB:6.1f} KiB a connection (at most {bound // KIB} KiB)")


if __name__ == "__main__":
    main()
