"""The offender, as a process of its own, so that its work is not taken for the product's.

Started as `python -m harness.edge.attack NAME …` by `harness.edge.flood`; prints one JSON line that
says of each connection how it ended. What an attack sends is data (`harness.edge.attacks`).
"""

import argparse
import json
import os
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from harness.edge import frames
from harness.edge.attacks import ATTACKS, Attack, Target

# Looking this often for the peer's close, when there is nothing to send, costs nothing.
POLL_MS = 50

# What a peer that has closed still has in flight arrives within this.
DRAIN_SECONDS = 3.0

# Who does not read shall not have a buffer of the kernel's read for him.
UNREAD_BYTES = 8 << 10

READ_BYTES = 1 << 16


@dataclass
class Fate:
    """What became of one hostile connection."""

    # Seconds from its beginning to its end; none while it was still open when the attack stopped.
    ended: float | None = None
    # The code of a GOAWAY, or a status of HTTP/1.1, that came before.
    code: int | None = None
    # RST_STREAM frames that came.
    resets: int = 0
    sent: int = 0
    pieces: int = 0
    # Why it never came to be, if it did not.
    refused: str = ""


class Offender:
    """One hostile connection."""

    def __init__(self, attack: Attack, target: Target):
        self.attack, self.target = attack, target
        self.fate = Fate()
        self.seen = bytearray()
        self.began = time.monotonic()

    def run(self, until: float) -> None:
        """Attacks until the peer has had enough, or the time is over."""
        try:
            self.socket = self.connect()
        except OSError as error:
            self.fate.refused, self.fate.ended = repr(error), time.monotonic() - self.began
            return
        try:
            self.socket.setblocking(False)
            self.carry_on(self.attack.pieces(self.target), until)
            if not self.attack.reads:
                self.drain(time.monotonic() + DRAIN_SECONDS)
        except (ConnectionError, ssl.SSLError, EOFError):
            self.fate.ended = time.monotonic() - self.began
        finally:
            self.socket.close()
            self.fate.code, self.fate.resets = verdict(bytes(self.seen), self.attack.protocol)

    def connect(self) -> socket.socket:
        """The connection, and TLS on it if the attack is to go through TLS."""
        plain = socket.socket()
        plain.settimeout(10)
        if not self.attack.reads:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)
        plain.connect(("127.0.0.1", self.target.tls if self.attack.tls else self.target.plain))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.attack.tls or self.attack.protocol == "raw":
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([self.attack.protocol])
        secure = context.wrap_socket(plain, server_hostname=self.target.host)
        if secure.selected_alpn_protocol() not in (self.attack.protocol, None):
            raise OSError("ALPN")
        return secure

    def carry_on(self, pieces: Iterator[bytes], until: float) -> None:
        """Sends piece after piece, and reads or does not read."""
        due, waiting = 0.0, b""
        poll = select.poll()
        while (now := time.monotonic()) < until:
            if not waiting and pieces is not None and now >= due:
                waiting = next(pieces, b"")
                if not waiting:
                    pieces = None  # said all; now it waits for its end
                due = now + self.attack.pause
                self.fate.pieces += bool(waiting)
            wanted = select.POLLRDHUP | (select.POLLOUT if waiting else 0)
            poll.register(self.socket, wanted | (select.POLLIN if self.attack.reads else 0))
            rest_ms = POLL_MS if pieces is None else min(POLL_MS, max(0, due - now) * 1000)
            ready = dict(poll.poll(POLL_MS if waiting else rest_ms)).get(self.socket.fileno(), 0)
            if self.attack.reads:
                self.read()
                if self.attack.streams and self.resets() >= self.attack.streams:
                    return
            elif ready & (select.POLLERR | select.POLLHUP | select.POLLRDHUP):
                raise ConnectionResetError
            if waiting:
                try:
                    sent = self.socket.send(waiting)
                    self.fate.sent += sent
                    waiting = waiting[sent:]
                except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    pass

    def read(self) -> None:
        """Takes all that is there; keeps the beginning, where the peer says what it thinks."""
        while True:
            try:
                got = self.socket.recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not got:
                raise EOFError
            self.keep(got)

    def keep(self, got: bytes) -> None:
        """Only frames count of HTTP/2, whose GOAWAY comes last; the status line of HTTP/1.1."""
        self.seen += got
        if len(self.seen) > 4 * READ_BYTES:
            del self.seen[: self.whole() if self.attack.protocol == "h2" else READ_BYTES]

    def resets(self) -> int:
        """How many of its streams have been ended."""
        return verdict(bytes(self.seen), self.attack.protocol)[1]

    def whole(self) -> int:
        """Where the last whole frame ends."""
        at = 0
        while at + 9 <= len(self.seen):
            end = at + 9 + int.from_bytes(self.seen[at : at + 3])
            if end > len(self.seen):
                break
            at = end
        return at

    def drain(self, until: float) -> None:
        """Reads at last: a close behind what was not read shows."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * READ_BYTES)
        while time.monotonic() < until:
            select.select([self.socket], [], [], POLL_MS / 1000)
            self.read()


def verdict(seen: bytes, protocol: str) -> tuple[int | None, int]:
    """The error code or status that these bytes end with, and how many streams were reset."""
    if protocol != "h2":
        words = seen[:16].split(b" ")
        status = int(words[1]) if words[0].startswith(b"HTTP/1.") and len(words) > 1 else None
        return status, 0
    code, resets, at = None, 0, 0
    while at + 9 <= len(seen):
        end = at + 9 + int.from_bytes(seen[at : at + 3])
        if seen[at + 3] == frames.GOAWAY and end <= len(seen):
            code = int.from_bytes(seen[at + 13 : at + 17])
        resets += seen[at + 3] == frames.RST_STREAM
        at = end
    return code, resets


def main() -> None:
    """All connections at once, each in a thread."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(ATTACKS))
    parser.add_argument("--host", required=True)
    parser.add_argument("--tls", type=int, required=True)
    parser.add_argument("--plain", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    # The machines of offenders are not ours: they do not get processor time before the product.
    os.nice(10)
    target = Target(options.host, options.tls, options.plain)
    until = time.monotonic() + options.seconds
    offenders = [Offender(ATTACKS[options.name], target) for _ in range(options.connections)]
    threads = [threading.Thread(target=offender.run, args=(until,)) for offender in offenders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump([asdict(offender.fate) for offender in offenders], sys.stdout)


if __name__ == "__main__":
    main()
