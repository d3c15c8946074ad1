"""The instruments of the edge that could mislead, tried without a balancer in between: a test that
fails must mean a product that fails.
"""

import contextlib
import socket
import ssl
import threading

import pytest

from harness.edge import frames, http2
from harness.edge.attack import verdict
from harness.edge.hello import APPLICATION_DATA, Client, Sealed, records
from harness.edge.websocket import BINARY, Message, frame, parse


@pytest.fixture(params=["tls", "plain"])
def direct(request, authority, modern_endpoints):
    """Connections straight to an endpoint of HTTP/2, with TLS and without."""
    if request.param == "tls":
        endpoint = modern_endpoints("m", pair=authority.issue("localhost"))
        return lambda: http2.Connection(endpoint.port, authority.client("h2"), "localhost")
    endpoint = modern_endpoints("m")
    return lambda: http2.Connection(endpoint.port)


def test_the_client_of_http2_sees_what_happens(direct):
    with direct() as connection:
        connection.settle()
        assert connection.get("h", "/x").status == 200
        assert connection.post("h", "/echo", b"y" * 300_000).body == b"y" * 300_000
        assert len(connection.get("h", "/bytes/3000000").body) == 3_000_000
        assert dict(connection.get("h", "/trailers").trailers)["grpc-status"] == "0"
        assert connection.get("h", "/hints").interim[0].status == 103
        assert connection.get("h", "/reset/7").reset == frames.REFUSED_STREAM
        cut = connection.get("h", "/cut/2")
        assert (cut.reset, cut.ended, len(cut.body)) == (2, False, 1000)
    with direct() as connection, pytest.raises(http2.GoneAway):
        connection.get("h", "/goaway/1")
    with direct() as connection:
        connection.send(frames.data(0, b"no stream"))
        assert connection.gone() == frames.PROTOCOL_ERROR


def test_integers_and_literals_are_those_of_rfc_7541():
    assert frames.integer(10, 5) == b"\x0a"
    assert frames.integer(1337, 5) == b"\x1f\x9a\x0a"
    assert frames.literal("custom-key", "custom-header", kept=True) == bytes.fromhex(
        "400a637573746f6d2d6b65790d637573746f6d2d686561646572"
    )


def test_a_verdict_counts_whole_frames():
    away = frames.frame(frames.GOAWAY, payload=bytes(4) + frames.ENHANCE_YOUR_CALM.to_bytes(4))
    seen = frames.settings() + frames.reset(1) + frames.reset(3) + away
    assert verdict(seen, "h2") == (frames.ENHANCE_YOUR_CALM, 2)
    assert verdict(seen[:-1], "h2") == (None, 2)
    assert verdict(b"HTTP/1.1 408 Request Timeout\r\n", "http/1.1") == (408, 0)
    assert verdict(b"", "raw") == (None, 0)


def test_frames_of_websocket_are_read_as_they_are_written():
    for size in (0, 125, 126, 70_000):
        data = frame(BINARY, bytes(size), masked=False)
        assert parse(data + b"rest") == (Message(BINARY, True, bytes(size)), b"rest")
        assert parse(data[:-1]) is None


@pytest.fixture
def echo(authority):
    """The port of a TLS server of Python's that sends back what it reads."""
    pair = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with (
                plain,
                contextlib.suppress(OSError),
                context.wrap_socket(plain, server_side=True) as secured,
            ):
                while data := secured.recv(1000):
                    secured.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_hello_in_pieces_is_the_same_hello(echo, authority):
    with Client(echo, authority.client(), "localhost") as client:
        client.socket.sendall(records(client.hello(), 1))
        client.handshake()
        assert client.ask(b"ahoy") == b"ahoy"


def test_sealed_records_and_new_keys_are_understood(echo, authority):
    sealed = Sealed(echo, authority.client(), "localhost")
    with sealed.client:
        for _ in range(3):
            sealed.send(APPLICATION_DATA, b"ahoy")
            sealed.socket.sendall(sealed.key_update(requested=False))
        sealed.send(APPLICATION_DATA, b"last")
        heard = b""
        while not heard.endswith(b"last"):
            sealed.client.inward.write(sealed.socket.recv(1000))
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    heard += sealed.client.tls.read(1000)
        assert heard == b"ahoyahoyahoylast"
