"""The access log: a line for every request, true in each field, whatever the disk does."""

import json
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import http1, page, waiting
from harness.control import Control
from harness.edge import http2
from harness.edge.secure import Secure, Zones
from harness.evenkeel import Evenkeel

FIELDS = [
    *("time", "ray", "client", "client_port", "country", "protocol", "tls", "method", "scheme"),
    *("host", "target", "referer", "user_agent", "status", "end", "received_bytes", "sent_bytes"),
    *("duration_us", "load_balancer", "pool", "endpoint", "endpoint_address", "endpoint_status"),
    *("attempts", "connection_reused", "connect_us", "first_byte_us", "trail"),
]

# Apache's combined format, as analysers of logs match it.
COMBINED = re.compile(
    r'(?P<client>\S+) (\S+) (\S+) \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\d{3}|-) (?P<bytes>\d+|-) "(?P<referer>(?:[^"\\]|\\.)*)" '
    r'"(?P<agent>(?:[^"\\]|\\.)*)"'
)

# A line of this user agent takes 8 KiB: some thousand fill the queue of 32 MiB.
LONG_AGENT = "x" * 8192
ENOUGH = 5000

LINES = "evenkeel_access_log_lines_total"
DROPPED = "evenkeel_access_log_dropped_total"
LEFT_OUT = "evenkeel_access_log_left_out_total"
ERRORS = "evenkeel_access_log_write_errors_total"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Evenkeel]]:
    """Starts a balancer with an access log at `log`, and more flags."""
    started: list[Evenkeel] = []

    def begin(log: Path | str, **flags: str) -> Evenkeel:
        server = Evenkeel(tmp_path / "own")
        server.flags |= {"--access-log": str(log)}
        server.flags |= {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
        started.append(server)
        return server.start()

    yield begin
    for server in started:
        server.kill()


def lines(log: Path) -> list[dict]:
    """Every line of a log, all of them whole."""
    text = log.read_text()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def ask(server: Evenkeel, host: str, count: int, agent: str = "test") -> None:
    """That many requests over one connection, each answered by an endpoint."""
    with server.connect() as connection:
        for number in range(count):
            response = connection.get(f"/{number}", host, [("User-Agent", agent)])
            assert response.status == 200


def site(server: Evenkeel, endpoints: Callable) -> str:
    """A host name whose requests reach an endpoint."""
    control = Control(server)
    host = control.balancer(control.pool(*endpoints("a"))).host
    server.await_answer(host, "a")
    return host


class Asked:
    """Requests that were sent, and what their lines have to say."""

    def __init__(self):
        self.expected: dict[str, dict] = {}
        self.began = time.time()

    def seen(self, response: http1.Response, **expected: object) -> None:
        """A response came; its line has these fields."""
        ray = response.header("cf-ray")
        self.expected[ray] = {"status": response.status, "end": "whole"} | expected

    def check(self, logged: dict[str, dict]) -> None:
        """Compares them with the log, line by line."""
        over = time.time()
        for ray, expected in self.expected.items():
            line = logged[ray]
            for field, value in expected.items():
                assert line[field] == value, (field, line)
            at = datetime.fromisoformat(line["time"])
            assert line["time"].endswith("Z") and at.tzinfo == UTC
            assert self.began - 0.1 <= at.timestamp() <= over + 0.1
            assert 0 < line["duration_us"] < (over - self.began) * 1e6
            assert line["client"] == "127.0.0.1" and line["client_port"] > 0


def ask_in_every_way(server: Secure, host: str, dead: str) -> Asked:
    """Requests of many kinds: plain, with TLS, over HTTP/2, answered by nobody."""
    asked = Asked()
    agent = 'a"b\\c\xff\xe9\t{}'
    with server.connect() as client:
        port = client.socket.getsockname()[1]
        plain = {"protocol": "HTTP/1.1", "scheme": "http", "tls": None, "client_port": port}
        headers = [("User-Agent", agent), ("Referer", "https://r.example/?'\"")]
        asked.seen(
            client.get("/x?y=%22'&z=|", host, headers),
            **plain | {"target": "/x?y=%22'&z=|", "user_agent": agent, "method": "GET"},
            referer="https://r.example/?'\"",
            connection_reused=True,
        )
        asked.seen(
            client.ask("POST", "/echo", host, body=b"hello"),
            **plain | {"method": "POST", "received_bytes": 5, "user_agent": ""},
        )
        asked.seen(client.get("/bytes/100000", host), **plain | {"target": "/bytes/100000"})
    secure = {"scheme": "https", "tls": "TLSv1.3", "protocol": "HTTP/1.1"}
    with server.connect_securely(host) as client:
        asked.seen(client.get("/s", host), **secure)
    response = http2.get(server.https, host, "/h2", server.client("h2"))
    asked.seen(response, **secure | {"protocol": "HTTP/2.0", "target": "/h2"})
    nobody = {"end": "own", "load_balancer": None, "endpoint": None, "attempts": 0}
    asked.seen(server.get("/", "unknown.example"), host="unknown.example", pool=None, **nobody)
    unmet = {"end": "own", "endpoint": "gone", "endpoint_status": None, "host": dead}
    asked.seen(server.get("/", dead), load_balancer=dead, first_byte_us=None, **unmet)
    return asked


def test_lines_tell_the_truth_of_every_kind_of_request(tmp_path, authority, endpoints):
    log = tmp_path / "access.log"
    server = Secure(tmp_path / "own", authority)
    server.flags |= {"--access-log": str(log)}
    (endpoint,) = endpoints("a")
    try:
        server.start()
        zones = Zones(server)
        host = zones.site(zones.pool(endpoint))
        gone = {"name": "gone", "address": "127.0.0.1", "port": 1}
        dead = zones.site(zones.pool(origins=[gone]))
        server.await_answer(host, "a")
        asked = ask_in_every_way(server, host, dead)
        assert server.stop() == 0
    finally:
        server.kill()
    logged = {line["ray"]: line for line in lines(log)}
    assert all(list(line) == FIELDS for line in logged.values())
    asked.check(logged)
    for line in logged.values():
        if line["end"] == "whole":
            assert line["load_balancer"] == line["host"] == host
            assert line["endpoint"] == "a" and line["endpoint_status"] == line["status"]
            assert line["endpoint_address"] == f"127.0.0.1:{endpoint.port}"
            assert line["attempts"] == 1 and line["trail"]
            assert 0 < line["first_byte_us"] <= line["duration_us"]
            assert line["connection_reused"] is (line["connect_us"] is None)
    large = next(line for line in logged.values() if line["target"] == "/bytes/100000")
    assert 100_000 < large["sent_bytes"] < 102_000


def test_the_combined_format_is_what_analysers_read(tmp_path, start, endpoints):
    log = tmp_path / "access.log"
    server = start(log, access_log_format="combined")
    host = site(server, endpoints)
    with server.connect() as client:
        agent = [("User-Agent", 'a"b\\c\xff\td'), ("Referer", "https://r.example/")]
        assert client.get("/combined?a=%20b", host, agent).status == 200
    assert server.stop() == 0
    found = [COMBINED.fullmatch(line) for line in log.read_text().splitlines()]
    assert found and all(found)
    (line,) = [line for line in found if line["request"] == "GET /combined?a=%20b HTTP/1.1"]
    datetime.strptime(line["time"], "%d/%b/%Y:%H:%M:%S %z")
    assert line["client"] == "127.0.0.1" and line["status"] == "200" and int(line["bytes"]) > 0
    assert line["referer"] == "https://r.example/" and line["agent"] == r"a\"b\\c\xff\td"


def test_a_sample_is_a_fair_share_and_keeps_errors(tmp_path, start, endpoints):
    log = tmp_path / "access.log"
    server = start(log, access_log_sample="0.25")
    host = site(server, endpoints)
    ask(server, host, 2000, "sampled")
    for _ in range(30):
        assert server.get("/", "unknown.example").status >= 400
    # An answer may be there before its request is counted.
    waiting.until(
        "every request counted",
        lambda: page.value(server, LINES) + page.value(server, LEFT_OUT) >= 2030,
        15.0,
    )
    assert server.stop() == 0
    written = lines(log)
    kept = sum(line["user_agent"] == "sampled" for line in written)
    # Six standard deviations: a false alarm in a billion runs.
    assert abs(kept - 500) < 6 * math.sqrt(2000 * 0.25 * 0.75)
    assert sum(line["host"] == "unknown.example" for line in written) == 30


def test_a_file_may_be_renamed_or_copied_and_truncated_while_it_is_written(
    tmp_path, start, endpoints
):
    log, old = tmp_path / "access.log", tmp_path / "access.log.1"
    server = start(log)
    assert log.stat().st_mode & 0o137 == 0
    host = site(server, endpoints)
    stop = threading.Event()
    sent: list[str] = []

    def traffic() -> None:
        with server.connect() as client:
            while not stop.is_set():
                sent.append(client.get("/", host).header("cf-ray"))

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        waiting.until("some lines", lambda: len(sent) > 50 and log.stat().st_size > 0, 15.0)
        log.rename(old)
        server.signal(signal.SIGHUP)
        waiting.until("a new file", lambda: log.exists() and log.stat().st_size > 0, 15.0)
        last = len(sent)
        waiting.until("more traffic", lambda: len(sent) > last + 50)
        # As `copytruncate` does it.
        copied = lines_so_far(log)
        os.truncate(log, 0)
        last = len(sent)
        waiting.until("more traffic", lambda: len(sent) > last + 50)
    finally:
        stop.set()
        thread.join()
    assert server.stop() == 0
    rays = [line["ray"] for line in [*lines(old), *copied, *lines(log)]]
    assert len(set(rays)) == len(rays)
    # Lines written between copying and truncating are lost, as that method loses them: one stretch.
    lost = [number for number, ray in enumerate(sent) if ray not in set(rays)]
    assert not lost or lost == list(range(lost[0], lost[0] + len(lost)))
    assert lines(old) and copied and sent[-1] in rays
    assert "\0" not in log.read_text()


def lines_so_far(log: Path) -> list[dict]:
    """The whole lines of a log that is being written."""
    whole = log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def test_a_pipe_that_nobody_reads_delays_nothing_and_drops_are_counted(tmp_path, start, endpoints):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    server = start(fifo)
    host = site(server, endpoints)
    ask(server, host, ENOUGH, LONG_AGENT)
    waiting.until("drops", lambda: page.value(server, DROPPED) > 0)
    # Nobody reads, so hardly a line went further than the pipe.
    assert page.value(server, LINES) < 100
    text = drain(server, fifo)
    written = [json.loads(line) for line in text.splitlines()]
    assert len(written) == page.value(server, LINES) < ENOUGH
    assert len({line["ray"] for line in written}) == len(written)


def drain(server: Evenkeel, fifo: Path) -> str:
    """Reads a pipe until every request is accounted for, in it or as dropped."""
    got = bytearray()
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def is_whole() -> bool:
        while True:
            try:
                got.extend(os.read(descriptor, 1 << 20))
            except BlockingIOError:
                break
        whole = page.value(server, "evenkeel_requests_total") - page.value(server, DROPPED)
        return got.count(b"\n") == whole and page.value(server, LINES) == whole

    try:
        waiting.until("every line read", is_whole, 60.0)
    finally:
        os.close(descriptor)
    return got.decode()


def test_standard_output_may_be_a_full_pipe(tmp_path, endpoints):
    server = Evenkeel(tmp_path / "own")
    fifo = server.folder / "evenkeel.log"
    os.mkfifo(fifo)
    # Both ends are ours, so that the process can write before anybody reads.
    held = os.open(fifo, os.O_RDWR)
    server.flags |= {"--access-log": "-"}
    server.variables |= {"RUST_LOG": "off"}
    try:
        server.start()
        host = site(server, endpoints)
        ask(server, host, ENOUGH, LONG_AGENT)
        waiting.until("drops", lambda: page.value(server, DROPPED) > 0)
        assert page.value(server, LINES) < 100
    finally:
        server.kill()
        os.close(held)


def test_a_full_disk_keeps_lines_until_there_is_room(tmp_path, start, endpoints):
    log, new = tmp_path / "access.log", tmp_path / "new"
    log.symlink_to("/dev/full")
    server = start(log)
    host = site(server, endpoints)
    ask(server, host, ENOUGH, LONG_AGENT)
    waiting.until("errors and drops", lambda: page.value(server, ERRORS) > 0)
    waiting.until("drops", lambda: page.value(server, DROPPED) > 0)
    assert page.value(server, LINES) == 0
    log.unlink()
    log.symlink_to(new)
    server.signal(signal.SIGHUP)
    whole = "evenkeel_requests_total"
    waiting.until(
        "every line written",
        lambda: (
            page.value(server, LINES) + page.value(server, DROPPED) == page.value(server, whole)
        ),
        30.0,
    )
    count = page.value(server, LINES)
    assert server.stop() == 0
    assert len(lines(new)) == count > 0


def test_settings_that_make_no_sense_end_with_78(tmp_path, start):
    server = Evenkeel(tmp_path / "bad")
    server.flags |= {"--access-log-format": "apache", "--access-log": "-"}
    with pytest.raises(AssertionError, match="ended with 78"):
        server.start()
