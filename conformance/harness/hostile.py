"""Requests that two parsers could read in two ways, as data: rows 1-7, 11 and 14 of the inputs.

Each hides a second request where a careless reader would see one.
"""

from dataclasses import dataclass

CL5 = "Content-Length: 5\r\n"
TE = "Transfer-Encoding: chunked\r\n"
CLOSE = "Connection: close\r\n"
HELLO = "5\r\nhello\r\n"
HIDDEN = "GET /hidden HTTP/1.1\r\nHost: {host}\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """One input. `{host}` in it stands for the load balancer's name."""

    name: str
    data: str
    # The head is refused, so that nothing reaches the endpoint; otherwise the request may also be
    # served once, in one of the two readings, if the connection ends with it.
    strict: bool = True
    # The fault is in the body, past a head that may have gone on: the endpoint may see a request
    # begin, and must never see it end.
    in_body: bool = False

    def sent(self, host: str) -> bytes:
        """The bytes for that load balancer."""
        return self.data.replace("{host}", host).encode("latin-1")


def post(*lines: str, then: str = "", version: str = "HTTP/1.1") -> str:
    """A POST with these header lines, each of which ends as it says, and what comes behind."""
    return f"POST /visible {version}\r\nHost: {{host}}\r\n{''.join(lines)}\r\n{then}"


def get(*lines: str) -> str:
    """A GET with these header lines, each of which ends as it says."""
    return f"GET /visible HTTP/1.1\r\nHost: {{host}}\r\n{''.join(lines)}\r\n"


def bare(*lines: str) -> str:
    """A head of these lines and no other."""
    return "\r\n".join([*lines, "", ""])


def loose(name: str, data: str) -> Case:
    """A case with more than one right answer."""
    return Case(name, data, strict=False)


def body(name: str, *parts: str) -> Case:
    """A chunked request with that body, and a hidden one behind it."""
    return Case(name, post(TE, then="".join(parts) + HIDDEN), in_body=True)


LENGTHS = [
    "", "+5", "-5", "0x5", "5_0", "5 5", "5,", ",5", "5, 6", "5;", "five", "5.0", "\x0b5",
    "99999999999999999999999", "18446744073709551621",
]  # fmt: skip

CODINGS = [
    "", "chunked\x0b", "\x0bchunked", "xchunked", "chunkedx", "chunked, identity", "gzip",
    "identity, chunked", ", chunked", "chunked,", "chunked chunked", "chunked, chunked", "identity",
    "gzip, chunked", '"chunked"', "chunked;q=1", "chunked\x00",
]  # fmt: skip

END = "0\r\n\r\n"

FRAMING = [
    # Row 1: both framings. TE may win if CL is dropped and the connection ends.
    loose("CL.TE", post("Content-Length: 6\r\n", TE, then=END + HIDDEN)),
    loose("TE.CL", post(TE, "Content-Length: 4\r\n", then="5c\r\n" + HIDDEN)),
    loose("CL 0 and TE", post("Content-Length: 0\r\n", TE, then=END + HIDDEN)),
    # Row 2: lengths that are none, or two.
    *(Case(f"CL {v!r}", post(f"Content-Length: {v}\r\n", then="hello" + HIDDEN)) for v in LENGTHS),
    Case("two CL", post(CL5, "Content-Length: 6\r\n", then="hello" + HIDDEN)),
    Case("two CL, one 0", post("Content-Length: 0\r\n", CL5, then="hello" + HIDDEN)),
    loose("CL twice the same", post(CL5, CL5, CLOSE, then="hello")),
    loose("CL list of the same", post("Content-Length: 5, 5\r\n", CLOSE, then="hello")),
    # Row 3: transfer codings that are not quite chunked.
    *(Case(f"TE {v!r}", post(f"Transfer-Encoding: {v}\r\n", then=END + HIDDEN)) for v in CODINGS),
    Case("two TE", post(TE, TE, then=END + HIDDEN)),
    Case("TE and identity", post(TE, "Transfer-Encoding: identity\r\n", then=END + HIDDEN)),
    Case("TE and a tab", post("Transfer-Encoding\t: chunked\r\n", then=END + HIDDEN)),
    Case("TE folded", post("Transfer-Encoding:\r\n chunked\r\n", then=END + HIDDEN)),
    Case("TE after LF", post("X: y\nTransfer-Encoding: chunked\r\n", then=END + HIDDEN)),
]

LINES = [
    # Row 4: line ends.
    Case("LF alone", "GET /visible HTTP/1.1\nHost: {host}\n\n" + HIDDEN),
    Case("LF in a header", get("X-A: b\nX-C: d\r\n")),
    Case("CR in a header", get("X-A: b\rX-C: d\r\n")),
    Case("CR CR LF", get("X-A: b\r\r\n")),
    Case("LF ends the head", "GET /visible HTTP/1.1\r\nHost: {host}\r\n\n" + HIDDEN),
    body("LF in chunk lines", "5\nhello\n0\n\n"),
    body("CR in a chunk line", "5\rhello\r\n", END),
    body("LF after a chunk", "5\r\nhello\n", END),
    # Row 14: header fields.
    Case("obs-fold", get("X-A: b\r\n c\r\n")),
    Case("obs-fold first", "GET /visible HTTP/1.1\r\n X: y\r\nHost: {host}\r\n\r\n"),
    Case("space before the colon", get("X-A : b\r\n")),
    Case("no colon", get("X-A\r\n")),
    Case("empty name", get(": b\r\n")),
    *(Case(f"name with {c!r}", get(f"X{c}A: b\r\n")) for c in '\0\x01\x0b\x7f\x80\xff ()/@[]{}"'),
    *(Case(f"value with {c!r}", get(f"X-A: b{c}c\r\n")) for c in "\0\x01\x0b\x0c\x7f"),
]

SIZES = ["FFFFFFFFFFFFFFFF1", "10000000000000005", "-5", "+5", "0x5", "5_0", " 5", "5 5", "g", ""]

CHUNKS = [
    # Row 5: sizes, and an extension of a mebibyte.
    *(body(f"chunk size {size!r}", f"{size}\r\nhello\r\n", END) for size in SIZES),
    body("endless size", "0" * 100 + "5\r\nhello\r\n", END),
    body("endless extension", f"5;a={'b' * (1 << 20)}\r\nhello\r\n", END),
    # Row 6: extensions, ends, trailers.
    body("LF in an extension", "5;a\nb\r\nhello\r\n", END),
    body("LF opens an extension", "5;\n\r\nhello\r\n", END),
    body("chunk longer than it says", "3\r\nhello\r\n", END),
    body("no end after the last chunk", HELLO, "0\r\n"),
    body("bad trailer", "0\r\nX : y\r\n\r\n"),
    # Row 7: HTTP/1.0.
    loose("1.0 with TE", post(TE, version="HTTP/1.0", then=END + HIDDEN)),
    loose(
        "1.0 with TE, kept alive",
        post(TE, "Connection: keep-alive\r\n", version="HTTP/1.0", then=END + HIDDEN),
    ),
    loose("1.0 body without CL", post(version="HTTP/1.0", then=HIDDEN)),
]

HOSTS = [
    "", "user@{host}", "{host}:99999", "{host}:port", "{host}/x", "{host} {host}", "{host},{host}",
    "[::1", "{host}?", "a b",
]  # fmt: skip

OWN = "Host: {host}"

TARGETS = [
    # Row 11: who is asked, and for what.
    Case("no Host", bare("GET /visible HTTP/1.1")),
    Case("two Hosts", bare("GET /visible HTTP/1.1", OWN, OWN)),
    Case("two different Hosts", bare("GET /visible HTTP/1.1", OWN, "Host: other.example")),
    *(Case(f"Host {value}", bare("GET /visible HTTP/1.1", f"Host: {value}")) for value in HOSTS),
    Case("absolute form, other host", bare("GET http://other.example/visible HTTP/1.1", OWN)),
    Case("absolute form, userinfo", bare("GET http://u@{host}/visible HTTP/1.1", OWN)),
    Case("authority form", bare("GET {host}:80 HTTP/1.1", OWN)),
    Case("no slash", bare("GET visible HTTP/1.1", OWN)),
    Case("NUL in the target", bare("GET /visible\0 HTTP/1.1", OWN)),
    Case("space in the target", bare("GET /visible /x HTTP/1.1", OWN)),
    Case("two spaces", bare("GET  /visible HTTP/1.1", OWN)),
    Case("no version", bare("GET /visible", OWN)),
    Case("odd version", bare("GET /visible HTTP/1.10", OWN)),
    Case("lower-case version", bare("GET /visible http/1.1", OWN)),
]

CASES = [*FRAMING, *LINES, *CHUNKS, *TARGETS]
