"""An endpoint as a process of its own: a small strict HTTP/1.1 server that keeps a journal.

Started as `python -m harness.endpoint_server`; prints `ready` once it listens. Every event becomes
one JSON line in the journal at once, so that the journal is complete up to a `kill -9`. Times are
of the machine's monotonic clock and compare across processes.

Paths: `/_probe` and `/_probe/MS` answer with the status that the health file holds; `ROUTES` lists
the others; any path else answers with a JSON description of the request.
"""

import argparse
import asyncio
import base64
import hashlib
import itertools
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD_BYTES_MAX = 1 << 20
BLOCK = bytes(range(251)) * 261  # 65,511 bytes: no power of two, so that offsets show


class Garbage(Exception):
    """Bytes arrived that are no request. A proxy must never let that happen."""


@dataclass
class Request:
    """A request head, and its body as it is read."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    length: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def all(self, name: str) -> list[str]:
        """Values of every header of that name."""
        return [value for header, value in self.headers if header.lower() == name]

    @property
    def words(self) -> list[str]:
        """The path's segments behind the first slash, without the query."""
        return self.target.split("?")[0].split("/")[1:]

    @property
    def is_probe(self) -> bool:
        """Whether a monitor sent it."""
        return self.target.startswith("/_probe")


class Endpoint:
    """The server: its name, its journal, its verdict on its own health."""

    def __init__(self, name: str, journal: Path, health: Path):
        self.name = name
        self.health = health
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.ids = itertools.count()

    def note(self, event: str, **facts: object) -> None:
        """One line of the journal, on its way to the disk before anything else happens."""
        line = json.dumps({"event": event, "t": time.monotonic(), **facts})
        os.write(self.journal, line.encode() + b"\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        connection = next(self.ids)
        self.note("open", connection=connection)
        try:
            while await self.exchange(connection, reader, writer):
                pass
        except (Garbage, ValueError) as garbage:
            self.note("garbage", connection=connection, what=str(garbage))
        except asyncio.IncompleteReadError:
            self.note("truncated", connection=connection)
        except ConnectionError:
            pass
        finally:
            self.note("close", connection=connection)
            writer.close()

    async def exchange(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """One request and its response; whether another may follow."""
        request = await read_head(reader)
        if request is None:
            return False
        facts = {"method": request.method, "target": request.target, "headers": request.headers}
        self.note("head", connection=connection, probe=request.is_probe, **facts)
        if "100-continue" in request.all("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.noted(connection, request, read_body(request, reader))
        keep = await ROUTES.get(request.words[0], describe)(self, request, body, writer)
        async for _ in body:  # what the route did not care for
            pass
        await writer.drain()
        return keep and "close" not in request.all("connection")

    async def noted(
        self, connection: int, request: Request, body: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """The body, and a line in the journal once all of it was there."""
        async for piece in body:
            yield piece
        facts = {"target": request.target, "length": request.length}
        sha256 = request.digest.hexdigest()
        self.note("body", connection=connection, sha256=sha256, **facts)


async def read_head(reader: asyncio.StreamReader) -> Request | None:
    """The next head, or none when the peer is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Garbage(f"a head that does not end: {error.partial[:200]!r}") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise Garbage("a head without end") from error
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1" or not parts[1].startswith("/"):
        raise Garbage(f"request line {first!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise Garbage(f"header line {line!r}")
        headers.append((name, value.strip()))
    return Request(parts[0], parts[1], parts[2], headers)


async def read_body(request: Request, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The body in pieces, counted and digested as they pass."""
    codings, lengths = request.all("transfer-encoding"), request.all("content-length")
    if len(codings) + len(lengths) > 1 or codings not in ([], ["chunked"]):
        raise Garbage(f"framed by {codings} and {lengths}")

    async def piece(size: int) -> bytes:
        data = await reader.readexactly(size)
        request.length += size
        request.digest.update(data)
        return data

    if codings:
        while size := int((await reader.readuntil(b"\r\n"))[:-2].split(b";")[0], 16):
            yield await piece(size)
            if await reader.readexactly(2) != b"\r\n":
                raise Garbage("no line end after a chunk")
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
    elif lengths:
        left = int(lengths[0])
        while left:
            size = min(left, len(BLOCK))
            left -= size
            yield await piece(size)


def head(endpoint: Endpoint, status: int, *headers: str) -> bytes:
    """A response head in the endpoint's name."""
    lines = [f"HTTP/1.1 {status} Because", f"X-Endpoint: {endpoint.name}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def describe(endpoint, request, body, writer, status: int = 200) -> bool:
    """What arrived, as JSON."""
    async for _ in body:
        pass
    facts = {
        "endpoint": endpoint.name,
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "length": request.length,
        "sha256": request.digest.hexdigest(),
    }
    text = json.dumps(facts).encode()
    length = f"Content-Length: {len(text)}"
    out = head(endpoint, status, "Content-Type: application/json", length)
    writer.write(out if request.method == "HEAD" else out + text)
    return True


async def probe(endpoint, request, _body, writer) -> bool:
    """`/_probe` or `/_probe/MS`: the health file's status, that much later, to a monitor."""
    await asyncio.sleep(sum(map(int, request.words[1:])) / 1000)
    status = int(endpoint.health.read_text())
    writer.write(head(endpoint, status, "Content-Length: 0", "Connection: close"))
    return False


async def condition(endpoint, request, body, writer) -> bool:
    """`/condition`: the description, with the health file's status."""
    return await describe(endpoint, request, body, writer, int(endpoint.health.read_text()))


async def status(endpoint, request, _body, writer) -> bool:
    """`/status/NNN`: that status; 204 and 304 without a body, others with a short one."""
    code = int(request.words[1])
    if code == 204:
        writer.write(head(endpoint, code))
    elif code == 304:
        writer.write(head(endpoint, code, 'ETag: "v1"'))
    else:
        writer.write(head(endpoint, code, "Content-Length: 4") + b"body")
    return True


async def slow(endpoint, request, body, writer) -> bool:
    """`/slow/MS`: the description, that much later."""
    await asyncio.sleep(int(request.words[1]) / 1000)
    return await describe(endpoint, request, body, writer)


async def many_bytes(endpoint, request, _body, writer) -> bool:
    """`/bytes/N` or `/bytes/N/chunked`: the block over and over, N bytes in all."""
    _, count, *chunked = request.words
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {count}"
    writer.write(head(endpoint, 200, framing))
    left = 0 if request.method == "HEAD" else int(count)
    while left:
        piece = BLOCK[: min(left, len(BLOCK))]
        left -= len(piece)
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
    if chunked and request.method != "HEAD":
        writer.write(b"0\r\n\r\n")
    return True


async def echo(endpoint, _request, body, writer) -> bool:
    """`/echo`: the body back, chunked, as it arrives: the answer begins before the body ends."""
    writer.write(head(endpoint, 200, "Transfer-Encoding: chunked"))
    async for piece in body:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    return True


async def until_close(endpoint, _request, _body, writer) -> bool:
    """`/until-close`: a body that ends with the connection."""
    writer.write(head(endpoint, 200, "Connection: close") + b"all of it")
    return False


async def hints(endpoint, request, body, writer) -> bool:
    """`/hints`: a 103 before the description."""
    writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    await writer.drain()
    return await describe(endpoint, request, body, writer)


async def odd_headers(endpoint, _request, _body, writer) -> bool:
    """`/odd-headers`: hop-by-hop and internal headers beside ones that must get through."""
    names = [
        "Connection: X-Hop",
        "X-Hop: 1",
        "Keep-Alive: timeout=5",
        "X-Accel-Redirect: /secret",
        "X-Accel-Buffering: no",
        "Set-Cookie: own=1; Path=/",
        "Set-Cookie: other=2",
        "Server: endpoint/1",
        "X-Kept: Yes, as it is",
    ]
    writer.write(head(endpoint, 200, *names, "Content-Length: 2") + b"ok")
    return True


async def raw(_endpoint, request, _body, writer) -> bool:
    """`/raw/BASE64URL`: exactly these bytes, whatever they are."""
    writer.write(base64.urlsafe_b64decode(request.words[1]))
    return True


async def late(endpoint, _request, _body, writer) -> bool:
    """`/late`: a whole response, and a while later one that nobody asked for."""
    writer.write(head(endpoint, 200, "Content-Length: 2") + b"ok")
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.write(head(endpoint, 200, "Content-Length: 6") + b"stolen")
    endpoint.note("late")
    return True


async def flood(_endpoint, request, _body, writer) -> bool:
    """`/flood/N`: that many 103s and no answer behind them."""
    for _ in range(int(request.words[1])):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await writer.drain()
    return False


async def long_head(endpoint, request, _body, writer) -> bool:
    """`/long-head/N`: a header of that many bytes."""
    value = "X-Long: " + "a" * int(request.words[1])
    writer.write(head(endpoint, 200, value, "Content-Length: 2") + b"ok")
    return True


ROUTES = {
    "_probe": probe,
    "bytes": many_bytes,
    "condition": condition,
    "echo": echo,
    "flood": flood,
    "hints": hints,
    "late": late,
    "long-head": long_head,
    "odd-headers": odd_headers,
    "raw": raw,
    "slow": slow,
    "status": status,
    "until-close": until_close,
}


async def main() -> None:
    """Listens until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--health", type=Path, required=True)
    options = parser.parse_args()
    endpoint = Endpoint(options.name, options.journal, options.health)
    server = await asyncio.start_server(
        endpoint.serve, "127.0.0.1", options.port, limit=HEAD_BYTES_MAX, backlog=1024
    )
    async with server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
