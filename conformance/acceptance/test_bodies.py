"""Bodies of every framing in both directions, with clients that people use."""

import hashlib
import http.client
import json
import subprocess

import httpx
import pytest
import requests

from harness import http1
from harness.endpoint import Endpoint
from harness.endpoint_server import BLOCK

LARGE = 64 << 20


@pytest.fixture(scope="module")
def host(edge, control, tmp_path_factory):
    """A host name with one endpoint behind it."""
    endpoint = Endpoint("a", tmp_path_factory.mktemp("bodies")).start()
    balancer = control.balancer(control.pool(endpoint))
    edge.await_answer(balancer.host, "a")
    yield balancer.host
    endpoint.kill()


def pattern(length: int):
    """The bytes of `/bytes/N`, in pieces."""
    while length:
        piece = BLOCK[: min(length, len(BLOCK))]
        length -= len(piece)
        yield piece


def digest(pieces) -> str:
    """SHA-256 of the pieces in a row."""
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.hexdigest()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_large_body_comes_down_whole(edge, host, chunked):
    target = f"/bytes/{LARGE}" + "/chunked" * chunked
    url = f"http://127.0.0.1:{edge.http}{target}"
    with httpx.stream("GET", url, headers={"Host": host}, timeout=60) as answer:
        assert answer.status_code == 200
        received = digest(answer.iter_raw(1 << 16))
    assert received == digest(pattern(LARGE))


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_large_body_goes_up_whole(edge, host, chunked):
    headers = {"Host": host} | ({} if chunked else {"Content-Length": str(LARGE)})
    url = f"http://127.0.0.1:{edge.http}/"
    answer = httpx.post(url, content=pattern(LARGE), headers=headers, timeout=60).json()
    assert answer["length"] == LARGE and answer["sha256"] == digest(pattern(LARGE))
    names = [name.lower() for name, _ in answer["headers"]]
    assert ("transfer-encoding" in names) == chunked and ("content-length" in names) != chunked


def test_a_chunked_upload_comes_back_as_it_was_sent(edge, host):
    pieces = [b"a", b"bc" * 5000, b"d" * 70_000, b"\r\n0\r\n\r\n"]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = http1.request("POST", "/echo", host, [("Transfer-Encoding", "chunked")])
    with edge.connect() as connection:
        for _ in range(3):
            connection.send(head + body)
            response = connection.read()
            assert response.body == b"".join(pieces)
            assert response.header("transfer-encoding") == "chunked"


def test_a_chunked_upload_in_single_bytes_and_with_extensions(edge, host):
    body = b'5;name="v"\r\nhello\r\n0;last\r\nX-Trailer: 1\r\n\r\n'
    data = http1.request("POST", "/", host, [("Transfer-Encoding", "chunked")]) + body
    with edge.connect() as connection:
        for position in range(len(data)):
            connection.send(data[position : position + 1])
        assert json.loads(connection.read().body)["length"] == 5
        assert connection.get("/", host).status == 200


def test_no_body_where_none_belongs(edge, host):
    with edge.connect() as connection:
        described = connection.get("/", host)
        head = connection.ask("HEAD", "/", host)
        assert (head.status, head.body) == (200, b"")
        length = int(head.header("content-length"))
        assert abs(length - len(described.body)) <= 2, "the length that a GET would have"
        for status in (204, 304):
            response = connection.get(f"/status/{status}", host)
            assert (response.status, response.body) == (status, b"")
        assert connection.get("/status/304", host).header("etag") == '"v1"'
        assert connection.ask("HEAD", "/bytes/1000", host).header("content-length") == "1000"
        assert connection.get("/", host).status == 200, "the connection is still in step"


def test_a_body_that_ends_with_the_connection(edge, host):
    with edge.connect() as connection:
        assert connection.get("/until-close", host).body == b"all of it"
    with edge.connect() as connection:
        connection.send(f"GET /until-close HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        response = connection.read()
        assert (response.body, response.until_close) == (b"all of it", True)
        assert response.header("transfer-encoding") is None


def test_an_http_1_0_client_gets_no_chunks(edge, host):
    with edge.connect() as connection:
        connection.send(f"GET /bytes/100000/chunked HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        response = connection.read()
        assert response.header("transfer-encoding") is None
        assert response.body == b"".join(pattern(100_000))


def test_interim_responses_are_passed_on(edge, host):
    with edge.connect() as connection:
        response = connection.get("/hints", host)
        assert [interim.status for interim in response.interim] == [103]
        assert response.interim[0].header("link") == "</a.css>; rel=preload"
        assert response.status == 200


def test_a_client_that_waits_for_100_gets_it(edge, host):
    headers = [("Expect", "100-continue"), ("Content-Length", "5")]
    with edge.connect() as connection:
        for _ in range(2):
            connection.send(http1.request("POST", "/", host, headers))
            assert connection.stream.readline() == b"HTTP/1.1 100 Continue\r\n"
            while connection.stream.readline() != b"\r\n":
                pass
            connection.send(b"hello")
            assert json.loads(connection.read().body)["sha256"] == digest([b"hello"])


def test_a_client_that_does_not_wait_is_served_as_well(edge, host):
    headers = [("Expect", "100-continue")]
    with edge.connect() as connection:
        response = connection.ask("POST", "/", host, headers, b"hello")
        assert json.loads(response.body)["sha256"] == digest([b"hello"])
        assert connection.get("/", host).status == 200


def test_pipelined_requests_are_answered_in_order(edge, host):
    count = 50
    targets = [f"/slow/20?{n}" if n % 10 == 0 else f"/?{n}" for n in range(count)]
    with edge.connect() as connection:
        connection.send(b"".join(http1.request("GET", target, host) for target in targets))
        answers = [json.loads(connection.read().body)["target"] for _ in range(count)]
    assert answers == targets


def test_methods_and_targets_pass_as_they_are(edge, host):
    with edge.connect() as connection:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"):
            assert json.loads(connection.ask(method, "/", host).body)["method"] == method
        for target in ("/?", "/a%2Fb/%C3%A9?q=%20&r", "//x//", "/a/../b", "/" + "a" * 8000):
            assert json.loads(connection.get(target, host).body)["target"] == target


def test_the_usual_clients_are_served(edge, host):
    address = f"127.0.0.1:{edge.http}"
    url = f"http://{address}/bytes/1000"
    expected = b"".join(pattern(1000))

    standard = http.client.HTTPConnection(address, timeout=10)
    for _ in range(3):
        standard.request("GET", "/bytes/1000", headers={"Host": host})
        assert standard.getresponse().read() == expected
    standard.close()

    with requests.Session() as session:
        for _ in range(3):
            assert session.get(url, headers={"Host": host}, timeout=10).content == expected

    with httpx.Client(headers={"Host": host}) as client:
        for _ in range(3):
            assert client.get(url).content == expected

    curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10"]
    curl += ["--header", f"Host: {host}", url, url]
    assert subprocess.run(curl, capture_output=True, check=True).stdout == expected * 2
