"""Servers that monitors probe and that are no HTTP endpoints: other protocols, TLS with any
certificate, and some that misbehave. Each is a thread of the test's process with a port of its own.
"""

import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.ports import free_port

Talk = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextmanager
def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that has this talk on each connection; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                peer = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                talk(peer)
                peer.close()
            except (OSError, EOFError):
                pass  # whoever probes may leave at any time, or refuse the certificate

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", free_port()), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextmanager
def udp() -> Iterator[int]:
    """A port whose datagrams are taken and never answered."""
    with socket.socket(type=socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def http(answer: bytes = OK) -> Talk:
    """Reads a head and answers that."""

    def talk(peer: socket.socket) -> None:
        read_until(peer, b"\r\n\r\n")
        peer.sendall(answer)

    return talk


def silent(peer: socket.socket) -> None:
    """Reads and says nothing."""
    while peer.recv(1 << 16):
        pass


def reset(peer: socket.socket) -> None:
    """Reads a head, then breaks the connection off."""
    read_until(peer, b"\r\n\r\n")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def read_until(peer: socket.socket, end: bytes) -> bytes:
    """Everything up to there."""
    seen = b""
    while end not in seen:
        more = peer.recv(1 << 16)
        if not more:
            raise EOFError
        seen += more
    return seen


# --- gRPC -------------------------------------------------------------------------------------

DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
ACK, END_STREAM, END_HEADERS = 1, 1, 4
SERVING, NOT_SERVING = 1, 2
NOT_FOUND = b"5"


def health(services: dict[bytes, int]) -> Talk:
    """`grpc.health.v1.Health/Check` over HTTP/2, for one call: a status for each known service.

    What the client sends in its headers is not looked at.
    """

    def talk(peer: socket.socket) -> None:
        receive(peer, len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        send(peer, SETTINGS, 0, 0, b"")
        question = b""
        while True:
            kind, flags, stream, payload = frame(peer)
            if kind in {SETTINGS, PING} and not flags & ACK:
                send(peer, kind, ACK, 0, payload if kind == PING else b"")
            if kind == DATA:
                question += payload
                if flags & END_STREAM:
                    break
        # Five bytes before the message, two before the name; none of the two without one.
        status = services.get(question[7:])
        send(
            peer,
            HEADERS,
            END_HEADERS,
            stream,
            b"\x88" + literal(b"content-type", b"application/grpc"),
        )
        if status is not None:
            send(peer, DATA, 0, stream, b"\x00\x00\x00\x00\x02\x08" + bytes([status]))
        ended = literal(b"grpc-status", b"0" if status is not None else NOT_FOUND)
        send(peer, HEADERS, END_HEADERS | END_STREAM, stream, ended)
        silent(peer)

    return talk


def receive(peer: socket.socket, count: int) -> bytes:
    """Exactly that many bytes."""
    seen = b""
    while len(seen) < count:
        more = peer.recv(count - len(seen))
        if not more:
            raise EOFError
        seen += more
    return seen


def frame(peer: socket.socket) -> tuple[int, int, int, bytes]:
    """The next frame: kind, flags, stream, payload."""
    head = receive(peer, 9)
    length = int.from_bytes(head[:3], "big")
    return head[3], head[4], int.from_bytes(head[5:], "big"), receive(peer, length)


def send(peer: socket.socket, kind: int, flags: int, stream: int, payload: bytes) -> None:
    """One frame."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    peer.sendall(head + payload)


def literal(name: bytes, value: bytes) -> bytes:
    """A header field that no table knows (RFC 7541 section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


# --- Certificates -----------------------------------------------------------------------------

CONFIG = """
[ca]
default_ca = ours
[ours]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""
LONG_AGO = ("20200101000000Z", "20200201000000Z")
NOWADAYS = ("20200101000000Z", "20491231000000Z")


class Authority:
    """Signs certificates; `certificate` is what to trust."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self.folder = folder
        (folder / "openssl.cnf").write_text(CONFIG)
        (folder / "index.txt").touch()
        self.certificate = folder / "ca.pem"
        self._new_key("ca", "-x509", "-addext", "basicConstraints=critical,CA:true")

    def context(self, name: str, subject: str, dates=NOWADAYS, alpn=("http/1.1",)):
        """A server's side of TLS with a new certificate for that subject."""
        self._new_key(name, "-addext", f"subjectAltName={subject}")
        (self.folder / f"{name}.pem").rename(self.folder / f"{name}.csr")
        # fmt: off
        self._openssl(
            "ca", "-batch", "-notext", "-config", "openssl.cnf", "-cert", "ca.pem",
            "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem",
            "-startdate", dates[0], "-enddate", dates[1],
        )
        # fmt: on
        return self._context(name, alpn)

    def self_signed(self, name: str, subject: str):
        """One that nobody signed but itself."""
        self._new_key(name, "-x509", "-addext", f"subjectAltName={subject}")
        return self._context(name, ("http/1.1",))

    def _context(self, name: str, alpn: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        context.set_alpn_protocols(list(alpn))
        return context

    def _new_key(self, name: str, *options: str) -> None:
        # fmt: off
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *options,
        )
        # fmt: on

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
