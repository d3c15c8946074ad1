"""Floods and slow clients as data: rows 16 and 19 to 26 of the hostile inputs, and 35 in part.

An attack says what it sends, piece after piece, and whether it reads what comes back. Those that
must be ended carry the reason in their name; the others ask for much in ways that are allowed, and
have to be served within bounds.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.edge import frames

# Frames of one write: enough to make the sender cheap, few enough to be stopped soon.
BATCH = 200

ODD = 2

# Streams of one connection that are held open; as many as a browser may have.
HELD = 100


@dataclass(frozen=True)
class Target:
    """Whom an attack is aimed at: a load balancer's name and the listeners' ports."""

    host: str
    tls: int
    plain: int


@dataclass(frozen=True)
class Attack:
    """One way of being a nuisance."""

    name: str
    pieces: Callable[[Target], Iterator[bytes]]
    # "h2" and "http/1.1" by ALPN; "raw" sends its pieces as they are, even to a TLS listener.
    protocol: str = "h2"
    tls: bool = True
    reads: bool = True
    # Seconds between pieces.
    pause: float = 0.0
    # Whether the connection has to be ended while the attack lasts.
    must_end: bool = True
    # So many of its streams have to be ended, if the connection itself is not.
    streams: int = 0
    # The limit that ends it, which tests make short; without one, it ends by what it does.
    limit: str | None = None


def streams() -> Iterator[int]:
    """Numbers of a client's streams."""
    return itertools.count(1, ODD)


def opening(*pairs: tuple[int, int]) -> bytes:
    """A connection's first bytes."""
    return frames.PREFACE + frames.settings(*pairs)


def repeated(*parts: bytes) -> Callable[[Target], Iterator[bytes]]:
    """The same frames again and again."""
    batch = b"".join(parts) * BATCH

    def pieces(_: Target) -> Iterator[bytes]:
        yield opening()
        yield from itertools.repeat(batch)

    return pieces


def on_streams(
    make: Callable[[int, list], bytes], path: str = "/", method: str = "GET", batch: int = BATCH
) -> Callable[[Target], Iterator[bytes]]:
    """What `make` says of each new stream, over and over."""

    def pieces(target: Target) -> Iterator[bytes]:
        fields = frames.get(target.host, path, "https", method)
        numbers = streams()
        yield opening()
        while True:
            yield b"".join(make(number, fields) for number in itertools.islice(numbers, batch))

    return pieces


def on_one(*parts: Callable[[], bytes], path: str = "/echo") -> Callable:
    """One POST that goes on, with these frames on its stream again and again."""
    batch = b"".join(part() for part in parts) * BATCH

    def pieces(target: Target) -> Iterator[bytes]:
        yield opening() + frames.window(0, 1 << 30)
        yield frames.headers(1, frames.get(target.host, path, "https", "POST"), end=False)
        yield from itertools.repeat(batch)

    return pieces


def continuation(fragment: bytes) -> Callable[[Target], Iterator[bytes]]:
    """A field block that does not end."""
    more = frames.frame(frames.CONTINUATION, 0, 1, fragment)
    batch = more * max(1, BATCH // (1 + len(fragment) // 64))

    def pieces(target: Target) -> Iterator[bytes]:
        block = frames.block(frames.get(target.host, scheme="https"))
        yield opening() + frames.opening(1, block, frames.END_STREAM)
        yield from itertools.repeat(batch)

    return pieces


def bomb(target: Target) -> Iterator[bytes]:
    """One large field in the table, then blocks of nothing but references to it."""
    fields = frames.block(frames.get(target.host, scheme="https"))
    large = frames.literal("x-bomb", "b" * 3900, kept=True)
    many = fields + frames.indexed(62) * 15_000
    numbers = streams()
    yield opening()
    yield frames.opening(next(numbers), fields + large)
    for number in numbers:
        yield frames.opening(number, many)


def crumbs(target: Target) -> Iterator[bytes]:
    """Cookies of one byte each on the wire, for responses that are never let through."""
    block = frames.block(frames.get(target.host, "/bytes/100000", "https"))
    block += frames.indexed(32) * 15_000
    yield opening((frames.INITIAL_WINDOW_SIZE, 0))
    for number in streams():
        yield frames.opening(number, block)


def held(target: Target) -> Iterator[bytes]:
    """A hundred large responses for which no window is given."""
    yield opening((frames.INITIAL_WINDOW_SIZE, 0))
    fields = frames.get(target.host, "/bytes/1000000", "https")
    for number in itertools.islice(streams(), HELD):
        yield frames.headers(number, fields)


def dribbled(target: Target) -> Iterator[bytes]:
    """The same, with a window that opens by one byte now and then: progress, of a kind."""
    yield from held(target)
    yield from itertools.repeat(frames.window(1, 1))


def queued_responses(target: Target) -> Iterator[bytes]:
    """A hundred large responses with all the window there is, and nobody reads."""
    yield opening((frames.INITIAL_WINDOW_SIZE, (1 << 31) - 1)) + frames.window(0, 1 << 30)
    fields = frames.get(target.host, "/bytes/1000000", "https")
    for number in itertools.islice(streams(), HELD):
        yield frames.headers(number, fields)


def queued_requests(target: Target) -> Iterator[bytes]:
    """A hundred bodies for an endpoint that is in no hurry, as far as the windows go."""
    fields = frames.get(target.host, "/slow/60000", "https", "POST")
    yield opening()
    for number in itertools.islice(streams(), HELD):
        yield frames.headers(number, fields, end=False)
        yield frames.data(number, bytes(600))


def said(*parts: str) -> Callable[[Target], Iterator[bytes]]:
    """Text, then silence. `{host}` stands for the load balancer's name."""

    def pieces(target: Target) -> Iterator[bytes]:
        for part in parts:
            yield part.replace("{host}", target.host).encode()

    return pieces


def trickle(first: str, then: str) -> Callable[[Target], Iterator[bytes]]:
    """Text, and then a few bytes at a time."""

    def pieces(target: Target) -> Iterator[bytes]:
        yield first.replace("{host}", target.host).encode()
        yield from itertools.repeat(then.encode())

    return pieces


def endless(text: str) -> Callable[[Target], Iterator[bytes]]:
    """The same text for ever."""
    return lambda target: itertools.repeat(text.replace("{host}", target.host).encode())


def silence(data: bytes = b"") -> Callable[[Target], Iterator[bytes]]:
    """These bytes as they are, and nothing more."""
    return lambda _: iter([data] if data else [])


# The beginning of a ClientHello that announces more than will come, for acme-tls/1 or anything.
HELLO = bytes.fromhex("16030102000100 01fc 0303".replace(" ", "")) + bytes(range(32)) + b"\x00"

GET = "GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
POST = "POST /slow/1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n"


def reset_after(*wrong: Callable[[int], bytes], end: bool = False) -> Callable:
    """Streams that we open and then break, so that the peer is the one to reset them."""
    return on_streams(
        lambda number, fields: (
            frames.headers(number, fields, end) + b"".join(part(number) for part in wrong)
        ),
        method="GET" if end else "POST",
    )


_ALL = [
    # Row 20.
    Attack("rapid-reset", on_streams(lambda n, f: frames.headers(n, f) + frames.reset(n))),
    # Row 21: MadeYouReset.
    Attack("window-of-zero", reset_after(lambda n: frames.window(n, 0), end=True)),
    Attack("data-on-half-closed", reset_after(lambda n: frames.data(n, b"x"), end=True)),
    Attack("headers-on-half-closed", reset_after(lambda n: frames.opening(n, b""), end=True)),
    Attack("short-priority", reset_after(lambda n: frames.frame(frames.PRIORITY, 0, n, b"abcd"))),
    Attack("own-parent", reset_after(lambda n: frames.priority(n, n))),
    Attack("window-overflow", reset_after(lambda n: frames.window(n, (1 << 31) - 1), end=True)),
    Attack("longer-than-said", on_streams(
        lambda n, f: frames.headers(n, [*f, ("content-length", "1")], False)
        + frames.data(n, b"more", end=True), method="POST")),
    Attack("malformed-requests", on_streams(lambda n, f: frames.headers(n, f[:2]))),
    # Row 22.
    Attack("continuation-full", continuation(frames.block([("x", "y" * 1000)] * 16))),
    Attack("continuation-empty", continuation(b"")),
    # Row 23.
    Attack("hpack-bomb", bomb),
    Attack("cookie-crumbs", crumbs),
    # Row 24, and without reading what is due in return.
    Attack("settings-flood", repeated(frames.settings((frames.INITIAL_WINDOW_SIZE, 70_000)))),
    Attack("ping-flood", repeated(frames.ping())),
    Attack("priority-flood", repeated(frames.priority(5, 3)), must_end=False),
    Attack("window-flood", repeated(frames.window(0, 1))),
    Attack("settings-unread", repeated(frames.settings()), reads=False),
    Attack("ping-unread", repeated(frames.ping()), reads=False),
    # Row 25.
    Attack("empty-data", on_one(lambda: frames.data(1))),
    Attack("empty-headers", on_streams(lambda n, _: frames.opening(n, b""))),
    Attack("one-byte-data", on_one(lambda: frames.data(1, b"x")), must_end=False),
    Attack("padding", on_one(lambda: frames.padded(1, b"", 255)), must_end=False),
    # Row 26, and queues on either side.
    Attack("zero-window", held, limit="client-write", must_end=False, streams=HELD),
    Attack("dribbled-window", dribbled, pause=0.5, must_end=False),
    Attack("queued-responses", queued_responses, reads=False, limit="client-write"),
    Attack("queued-requests", queued_requests, must_end=False),
    # The same on a listener without TLS.
    Attack("plain-rapid-reset",
           on_streams(lambda n, f: frames.headers(n, f) + frames.reset(n)), tls=False),
    Attack("plain-ping-unread", repeated(frames.ping()), tls=False, reads=False),
    # Rows 16 and 19, HTTP/1.1.
    Attack("pipelined-unread", endless(GET.format(path="/bytes/20000") * BATCH), "http/1.1",
           tls=False, reads=False, limit="client-write"),
    Attack("unread", said(GET.format(path="/bytes/100000000")), "http/1.1", reads=False,
           limit="client-write"),
    Attack("slow-head", trickle("GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ", "a"), "http/1.1",
           tls=False, pause=0.3, limit="request-head"),
    Attack("slow-head-tls", trickle("GET / HTTP/1.1\r\nHost: {host}\r\n", "X: y\r\n"), "http/1.1",
           pause=0.3, limit="request-head"),
    Attack("slow-preface", said("PRI * HT"), "raw", tls=False, limit="request-head"),
    Attack("silent-body", said(POST + "begun"), "http/1.1", tls=False, limit="request-body"),
    Attack("slow-body", trickle(POST, "x"), "http/1.1", tls=False, pause=0.3, must_end=False),
    # Row 35.
    Attack("stalled-handshake", silence(HELLO), "raw", limit="handshake"),
    Attack("silent-handshake", silence(), "raw", limit="handshake"),
    Attack("http-to-tls", endless(GET.format(path="/") * BATCH), "raw"),
    Attack("noise-to-tls", lambda _: itertools.repeat(bytes(range(255, -1, -1)) * 64), "raw"),
]  # fmt: skip

ATTACKS = {attack.name: attack for attack in _ALL}
