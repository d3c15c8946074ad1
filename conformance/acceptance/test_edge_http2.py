"""HTTP/2 from clients: over TLS and by prior knowledge, streams apart from each other, windows that
neither side can get stuck in, trailers, and ends that reach the other side.

Endpoints speak HTTP/1.1 here, unless a test needs more.
"""

import hashlib
import json
import socket
import threading

import pytest

from harness import http1, waiting
from harness.edge import frames, http2
from harness.endpoint import Endpoint, seen_headers, values
from harness.endpoint_server import BLOCK

LARGE = 16 << 20


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """An endpoint of its own behind a host name of its own."""
    endpoint = Endpoint("a", tmp_path_factory.mktemp("h2")).start()
    host = zones.site(zones.pool(endpoint))
    secure.await_answer(host, "a")
    yield endpoint, host
    endpoint.kill()


@pytest.fixture(params=["tls", "plain"])
def client(request, secure, target):
    """Makes connections, with and without TLS."""

    def connect(**options: object) -> http2.Connection:
        if request.param == "tls":
            return http2.Connection(secure.https, secure.client("h2"), target[1], **options)
        return http2.Connection(secure.http, **options)

    return connect


def pattern(length: int) -> bytes:
    """The bytes of `/bytes/N`."""
    return (BLOCK * (length // len(BLOCK) + 1))[:length]


def test_a_request_and_what_the_endpoint_sees(client, target):
    _, host = target
    with client() as connection:
        response = connection.get(host, "/path?query", [("x-client", "1")])
        scheme = connection.scheme
    assert response.status == 200 and response.endpoint == "a"
    assert len(response.all("cf-ray")) == 1
    assert not {"connection", "transfer-encoding", "keep-alive"} & {n for n, _ in response.headers}
    assert all(name == name.lower() for name, _ in response.headers)
    facts = json.loads(response.body)
    assert (facts["method"], facts["target"]) == ("GET", "/path?query")
    seen = seen_headers(response)
    assert values(seen, "host") == [host]
    assert values(seen, "x-client") == ["1"]
    assert values(seen, "x-forwarded-proto") == [scheme]
    assert values(seen, "cf-connecting-ip") == ["127.0.0.1"]


def test_statuses_without_a_body(client, target):
    _, host = target
    with client() as connection:
        for method, path, status in [
            ("HEAD", "/", 200),
            ("HEAD", "/bytes/1000", 200),
            ("GET", "/status/204", 204),
            ("GET", "/status/304", 304),
        ]:
            response = connection.response(connection.begin(host, path, method=method))
            assert (response.status, response.body) == (status, b""), path
        assert connection.get(host, "/hints").interim[0].status == 103


@pytest.mark.parametrize("path", ["/bytes/{}", "/bytes/{}/chunked"])
def test_a_large_body_comes_down_whole(client, target, path):
    _, host = target
    with client(settings=((frames.INITIAL_WINDOW_SIZE, 1 << 20),)) as connection:
        body = connection.get(host, path.format(LARGE)).body
    assert hashlib.sha256(body).digest() == hashlib.sha256(pattern(LARGE)).digest()


def test_a_large_body_goes_up_whole(client, target):
    _, host = target
    body = pattern(LARGE)
    with client() as connection:
        connection.settle()
        facts = json.loads(connection.post(host, "/", body).body)
    assert facts["length"] == LARGE
    assert facts["sha256"] == hashlib.sha256(body).hexdigest()


def test_the_answer_begins_before_the_body_ends(client, target):
    _, host = target
    with client() as connection:
        stream = connection.begin(host, "/echo", method="POST", end=False)
        for number in range(5):
            piece = f"piece {number}".encode()
            connection.send(frames.data(stream, piece))
            before = len(connection.responses[stream].body) if number else 0
            while stream not in connection.responses or len(
                connection.responses[stream].body
            ) < before + len(piece):
                connection.step()
        connection.send(frames.data(stream, end=True))
        assert connection.response(stream).body == b"".join(b"piece %d" % n for n in range(5))


def test_streams_do_not_wait_for_each_other(client, target):
    """A slow answer and a hanging upload on the same connection as quick requests."""
    _, host = target
    with client() as connection:
        slow = connection.begin(host, "/slow/1500")
        hanging = connection.begin(host, "/", method="POST", end=False)
        for _ in range(50):
            assert connection.get(host).status == 200
        assert slow not in connection.responses
        assert connection.response(slow).status == 200
        connection.send(frames.data(hanging, b"done", end=True))
        assert connection.response(hanging).status == 200


def test_a_stream_without_a_window_does_not_hold_up_others(client, target):
    _, host = target
    with client(hold=True) as connection:
        connection.send(frames.window(0, 1 << 30))
        held = connection.begin(host, "/bytes/1000000")
        while len(connection.head(held).body) < frames.WINDOW:
            connection.step()
        for _ in range(20):
            assert connection.get(host).status == 200
        connection.send(frames.window(held, 1 << 24))
        assert len(connection.response(held).body) == 1_000_000


def test_windows_of_one_byte_are_served(client, target):
    _, host = target
    with client(settings=((frames.INITIAL_WINDOW_SIZE, 1),), hold=True) as connection:
        stream = connection.begin(host, "/status/200")
        while not connection.responses.get(stream, http2.Response(0, "", [])).ended:
            if connection.step().type == frames.DATA:
                connection.send(frames.window(stream, 1))
        assert connection.responses[stream].body == b"body"


def test_a_hundred_streams_at_once(client, target):
    _, host = target
    with client() as connection:
        connection.settle()
        most = connection.settings.get(frames.MAX_CONCURRENT_STREAMS, 100)
        assert 100 <= most <= 1000, "enough for a page, few enough to be bounded"
        streams = [connection.begin(host, f"/slow/200?{n}") for n in range(100)]
        responses = [connection.response(stream) for stream in streams]
    assert {response.status for response in responses} == {200}
    targets = [json.loads(response.body)["target"] for response in responses]
    assert targets == [f"/slow/200?{n}" for n in range(100)]


def test_streams_over_the_limit_are_refused_and_harmless(client, target):
    _, host = target
    with client() as connection:
        connection.settle()
        most = connection.settings[frames.MAX_CONCURRENT_STREAMS]
        streams = [connection.begin(host, "/slow/300") for _ in range(most + 10)]
        responses = [connection.response(stream) for stream in streams]
    assert all(r.status == 200 for r in responses[: most - 1])
    assert all(r.reset == frames.REFUSED_STREAM or r.status == 200 for r in responses)


def test_a_reset_reaches_the_endpoint(client, target):
    """What the client no longer wants is not carried on with: its connection is closed."""
    endpoint, host = target
    with client() as connection:
        for path in ("/slow/60000", "/bytes/100000000"):
            before, mark = established(endpoint.port), endpoint.mark()
            stream = connection.begin(host, path)
            waiting.until("the request", lambda since=mark: endpoint.requests(since))
            connection.send(frames.reset(stream))
            waiting.until("its end", lambda count=before: established(endpoint.port) <= count)
        assert connection.get(host).status == 200


def established(port: int) -> int:
    """How many connections to that port of this machine are whole."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    local = f"0100007F:{port:04X}"
    return sum(1 for row in rows if row[1] == local and row[3] == "01")


def test_a_client_that_vanishes_leaves_nothing(client, target):
    _, host = target
    for _ in range(20):
        connection = client()
        for path in ("/slow/5000", "/bytes/100000000", "/slow/100"):
            connection.begin(host, path)
        connection.begin(host, "/", method="POST", end=False)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, *[0] * 7]))
        connection.close()
    with client() as connection:
        assert connection.get(host).status == 200


def test_a_body_that_the_endpoint_breaks_off_is_a_reset(client, target):
    """Never a body that looks whole."""
    _, host = target
    with client() as connection:
        raw = "SFRUUC8xLjEgMjAwIE9LDQpDb250ZW50LUxlbmd0aDogMTAwDQoNCnNob3J0"
        stream = connection.begin(host, f"/raw/{raw}")
        killer = threading.Timer(0.5, target[0].kill)
        killer.start()
        response = connection.response(stream)
        killer.join()
        target[0].start()
    assert response.reset is not None and not response.ended


def test_what_others_ask_on_one_connection_goes_by_their_own_cookies(secure, zones, endpoints):
    """Section 9.6: streams are independent for affinity (as T1 says of requests)."""
    a, b = endpoints("a", "b")
    host = zones.site(zones.pool(a, b), session_affinity="cookie")
    secure.await_answer(host, "a", "b")
    cookies: dict[str, str] = {}
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        while len(cookies) < 2:
            response = connection.get(host)
            cookies[response.endpoint] = response.cookie()
        for turn in range(20):
            name = "ab"[turn % 2]
            response = connection.get(host, "/", [("cookie", cookies[name])])
            assert (response.endpoint, response.cookie()) == (name, None)


def test_each_stream_is_balanced(secure, zones, endpoints):
    a, b = endpoints("a", "b")
    host = zones.site(zones.pool(a, b))
    secure.await_answer(host, "a", "b")
    with http2.Connection(secure.http) as connection:
        seen = [connection.get(host).endpoint for _ in range(100)]
    assert 20 < seen.count("a") < 80


def test_hosts_of_one_connection_are_told_apart(secure, zones, endpoints):
    a, b = endpoints("a", "b")
    hosts = [zones.site(zones.pool(endpoint)) for endpoint in (a, b)]
    for host, name in zip(hosts, "ab", strict=True):
        secure.await_answer(host, name)
    with http2.Connection(secure.https, secure.client("h2"), hosts[0]) as connection:
        for host, name in [*zip(hosts, "ab", strict=True)] * 5:
            assert connection.get(host).endpoint == name
        assert connection.get("nobody.example").status == 409


def test_a_client_that_speaks_http1_on_the_same_port(secure, target):
    """The preface tells them apart, however it is cut."""
    _, host = target
    for cut in (1, 3, 14, 23):
        with http1.Connection(secure.http) as raw:
            raw.send(frames.PREFACE[:cut])
            waiting.time.sleep(0.05)
            raw.send(frames.PREFACE[cut:] + frames.settings())
            raw.send(frames.headers(1, frames.get(host)))
            head = raw.stream.read(9)
            assert head[3] == frames.SETTINGS, head
    assert secure.get("/", host).status == 200
    with secure.connect() as connection:
        assert connection.ask("PRIVATE", "/", host).status in (200, 501)
