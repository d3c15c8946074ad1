"""Counters tell the truth: each agrees with what clients and endpoints saw.

A client may have its answer a moment before it is counted, so counts are read once nothing is being
answered any more.
"""

import base64
import json
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter

import pytest

from harness import http1, page, waiting
from harness.edge import http2
from harness.endpoint import Endpoint
from harness.evenkeel import Evenkeel
from harness.ports import free_port

# Requests of each client that stays.
EACH = 150
CLIENTS = 8
# Of clients that leave before they are answered.
LEAVING = 12

NONSENSE = "/raw/" + base64.urlsafe_b64encode(b"nonsense\r\n\r\n").decode()
TARGETS = [
    "/",
    "/status/204",
    "/status/404",
    "/status/500",
    "/slow/5",
    "/bytes/70000",
    "/bytes/3000/chunked",
    "/hints",
    NONSENSE,
    "/echo",
]
UPLOAD = b"0123456789" * 50

# An answer that nobody who leaves waits for.
NEVER = "/slow/600000"


class Counts:
    """What the page says now, less what it said at the start."""

    def __init__(self, server: Evenkeel):
        self.server = server
        self.base: Counter = Counter()
        self.base = self.read()

    def read(self) -> Counter:
        """Every sample by its name and labels, once nothing is being answered."""
        waiting.until(
            "every request settled",
            lambda: page.value(self.server, "evenkeel_downstream_requests") == 0,
            30.0,
        )
        # The page is not of one moment: what was settled while it was written is on the next one.
        counts: Counter = Counter()
        for sample in page.samples(page.text(self.server)):
            key = (sample.name.removeprefix("evenkeel_"), *sorted(sample.labels.items()))
            counts[key] = sample.value
        counts.subtract(self.base)
        return counts


def summed(counts: Counter, name: str, **labels: str) -> float:
    """The sum of the samples of that name with these labels."""
    wanted = set(labels.items())
    return sum(value for key, value in counts.items() if key[0] == name and wanted <= {*key[1:]})


def by(label: str, counts: Counter, name: str, **labels: str) -> dict[str, float]:
    """The same for each value of a label that was counted at all."""
    wanted, found = set(labels.items()), Counter()
    for key, value in counts.items():
        if key[0] == name and wanted <= {*key[1:]} and value:
            found[dict(key[1:])[label]] += value
    return dict(found)


def classes(statuses: Counter) -> dict[str, int]:
    """Statuses by their class, as the page names it."""
    found: Counter = Counter()
    for status, count in statuses.items():
        found[f"{status // 100}xx"] += count
    return dict(found)


class Seen:
    """What the clients of a test saw, all together."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.statuses: Counter = Counter()
        self.cookies_set = self.with_cookie = self.uploaded = self.endpoint_bytes = 0
        self.errors: list[str] = []

    def add(self, response: http1.Response, has_cookie: bool, uploaded: int) -> None:
        """One response."""
        with self.lock:
            self.statuses[response.status] += 1
            self.cookies_set += response.cookie() is not None
            self.with_cookie += has_cookie
            self.uploaded += uploaded
            if response.endpoint is not None:
                self.endpoint_bytes += len(response.body)


def ask_http1(seen: Seen, port: int, host: str, number: int) -> None:
    """A client of HTTP/1.1; every other one keeps its cookie."""
    cookie = None
    with http1.Connection(port, 30.0) as connection:
        for turn in range(EACH):
            target = TARGETS[(turn + number) % len(TARGETS)]
            headers = [("Cookie", cookie)] if cookie else []
            body = UPLOAD if target == "/echo" else b""
            method = "POST" if body else "GET"
            response = connection.ask(method, target, host, headers, body)
            seen.add(response, cookie is not None, len(body))
            if number % 2 == 0:
                cookie = response.cookie() or cookie


def ask_http2(seen: Seen, port: int, host: str, number: int) -> None:
    """A client of HTTP/2, with three requests at a time."""
    with http2.Connection(port, timeout=30.0) as connection:
        for turn in range(0, EACH, 3):
            streams = [
                connection.begin(host, TARGETS[(turn + more + number) % (len(TARGETS) - 1)])
                for more in range(3)
            ]
            for stream in streams:
                seen.add(connection.response(stream), False, 0)


def leave(port: int, host: str, endpoints: list, number: int) -> None:
    """Asks, and goes once an endpoint has heard of it."""
    target = f"{NEVER}?{number}"

    def is_heard() -> bool:
        return any(head["target"] == target for e in endpoints for head in e.requests())

    if number % 2:
        with http2.Connection(port) as connection:
            connection.begin(host, target)
            waiting.until("the request at an endpoint", is_heard, 20.0)
        return
    with http1.Connection(port) as connection:
        connection.send(http1.request("GET", target, host))
        waiting.until("the request at an endpoint", is_heard, 20.0)
        # A client that only ends its side may still be listening.
        linger = struct.pack("ii", 1, 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def all_at_once(seen: Seen, calls: list) -> None:
    """Runs each call in a thread of its own, and reports what failed."""

    def run(call, *arguments) -> None:
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001
            seen.errors.append(f"{call.__name__}{arguments[1:]}: {error!r}")

    threads = [threading.Thread(target=run, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen.errors == []


@pytest.fixture
def mixed(own_edge, own_control, endpoints):
    """What was counted of a mixed crowd of clients over two endpoints and one that refuses."""
    a, b = endpoints("a", "b")
    refusing = {"name": "refusing", "address": "127.0.0.1", "port": free_port()}
    pool = own_control.pool(origins=[a.origin(), b.origin(), refusing])
    host = own_control.balancer(pool, session_affinity="cookie", session_affinity_ttl=3600).host
    waiting.until("the load balancer", lambda: own_edge.get("/", host).endpoint)
    counts, seen = Counts(own_edge), Seen()
    marks = {endpoint: endpoint.mark() for endpoint in (a, b)}
    port = own_edge.http
    calls = [(ask_http1, seen, port, host, number) for number in range(CLIENTS)]
    calls += [(ask_http2, seen, port, host, number) for number in range(3)]
    calls += [(leave, port, host, [a, b], number) for number in range(LEAVING)]
    all_at_once(seen, calls)
    return counts.read(), seen, host, marks


def test_every_counter_agrees_with_what_everybody_saw(mixed):
    now, seen, host, marks = mixed
    answered = sum(seen.statuses.values())
    assert answered == (CLIENTS + 3) * EACH
    agrees_with_clients(now, seen, {"load_balancer": host})
    tried = sum(agrees_with_endpoint(now, endpoint, mark) for endpoint, mark in marks.items())
    refused = summed(now, "endpoint_connect_failures_total", reason="refused")
    assert by("class", now, "endpoint_requests_total", endpoint="refusing") == {"none": refused}
    assert refused > 0
    assert tried + refused == answered + LEAVING + summed(now, "load_balancer_retries_total")
    assert summed(now, "load_balancer_failovers_total") == refused
    assert summed(now, "failovers_total") == refused
    assert summed(now, "endpoint_received_bytes_total") == seen.endpoint_bytes


def agrees_with_clients(now: Counter, seen: Seen, lb: dict[str, str]) -> None:
    """What is counted of the load balancer, and of the node, which has no other."""
    answered = sum(seen.statuses.values())
    assert by("class", now, "requests_total") == classes(seen.statuses)
    by_class = by("class", now, "load_balancer_requests_total", **lb)
    assert by_class == {**classes(seen.statuses), "none": LEAVING}
    assert by("class", now, "pool_requests_total") == by_class
    own = sum(by("status", now, "proxy_errors_total").values())
    assert own == seen.statuses[520] > 0
    ended = by("end", now, "requests_ended_total")
    assert ended == {"whole": answered - own, "own": own, "client_gone": LEAVING}
    sessions = by("result", now, "load_balancer_sessions_total", **lb)
    assert sessions["new"] == seen.cookies_set == summed(now, "sessions_started_total")
    assert sessions["hit"] == seen.with_cookie
    assert sum(sessions.values()) == answered + LEAVING
    assert summed(now, "load_balancer_received_bytes_total", **lb) == seen.uploaded
    assert summed(now, "load_balancer_sent_bytes_total", **lb) > seen.endpoint_bytes
    durations = "load_balancer_request_duration_seconds"
    assert summed(now, f"{durations}_count", **lb) == answered
    assert summed(now, f"{durations}_bucket", le="+Inf", **lb) == answered


def agrees_with_endpoint(now: Counter, endpoint: Endpoint, mark: int) -> int:
    """What is counted of an endpoint; how many requests it has heard."""
    name = {"endpoint": endpoint.name}
    heard = len(endpoint.requests(mark))
    requests = by("class", now, "endpoint_requests_total", **name)
    assert sum(requests.values()) == heard, f"{endpoint.name}: {requests}"
    opened = summed(now, "endpoint_connections_opened_total", **name)
    assert opened == len(endpoint.events("open", mark))
    assert opened + summed(now, "endpoint_connections_reused_total", **name) == heard
    assert summed(now, "endpoint_connect_duration_seconds_count", **name) == opened
    first_bytes = summed(now, "endpoint_first_byte_duration_seconds_count", **name)
    assert first_bytes == heard - requests["none"]
    assert summed(now, "endpoint_requests", **name) == 0
    return heard


class CountingEndpoint:
    """An endpoint that only counts, as a process of its own."""

    def __init__(self, name: str):
        self.name, self.port = name, free_port()
        command = [sys.executable, "-m", "harness.counting_server", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    def origin(self) -> dict[str, object]:
        """As a pool's document names it."""
        return {"name": self.name, "address": "127.0.0.1", "port": self.port}

    def end(self) -> dict:
        """Ends it; what it counted."""
        counted, _ = self.process.communicate(timeout=30)
        return json.loads(counted)


@pytest.fixture
def counting():
    """Two endpoints that only count."""
    pair = [CountingEndpoint("one"), CountingEndpoint("two")]
    yield pair
    for endpoint in pair:
        endpoint.process.kill()
        endpoint.process.wait()


# In all, from so many clients, each of which sends that many requests before it reads.
MANY, SENDERS, AT_ONCE = 100_000, 8, 25
STATUSES = [200, 200, 200, 404, 503]


def pipeline(seen: Seen, port: int, host: str, number: int) -> None:
    """Sends rows of requests, and counts the statuses of the answers."""
    row = [STATUSES[(turn + number) % len(STATUSES)] for turn in range(AT_ONCE)]
    sent = b"".join(http1.request("GET", f"/status/{status}", host) for status in row)
    found: Counter = Counter()
    with http1.Connection(port, 60.0) as connection:
        for _ in range(MANY // SENDERS // AT_ONCE):
            connection.send(sent)
            for _ in row:
                found[connection.read().status] += 1
    with seen.lock:
        seen.statuses.update(found)


def test_a_hundred_thousand_requests_are_counted_exactly(own_edge, own_control, counting):
    pool = own_control.pool(origins=[endpoint.origin() for endpoint in counting])
    host = own_control.balancer(pool).host
    waiting.until("the load balancer", lambda: own_edge.get("/", host).status == 200)
    counts, seen = Counts(own_edge), Seen()
    all_at_once(seen, [(pipeline, seen, own_edge.http, host, number) for number in range(SENDERS)])
    now = counts.read()
    assert sum(seen.statuses.values()) == MANY
    assert by("class", now, "requests_total") == classes(seen.statuses)
    assert by("class", now, "load_balancer_requests_total", load_balancer=host) == classes(
        seen.statuses
    )
    assert by("end", now, "requests_ended_total") == {"whole": MANY}
    # From the first request on, for the endpoints count from there.
    ever = now + counts.base
    counted = {endpoint.name: endpoint.end() for endpoint in counting}
    heard: Counter = Counter()
    for name, saw in counted.items():
        statuses = Counter({int(status): count for status, count in saw["statuses"].items()})
        heard.update(statuses)
        requests = by("class", ever, "endpoint_requests_total", endpoint=name)
        assert requests == classes(statuses)
        opened = summed(ever, "endpoint_connections_opened_total", endpoint=name)
        assert opened == saw["connections"]
        reused = summed(ever, "endpoint_connections_reused_total", endpoint=name)
        assert opened + reused == sum(statuses.values())
    assert summed(ever, "requests_ended_total", end="whole") == sum(heard.values())
