"""HTTP/2 towards endpoints (behaviour.md 9.6): chosen by ALPN, many requests on one connection, and
safe retries when an endpoint goes away or refuses.
"""

import json
import threading

import pytest

from harness import http1, waiting
from harness.edge import frames, http2
from harness.edge.secure import zone_name


@pytest.fixture
def make(secure, zones, authority, modern_endpoints):
    """Starts an endpoint and a load balancer over it; waits until it serves."""

    def start(name: str = "a", kind: str = "full", **options: object):
        pair = authority.issue(f"*.{zone_name(kind)}")
        endpoint = modern_endpoints(name, pair=pair, **options)
        host = zones.site(zones.pool(endpoint), kind=kind)
        waiting.until(host, lambda: ask(secure, host).status == 200)
        return endpoint, host

    return start


def ask(secure, host: str, path: str = "/", method: str = "GET", body: bytes = b""):
    """One request over TLS and HTTP/1.1."""
    with secure.connect_securely(host, timeout=20) as connection:
        return connection.ask(method, path, host, (), body)


def test_alpn_chooses(secure, zones, make):
    endpoint, host = make()
    assert json.loads(ask(secure, host, "/x?y").body)["version"] == "HTTP/2"
    assert endpoint.events("open")[-1]["alpn"] == "h2"
    head = endpoint.requests()[-1]
    assert head["scheme"] == "https"
    names = [name for name, _ in head["headers"]]
    assert all(name == name.lower() for name in names)
    assert not {"connection", "keep-alive", "transfer-encoding", "upgrade"} & set(names)
    assert names.count("host") == 1


@pytest.mark.parametrize("kind", ["endpoint-http1", "full"])
def test_http1_where_it_is_wished_or_all_there_is(secure, make, kind):
    alpn = "h2,http/1.1" if kind == "endpoint-http1" else "http/1.1"
    endpoint, host = make(kind=kind, alpn=alpn)
    assert ask(secure, host).status == 200
    assert endpoint.events("open")[-1]["alpn"] in ("http/1.1", None)
    assert endpoint.events("garbage") == []


def test_trap_t53_many_requests_share_a_connection(secure, make):
    """An HTTP/2 endpoint with 50 requests in flight has one connection, or one for each worker."""
    endpoint, host = make()
    mark = endpoint.mark()
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        streams = [connection.begin(host, f"/slow/500?{n}") for n in range(50)]
        assert all(connection.response(stream).status == 200 for stream in streams)
    used = {request["connection"] for request in endpoint.requests(mark)}
    assert len(endpoint.requests(mark)) == 50
    assert len(used) <= 2, f"{len(used)} connections"


def test_an_endpoints_limit_on_streams_is_kept(secure, make):
    """Further requests get a further connection (9.6)."""
    endpoint, host = make(streams=5)
    mark = endpoint.mark()
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        streams = [connection.begin(host, f"/slow/800?{n}") for n in range(20)]
        assert all(connection.response(stream).status == 200 for stream in streams)
    used = [request["connection"] for request in endpoint.requests(mark)]
    assert max(used.count(number) for number in used) <= 5
    assert endpoint.events("garbage") == []


def test_bodies_pass_whole_in_both_directions(secure, make):
    _, host = make()
    body = bytes(range(256)) * 20_000
    answer = ask(secure, host, "/echo", "POST", body)
    assert answer.body == body
    assert len(ask(secure, host, f"/bytes/{8 << 20}").body) == 8 << 20


def test_trailers_pass_both_ways(secure, make):
    endpoint, host = make()
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        response = connection.get(host, "/trailers", [("te", "trailers")])
        assert response.body == b"body"
        assert dict(response.trailers) == {"grpc-status": "0", "grpc-message": "well done"}
        response = connection.get(host, "/only-trailers", [("te", "trailers")])
        assert response.header("grpc-status") == "12" and response.ended
        mark = endpoint.mark()
        stream = connection.begin(host, "/echo", [("te", "trailers")], "POST", end=False)
        connection.send(frames.data(stream, b"hello"), frames.headers(stream, [("x-sum", "42")]))
        response = connection.response(stream)
        assert (response.body, response.trailers) == (b"hello", [("x-sum", "42")])
    [head] = endpoint.requests(mark)
    assert ["te", "trailers"] in head["headers"]


def test_trailers_from_http2_reach_a_client_of_http1(secure, make):
    """Chunked, with the trailers behind the last chunk, or without; never as a broken body."""
    _, host = make()
    with secure.connect_securely(host) as connection:
        response = connection.get("/trailers", host, [("TE", "trailers")])
        assert response.body == b"body"
        assert connection.get("/", host).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_stream_is_tried_again(secure, make, method):
    """REFUSED_STREAM says that nothing was done: safe for every method."""
    _, host = make()
    body = b"x" * 1000 if method == "POST" else b""
    answer = ask(secure, host, f"/reset/{frames.REFUSED_STREAM}/1?{method}", method, body)
    assert answer.status == 200


def test_a_stream_that_is_refused_for_ever_ends(secure, make):
    endpoint, host = make()
    mark = endpoint.mark()
    assert ask(secure, host, f"/reset/{frames.REFUSED_STREAM}").status in (502, 520)
    assert 1 <= len(endpoint.requests(mark)) <= 4


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_goaway_that_disowns_a_request_has_it_tried_again(secure, make, method):
    endpoint, host = make()
    ask(secure, host)  # so that there is a connection to go away
    mark = endpoint.mark()
    body = b"x" * 1000 if method == "POST" else b""
    assert ask(secure, host, f"/goaway/1?{method}", method, body).status == 200
    assert len(endpoint.requests(mark)) == 2


def test_goaway_that_owns_a_request_lets_it_finish(secure, make):
    endpoint, host = make()
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        others = [connection.begin(host, f"/slow/500?{n}") for n in range(5)]
        assert connection.get(host, "/last-words").status == 200
        assert all(connection.response(stream).status == 200 for stream in others)
        for _ in range(5):
            assert connection.get(host).status == 200
    assert endpoint.events("garbage") == []


@pytest.mark.parametrize("code", [1, 2, 8, 11])
def test_other_resets_are_no_answer_and_not_repeated(secure, make, code):
    """The endpoint may have acted: 520, one attempt, even for a GET (T11)."""
    endpoint, host = make()
    mark = endpoint.mark()
    assert ask(secure, host, f"/reset/{code}").status in (502, 520)
    assert len(endpoint.requests(mark)) == 1


def test_an_endpoint_that_wants_http1_gets_it(secure, make):
    """HTTP_1_1_REQUIRED (RFC 9113 section 7)."""
    endpoint, host = make()
    answer = ask(secure, host, f"/reset/{frames.HTTP_1_1_REQUIRED}/1")
    assert answer.status in (200, 502, 520)
    assert endpoint.events("garbage") == []


def test_a_body_cut_short_does_not_look_whole(secure, make):
    _, host = make()
    with (
        secure.connect_securely(host) as connection,
        pytest.raises((http1.Broken, http1.Closed, OSError)),
    ):
        connection.get("/cut/2", host)
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        response = connection.get(host, "/cut/2")
        assert response.reset is not None and not response.ended


def test_alpn_says_h2_but_the_endpoint_speaks_garbage(secure, zones, authority, modern_endpoints):
    """Section 9.6: 520."""
    pair = authority.issue("x.example")
    endpoint = modern_endpoints("a", pair=pair, garbage=True)
    host = zones.site(zones.pool(endpoint), kind="full")
    waiting.until("520", lambda: ask(secure, host).status == 520)


@pytest.mark.parametrize("way", ["http1", "http2"])
def test_a_client_that_leaves_cancels_at_the_endpoint(secure, make, way):
    endpoint, host = make()
    mark = endpoint.mark()
    if way == "http1":
        connection = secure.connect_securely(host)
        connection.send(http1.request("GET", "/slow/60000", host))
    else:
        connection = http2.Connection(secure.https, secure.client("h2"), host)
        stream = connection.begin(host, "/slow/60000")
    waiting.until("the request", lambda: endpoint.requests(mark))
    if way == "http2":
        connection.send(frames.reset(stream))
    else:
        connection.close()
    waiting.until("the reset", lambda: endpoint.events("reset", mark))
    assert endpoint.events("reset", mark)[0]["code"] in (frames.CANCEL, frames.NO_ERROR)
    # The connection it was on is as good as before.
    assert ask(secure, host).status == 200
    if way == "http2":
        connection.close()


def test_a_slow_reader_does_not_hold_up_others_at_the_endpoint(secure, make):
    """Streams of two clients share a connection; one of them does not read."""
    _, host = make()
    with http2.Connection(secure.https, secure.client("h2"), host, hold=True) as held:
        stream = held.begin(host, f"/bytes/{64 << 20}")
        held.head(stream)
        for _ in range(20):
            assert ask(secure, host).status == 200
        assert len(ask(secure, host, f"/bytes/{4 << 20}").body) == 4 << 20


def test_a_hanging_upload_does_not_hold_up_others_at_the_endpoint(secure, make):
    """An endpoint that does not read one body takes others on the same connection."""
    _, host = make()
    body = b"x" * (1 << 20)
    results: list[int] = []
    thread = threading.Thread(
        target=lambda: results.append(ask(secure, host, "/slow/3000", "POST", body).status)
    )
    thread.start()
    for _ in range(20):
        assert ask(secure, host, "/echo", "POST", b"y" * 100_000).body == b"y" * 100_000
    thread.join()
    assert results == [200]


def test_an_endpoint_that_dies_fails_no_get(secure, zones, authority, modern_endpoints):
    """Two endpoints, one of which is killed with idle connections to it."""
    pair = authority.issue("x.example")
    a, b = (modern_endpoints(name, pair=pair) for name in "ab")
    host = zones.site(zones.pool(a, b), kind="full")
    waiting.until("both", lambda: {ask(secure, host).endpoint for _ in range(10)} == {"a", "b"})
    a.kill()
    assert {ask(secure, host).endpoint for _ in range(40)} == {"b"}
