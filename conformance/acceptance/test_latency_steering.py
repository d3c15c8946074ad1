"""`least_latency`, a policy of ours: whoever answers slowly or not well gets little, for as long.

Shares are what counts here, not times: endpoints differ by so much that a busy machine changes
nothing about who is the slow one.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from harness import waiting
from harness.evenkeel import ACCOUNT

FAST, SLOW = 0.02, 0.4
POLICY = {"policy": "least_latency"}


class Paced(ThreadingHTTPServer):
    """An endpoint that takes its time and says its name."""

    daemon_threads = True

    def __init__(self, name: str):
        super().__init__(("127.0.0.1", 0), PacedHandler)
        self.name, self.seconds, self.status = name, FAST, 200

    def origin(self, **fields: object) -> dict[str, object]:
        """The endpoint as a pool's document names it."""
        return {"name": self.name, "address": "127.0.0.1", "port": self.server_port, **fields}


class PacedHandler(BaseHTTPRequestHandler):
    """Answers after the server's time, with its status."""

    protocol_version = "HTTP/1.1"
    server: Paced

    def do_GET(self) -> None:
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.send_header("X-Endpoint", self.server.name)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def paced() -> Iterator[Callable[..., list[Paced]]]:
    """Starts endpoints of these names; they end with the test."""
    started: list[Paced] = []

    def start(*names: str) -> list[Paced]:
        new = [Paced(name) for name in names]
        for server in new:
            Thread(target=server.serve_forever, daemon=True).start()
        started.extend(new)
        return new

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def edge(own_edge):
    """A balancer of its own: an SDK told to validate what it reads does not know the word, and no
    other test shall meet it.
    """
    return own_edge


@pytest.fixture
def control(own_control):
    """The API of that one."""
    return own_control


def ask(edge, host: str, count: int) -> Counter:
    """Which endpoints answered so many requests, one after the other."""
    with edge.connect() as connection:
        answers = [connection.get("/", host) for _ in range(count)]
    return Counter(answer.endpoint for answer in answers)


def balancer_of(edge, control, *servers: Paced) -> tuple[str, str]:
    """A pool of these endpoints steered by least latency, and a name that leads to it."""
    origins = [server.origin() for server in servers]
    pool = control.pool(origins=origins, origin_steering=POLICY)
    host = control.balancer(pool).host
    waiting.until("an answer", lambda: edge.get("/", host).status == 200)
    return pool, host


def test_a_slow_endpoint_gets_little_and_the_fast_ones_the_same(edge, control, paced):
    a, b, slow = paced("a", "b", "slow")
    slow.seconds = SLOW
    _, host = balancer_of(edge, control, a, b, slow)
    # Some answers of each are needed to tell them apart.
    ask(edge, host, 60)
    seen = ask(edge, host, 200)
    assert seen["slow"] <= 20, seen
    assert min(seen["a"], seen["b"]) >= 60, seen


def test_an_endpoint_that_has_recovered_is_found_out(edge, control, paced):
    a, slow = paced("a", "slow")
    slow.seconds = SLOW
    _, host = balancer_of(edge, control, a, slow)
    ask(edge, host, 40)
    assert ask(edge, host, 50)["slow"] <= 10
    slow.seconds = FAST
    waiting.until("its share again", lambda: ask(edge, host, 50)["slow"] >= 15, 60.0)


def test_nobody_is_drawn_to_fast_failures(edge, control, paced):
    a, broken = paced("a", "broken")
    broken.seconds, broken.status = 0.0, 500
    _, host = balancer_of(edge, control, a, broken)
    ask(edge, host, 40)
    seen = ask(edge, host, 100)
    assert seen["broken"] <= 20, seen


def test_the_sdk_sets_it_and_gets_it_back(control, paced):
    (a,) = paced("a")
    pool = control.pool(origins=[a.origin()], origin_steering=POLICY)
    pools = control.sdk.load_balancers.pools
    assert pools.get(pool, account_id=ACCOUNT).origin_steering.policy == "least_latency"
    control.edit_pool(pool, description="still so")
    assert pools.get(pool, account_id=ACCOUNT).origin_steering.policy == "least_latency"
