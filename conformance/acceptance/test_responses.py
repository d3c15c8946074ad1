"""Endpoints that answer badly (row 17 of the hostile inputs): the next client never suffers."""

import base64

import pytest

from harness import http1, waiting


@pytest.fixture
def endpoint(endpoints):
    """An endpoint that does what the path says."""
    return endpoints("a")[0]


@pytest.fixture
def host(edge, control, endpoint):
    """A host name with that endpoint behind it."""
    balancer = control.balancer(control.pool(endpoint))
    edge.await_answer(balancer.host, "a")
    return balancer.host


OK = b"HTTP/1.1 200 OK\r\n"

BAD = {
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and coding": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd coding": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no http here\r\n\r\n",
    "no version": b"200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad status": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 5\r\n\r\nhello",
    "LF alone": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "CR in a value": OK + b"X-A: b\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": OK + b"X-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "switches protocols unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
}


def raw(data: bytes) -> str:
    """The target that makes the endpoint send these bytes."""
    return f"/raw/{base64.urlsafe_b64encode(data).decode()}"


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_response_is_a_520(edge, host, name):
    with edge.connect() as connection:
        assert connection.get(raw(BAD[name]), host).status in {520, 502}
    for _ in range(3):
        assert edge.get("/", host).endpoint == "a"


def test_more_bytes_than_announced_go_to_nobody(edge, host):
    splitting = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
    for data in (
        OK + b"Content-Length: 5\r\n\r\nhello" + splitting,
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + splitting,
        b"HTTP/1.1 204 No Content\r\n\r\n" + splitting,
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + splitting,
    ):
        with edge.connect() as connection:
            first = connection.get(raw(data), host)
            assert first.status in {200, 204, 304} and first.body in {b"hello", b""}
            for _ in range(5):
                response = connection.get("/", host)
                assert response.status == 200 and b"stolen" not in response.body
        assert edge.get("/", host).endpoint == "a"


def test_a_response_that_nobody_asked_for_goes_to_nobody(edge, host, endpoint):
    with edge.connect() as connection:
        for _ in range(5):
            mark = endpoint.mark()
            assert connection.get("/late", host).body == b"ok"
            waiting.until("the late response", lambda mark=mark: endpoint.events("late", mark))
            response = connection.get("/", host)
            assert response.status == 200 and b"stolen" not in response.body


def test_a_broken_body_breaks_the_response_and_nothing_else(edge, host):
    for data in (
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF1\r\nhello",
    ):
        with edge.connect() as connection:
            connection.send(http1.request("GET", raw(data), host))
            try:
                response = connection.read()
            except (http1.Broken, ValueError, ConnectionError):
                pass  # cut off: the client can tell that it is not whole
            else:
                assert response.status in {520, 502}
        assert edge.get("/", host).endpoint == "a"


def test_a_head_of_half_a_mebibyte_is_a_520(edge, host):
    assert edge.get(f"/long-head/{1 << 19}", host).status in {520, 502}
    assert len(edge.get(f"/long-head/{100 << 10}", host).header("x-long")) == 100 << 10
    assert edge.get("/", host).endpoint == "a"


def test_an_endless_row_of_interim_responses_is_cut(edge, host):
    with edge.connect() as connection:
        connection.send(http1.request("GET", "/flood/10000", host))
        try:
            response = connection.read()
        except (http1.Closed, http1.Broken, ConnectionError):
            response = None
        assert response is None or response.status in {520, 502}
    assert edge.get("/", host).endpoint == "a"
