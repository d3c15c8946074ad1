"""TLS by hand, as far as it takes to be hostile: a real ClientHello in records of any shape, and
records of TLS 1.3 that no library sends.

The library does the handshake over memory; what it says is cut up, or, once it is done, its secret
is taken from its key log and records are sealed here (RFC 8446 sections 4.6.3, 5.2 and 7.3).
"""

import hashlib
import hmac
import socket
import ssl
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

HANDSHAKE, ALERT, APPLICATION_DATA = 22, 21, 23
RECORD_BYTES_MAX = 1 << 14

KEY_UPDATE, UPDATE_REQUESTED = 24, 1


class Client:
    """A TLS client whose records pass through our hands."""

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext,
        name: str | None,
        timeout: float = 10.0,
        session: ssl.SSLSession | None = None,
    ):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.inward, self.outward, server_hostname=name, session=session
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hello(self) -> bytes:
        """The ClientHello, a record of its own."""
        self.step()
        return self.outward.read()

    def step(self) -> bool:
        """Whether the handshake is done."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def handshake(self) -> None:
        """Goes on, with what is to be sent, to the end of the handshake."""
        while not self.step():
            self._flush()
            got = self.socket.recv(RECORD_BYTES_MAX)
            if not got:
                raise ConnectionResetError("closed in the handshake")
            self.inward.write(got)
        self._flush()

    def ask(self, request: bytes) -> bytes:
        """Sends a request; the first bytes of what comes back."""
        self.tls.write(request)
        self._flush()
        while True:
            try:
                return self.tls.read(RECORD_BYTES_MAX)
            except ssl.SSLWantReadError:
                got = self.socket.recv(RECORD_BYTES_MAX)
                if not got:
                    raise ConnectionResetError("closed") from None
                self.inward.write(got)

    def _flush(self) -> None:
        if data := self.outward.read():
            self.socket.sendall(data)


def records(hello: bytes, size: int) -> bytes:
    """The same handshake bytes in records of `size` bytes."""
    version, body = hello[1:3], hello[5:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(record(HANDSHAKE, piece, version) for piece in pieces)


def record(kind: int, payload: bytes, version: bytes = b"\x03\x03") -> bytes:
    """One record as it stands on the wire."""
    return bytes([kind]) + version + len(payload).to_bytes(2) + payload


def with_extension(hello: bytes, kind: int, payload: bytes) -> bytes:
    """A ClientHello with one more extension. Its lengths are mended; its order is not ours."""
    body = bytearray(hello[9:])
    at = 2 + 32
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at : at + 2])
    at += 1 + body[at]
    extension = kind.to_bytes(2) + len(payload).to_bytes(2) + payload
    length = int.from_bytes(body[at : at + 2]) + len(extension)
    body[at : at + 2] = length.to_bytes(2)
    # In front, since a pre-shared key has to be the last.
    body[at + 2 : at + 2] = extension
    message = b"\x01" + len(body).to_bytes(3) + bytes(body)
    pieces = [message[n : n + RECORD_BYTES_MAX] for n in range(0, len(message), RECORD_BYTES_MAX)]
    return b"".join(record(HANDSHAKE, piece, b"\x03\x01") for piece in pieces)


class Sealed:
    """Writes records of TLS 1.3 with the library's own keys, after its handshake."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str, timeout: float = 10.0):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "keys"
            context.keylog_filename = str(log)
            self.client = Client(port, context, name, timeout)
            self.client.handshake()
            lines = [line.split() for line in log.read_text().splitlines()]
        assert self.client.tls.version() == "TLSv1.3"
        [secret] = [line[2] for line in lines if line and line[0] == "CLIENT_TRAFFIC_SECRET_0"]
        self.secret, self.socket = bytes.fromhex(secret), self.client.socket
        self.hash = hashlib.sha384 if len(self.secret) == 48 else hashlib.sha256
        self.cipher = self.client.tls.cipher()[0]
        self._rekey()

    def send(self, kind: int, payload: bytes) -> None:
        """One sealed record with that content."""
        self.socket.sendall(self.seal(kind, payload))

    def seal(self, kind: int, payload: bytes) -> bytes:
        """One sealed record, counted as sent."""
        inner = payload + bytes([kind])
        head = bytes([APPLICATION_DATA]) + b"\x03\x03" + (len(inner) + 16).to_bytes(2)
        counter = int.from_bytes(self._iv) ^ self._number
        self._number += 1
        return head + self._key.encrypt(counter.to_bytes(12), inner, head)

    def key_update(self, requested: bool) -> bytes:
        """A KeyUpdate; what is sealed after it has the next key."""
        wish = UPDATE_REQUESTED if requested else 0
        made = self.seal(HANDSHAKE, bytes([KEY_UPDATE, 0, 0, 1, wish]))
        self.secret = self._expand(self.secret, b"traffic upd", len(self.secret))
        self._rekey()
        return made

    def _rekey(self) -> None:
        size = 16 if "AES_128" in self.cipher else 32
        key = self._expand(self.secret, b"key", size)
        self._key = ChaCha20Poly1305(key) if "CHACHA" in self.cipher else AESGCM(key)
        self._iv, self._number = self._expand(self.secret, b"iv", 12), 0

    def _expand(self, secret: bytes, label: bytes, length: int) -> bytes:
        """HKDF-Expand-Label with an empty context; one block is always enough here."""
        label = b"tls13 " + label
        info = length.to_bytes(2) + bytes([len(label)]) + label + b"\x00"
        return hmac.new(secret, info + b"\x01", self.hash).digest()[:length]
