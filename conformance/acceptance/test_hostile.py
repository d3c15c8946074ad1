"""Requests that two parsers could read in two ways (`harness.hostile`), over the wire.

Each goes out on a connection of its own. What counts is what the endpoint saw: the visible request
once at most, the hidden one never, and no byte that is no request.
"""

import contextlib

import pytest

from harness import hostile, http1
from harness.endpoint import Endpoint, seen_headers, values

REFUSALS = {400, 414, 417, 431, 501}


@pytest.fixture(scope="module")
def target(edge, control, tmp_path_factory):
    """An endpoint of its own behind a host name of its own."""
    endpoint = Endpoint("target", tmp_path_factory.mktemp("hostile")).start()
    balancer = control.balancer(control.pool(endpoint))
    edge.await_answer(balancer.host, "target")
    yield endpoint, balancer.host
    endpoint.kill()


def answers(edge, data: bytes) -> list[http1.Response]:
    """Sends the bytes; returns every response up to the close, which has to come."""
    with edge.connect() as connection:
        # Refused before the end was sent: what was answered can still be read.
        with contextlib.suppress(ConnectionError):
            connection.send(data)
        found = []
        try:
            while True:
                found.append(connection.read())
        except http1.Closed:
            return found
        except ConnectionError:
            return found
        except TimeoutError:
            raise AssertionError(f"still open after {[r.status for r in found]}") from None


@pytest.mark.parametrize(
    "case",
    hostile.CASES,
    ids=lambda case: case.name.encode("ascii", "backslashreplace").decode(),
)
def test_no_second_request_gets_through(edge, target, case):
    endpoint, host = target
    mark = endpoint.mark()
    responses = answers(edge, case.sent(host))
    statuses = [response.status for response in responses]

    # What was still on its way has most likely arrived once a later request has. The endpoint may
    # read the two connections in either order.
    with edge.connect() as connection:
        assert connection.get("/sentinel", host).status == 200
    seen = [request["target"] for request in endpoint.requests(mark)]
    seen.remove("/sentinel")

    assert endpoint.events("garbage", mark) == []
    assert "/hidden" not in seen
    if case.strict and not case.in_body:
        assert seen == []
    assert len(seen) <= 1
    if seen and not case.in_body:
        assert statuses == [200]
    else:
        assert len(statuses) == 1 and statuses[0] in REFUSALS, statuses
    if case.in_body:
        whole = [event for event in endpoint.events("body", mark) if event["target"] == "/visible"]
        assert whole == [], "the endpoint must not take a broken body for a whole one"


def test_forbidden_trailers_are_dropped_or_refused(edge, target):
    endpoint, host = target
    for trailer in ("Content-Length: 100", "Host: other.example", "Transfer-Encoding: chunked"):
        mark = endpoint.mark()
        data = hostile.post(hostile.TE, then=f"{hostile.HELLO}0\r\n{trailer}\r\n\r\n")
        with edge.connect() as connection:
            connection.send(data.replace("{host}", host).encode())
            response = connection.read()
            assert response.status in {200, 400}
            if response.status == 200:
                assert connection.get("/after", host).status == 200
        assert endpoint.events("garbage", mark) == []


def test_an_oversized_head_is_refused(edge, target):
    """Row 13, as far as a client can see it."""
    endpoint, host = target
    mark = endpoint.mark()
    for data, refusals in [
        (f"GET /{'a' * (1 << 20)} HTTP/1.1\r\nHost: {host}\r\n\r\n", {414, 400, 431}),
        (f"GET / HTTP/1.1\r\nHost: {host}\r\nX: {'a' * (1 << 20)}\r\n\r\n", {431, 400}),
        (f"GET / HTTP/1.1\r\nHost: {host}\r\n" + "X: y\r\n" * 10_000 + "\r\n", {431, 400}),
        ("G" * 100_000 + f" / HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 431, 501}),
    ]:
        found = answers(edge, data.encode())
        # The peer may reset the connection over what it did not read, and the answer with it.
        assert [response.status for response in found][:1] == [] or found[0].status in refusals
    assert endpoint.requests(mark) == []


def test_naming_our_headers_in_connection_does_not_remove_them(edge, target):
    """Row 10."""
    _, host = target
    named = "close, X-Forwarded-For, Host, Authorization, CF-Connecting-IP, CF-Ray, CDN-Loop"
    sent = [("Connection", named), ("X-Forwarded-For", "1.2.3.4")]
    seen = seen_headers(edge.get("/", host, sent))
    assert values(seen, "host") == [host]
    assert values(seen, "cf-connecting-ip") == ["127.0.0.1"]
    assert values(seen, "x-forwarded-for")[-1].endswith("127.0.0.1")
    assert len(values(seen, "cdn-loop")) == 1
    assert len(values(seen, "cf-ray")) == 1


@pytest.mark.parametrize("spelling", ["{host}.", "{upper}", "{host}:80", "{host}.:8080"])
def test_other_spellings_of_the_host_find_the_same_load_balancer(edge, target, spelling):
    """Row 11: a trailing dot, another case and a port change nothing."""
    _, host = target
    response = edge.get("/", spelling.format(host=host, upper=host.upper()))
    assert (response.status, response.endpoint) == (200, "target")


def test_the_absolute_form_of_the_right_host_is_served(edge, target):
    _, host = target
    with edge.connect() as connection:
        response = connection.get(f"http://{host}/x?y", host)
        assert response.status == 200
        assert connection.get("/", host).status == 200


def test_there_is_no_open_proxy(edge, target):
    endpoint, host = target
    mark = endpoint.mark()
    for line in (f"CONNECT 127.0.0.1:{edge.api}", f"CONNECT {host}:80", "TRACE /"):
        found = answers(edge, f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert [response.status for response in found] in ([400], [405], [501]), line
    assert endpoint.requests(mark) == []
