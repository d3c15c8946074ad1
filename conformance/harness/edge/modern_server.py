"""An endpoint that speaks TLS and HTTP/2, a process of its own with the journal of the others.

Started as `python -m harness.edge.modern_server`. What ALPN chooses is spoken: HTTP/1.1 by
`harness.endpoint_server`, HTTP/2 here. Without a certificate it speaks HTTP/2 to whoever begins
with the preface; with `--garbage`, nothing that anybody could read, whatever was agreed on.

The journal's `open` says what TLS agreed on; a `reset` is one that came from the peer. Paths are
those of `ROUTES`; any path else answers with a JSON description of the request.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from harness import endpoint_server
from harness.edge import frames
from harness.endpoint_server import BLOCK, Request

READ_BYTES = 1 << 16
BACKLOG = 4096


@dataclass
class Stream:
    """One request as it comes in, and what may go out in answer."""

    session: "Session"
    id: int
    request: Request
    body: asyncio.Queue = field(default_factory=asyncio.Queue)
    window: asyncio.Event = field(default_factory=asyncio.Event)
    trailers: list = field(default_factory=list)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives; each piece makes room for the next."""
        while (piece := await self.body.get()) is not None:
            self.request.length += len(piece)
            self.request.digest.update(piece)
            yield piece
            self.session.took(self.id, len(piece))
        facts = {"target": self.request.target, "length": self.request.length}
        facts |= {"sha256": self.request.digest.hexdigest(), "trailers": self.trailers}
        self.session.endpoint.note("body", connection=self.session.number, **facts)

    def head(self, status: int, *more: tuple[str, str], end: bool = False) -> None:
        """Response fields in the endpoint's name."""
        named = [(":status", str(status)), ("x-endpoint", self.session.endpoint.name), *more]
        self.session.speaks.send_headers(self.id, named, end_stream=end)
        self.session.flush()

    async def write(self, data: bytes) -> None:
        """Body bytes, as fast as the windows let them."""
        speaks = self.session.speaks
        while data:
            room = min(speaks.local_flow_control_window(self.id), speaks.max_outbound_frame_size)
            if room <= 0:
                self.window.clear()
                await self.window.wait()
                continue
            speaks.send_data(self.id, data[:room])
            data = data[room:]
            self.session.flush()
            await self.session.writer.drain()

    def end(self, *trailers: tuple[str, str]) -> None:
        """The end, with trailers if there are any."""
        if trailers:
            self.session.speaks.send_headers(self.id, trailers, end_stream=True)
        else:
            self.session.speaks.end_stream(self.id)
        self.session.flush()

    def reset(self, code: int) -> None:
        """RST_STREAM."""
        self.session.speaks.reset_stream(self.id, code)
        self.session.flush()


class Session:
    """One HTTP/2 connection."""

    def __init__(self, endpoint: "Modern", number: int, reader, writer):
        self.endpoint, self.number = endpoint, number
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        self.speaks = h2.connection.H2Connection(config)
        codes = h2.settings.SettingCodes
        self.speaks.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                codes.MAX_CONCURRENT_STREAMS: endpoint.streams_max,
                codes.MAX_HEADER_LIST_SIZE: 1 << 20,
                codes.INITIAL_WINDOW_SIZE: frames.WINDOW,
            },
        )
        self.streams: dict[int, Stream] = {}
        self.tasks: dict[int, asyncio.Task] = {}

    async def run(self) -> None:
        """Serves it to its end."""
        self.speaks.initiate_connection()
        self.flush()
        try:
            while data := await self.reader.read(READ_BYTES):
                for event in self.speaks.receive_data(data):
                    self.on(event)
                self.flush()
        except h2.exceptions.ProtocolError as error:
            self.endpoint.note("garbage", connection=self.number, what=repr(error))
            self.flush()
        finally:
            for task in self.tasks.values():
                task.cancel()

    def flush(self) -> None:
        """Hands what is to be said to the socket."""
        if data := self.speaks.data_to_send():
            self.writer.write(data)

    def took(self, stream: int, count: int) -> None:
        """Gives the peer room for as many bytes as were read."""
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.speaks.acknowledge_received_data(count, stream)
            self.flush()

    def on(self, event: h2.events.Event) -> None:
        """One thing that the peer said."""
        match event:
            case h2.events.RequestReceived():
                self.begin(event)
            case h2.events.DataReceived():
                # Padding is nobody's body, but takes room all the same.
                self.took(event.stream_id, event.flow_controlled_length - len(event.data))
                self.streams[event.stream_id].body.put_nowait(event.data)
            case h2.events.TrailersReceived():
                self.streams[event.stream_id].trailers = list(event.headers)
            case h2.events.StreamEnded():
                self.streams[event.stream_id].body.put_nowait(None)
            case h2.events.StreamReset():
                code = int(event.error_code)
                facts = {"stream": event.stream_id, "code": code}
                if stream := self.streams.get(event.stream_id):
                    facts["target"] = stream.request.target
                self.endpoint.note("reset", connection=self.number, **facts)
                if task := self.tasks.pop(event.stream_id, None):
                    task.cancel()
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for stream in self.streams.values():
                    stream.window.set()

    def begin(self, event: h2.events.RequestReceived) -> None:
        """A request, whose answer is a task of its own."""
        fields = [(name, value) for name, value in event.headers]
        named = dict(fields)
        plain = [(n, v) for n, v in fields if not n.startswith(":")]
        if ":authority" in named:
            plain.insert(0, ("host", named[":authority"]))
        request = Request(named[":method"], named.get(":path", ""), "HTTP/2", plain)
        stream = self.streams[event.stream_id] = Stream(self, event.stream_id, request)
        facts = {"method": request.method, "target": request.target, "headers": request.headers}
        facts |= {"scheme": named.get(":scheme"), "stream": event.stream_id}
        self.endpoint.note("head", connection=self.number, probe=request.is_probe, **facts)
        self.tasks[event.stream_id] = asyncio.create_task(self.answer(stream))

    async def answer(self, stream: Stream) -> None:
        """Does what the path says; a stream that ends meanwhile ends this."""
        with contextlib.suppress(h2.exceptions.ProtocolError, ConnectionError):
            await ROUTES.get(stream.request.words[0], describe)(stream)


class Modern(endpoint_server.Endpoint):
    """The server, and what it remembers across connections."""

    def __init__(self, options: argparse.Namespace):
        super().__init__(options.name, options.journal, options.health)
        self.streams_max, self.garbage = options.streams, options.garbage
        self.has_tls = options.certificate is not None
        self.seen: Counter = Counter()

    async def serve(self, reader, writer) -> None:
        """One connection, in the protocol that was agreed on."""
        number = next(self.ids)
        facts: dict[str, object] = {}
        if tls := writer.get_extra_info("ssl_object"):
            facts = {"alpn": tls.selected_alpn_protocol(), "sni": getattr(tls, "asked", None)}
            facts |= {"tls": tls.version(), "client": tls.getpeercert() or None}
        self.note("open", connection=number, **facts)
        try:
            if self.garbage:
                writer.write(b"this is no protocol that anybody speaks\r\n\r\n" * 4)
                await reader.read(READ_BYTES)
            elif facts.get("alpn") == "h2" or not self.has_tls:
                await Session(self, number, reader, writer).run()
            else:
                while await self.exchange(number, reader, writer):
                    pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except (endpoint_server.Garbage, ValueError) as garbage:
            self.note("garbage", connection=number, what=str(garbage))
        finally:
            self.note("close", connection=number)
            writer.close()


async def describe(stream: Stream, status: int = 200) -> None:
    """What arrived, as JSON."""
    async for _ in stream.pieces():
        pass
    request, endpoint = stream.request, stream.session.endpoint
    facts = {
        "endpoint": endpoint.name,
        "version": request.version,
        "connection": stream.session.number,
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "trailers": stream.trailers,
        "length": request.length,
        "sha256": request.digest.hexdigest(),
    }
    text = json.dumps(facts).encode()
    fields = [("content-type", "application/json"), ("content-length", str(len(text)))]
    stream.head(status, *fields, end=request.method == "HEAD")
    if request.method != "HEAD":
        await stream.write(text)
        stream.end()


async def probe(stream: Stream) -> None:
    """`/_probe`: the health file's status."""
    stream.head(int(stream.session.endpoint.health.read_text()), end=True)


async def many_bytes(stream: Stream) -> None:
    """`/bytes/N`: the block over and over, N bytes in all."""
    left = int(stream.request.words[1])
    stream.head(200, ("content-length", str(left)))
    while left:
        piece = BLOCK[: min(left, len(BLOCK))]
        left -= len(piece)
        await stream.write(piece)
    stream.end()


async def echo(stream: Stream) -> None:
    """`/echo`: the body back as it arrives, and its trailers behind it."""
    stream.head(200)
    async for piece in stream.pieces():
        await stream.write(piece)
    stream.end(*stream.trailers)


async def slow(stream: Stream) -> None:
    """`/slow/MS`: the description, that much later."""
    await asyncio.sleep(int(stream.request.words[1]) / 1000)
    await describe(stream)


async def trailers(stream: Stream) -> None:
    """`/trailers`: a body with trailers behind it."""
    stream.head(200, ("content-type", "application/grpc"))
    await stream.write(b"body")
    stream.end(("grpc-status", "0"), ("grpc-message", "well done"))


async def only_trailers(stream: Stream) -> None:
    """`/only-trailers`: a status of gRPC without any body."""
    fields = [("content-type", "application/grpc"), ("grpc-status", "12")]
    stream.head(200, *fields, ("grpc-message", "none of that"), end=True)


async def reset(stream: Stream) -> None:
    """`/reset/CODE` or `/reset/CODE/COUNT`: RST_STREAM, for so many requests of this target."""
    endpoint, (_, code, *count) = stream.session.endpoint, stream.request.words
    endpoint.seen[stream.request.target] += 1
    if count and endpoint.seen[stream.request.target] > int(count[0]):
        await describe(stream)
    else:
        stream.reset(int(code))


async def cut(stream: Stream) -> None:
    """`/cut/CODE`: a head, half of the body that it announces, and RST_STREAM."""
    stream.head(200, ("content-length", "2000"))
    await stream.write(bytes(1000))
    stream.reset(int(stream.request.words[1]))


async def goaway(stream: Stream) -> None:
    """`/goaway/COUNT`: for so many requests, GOAWAY that disowns this very stream."""
    endpoint, session = stream.session.endpoint, stream.session
    endpoint.seen[stream.request.target] += 1
    if endpoint.seen[stream.request.target] > int(stream.request.words[1]):
        return await describe(stream)
    last = max(0, stream.id - 2)
    session.writer.write(frames.frame(frames.GOAWAY, payload=last.to_bytes(4) + bytes(4)))
    await session.writer.drain()
    await asyncio.sleep(0.05)
    session.writer.close()
    return None


async def last_words(stream: Stream) -> None:
    """`/last-words`: GOAWAY that still owns this stream, and then its answer."""
    body = stream.id.to_bytes(4) + bytes(4)
    stream.session.writer.write(frames.frame(frames.GOAWAY, payload=body))
    await asyncio.sleep(0.05)
    await describe(stream)


async def hints(stream: Stream) -> None:
    """`/hints`: a 103 before the description."""
    stream.session.speaks.send_headers(
        stream.id, [(":status", "103"), ("link", "</a.css>; rel=preload")]
    )
    stream.session.flush()
    await describe(stream)


ROUTES = {
    "_probe": probe,
    "bytes": many_bytes,
    "cut": cut,
    "echo": echo,
    "goaway": goaway,
    "hints": hints,
    "last-words": last_words,
    "only-trailers": only_trailers,
    "reset": reset,
    "slow": slow,
    "trailers": trailers,
}


def tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    """What the listener needs to speak TLS."""
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(options.alpn.split(","))
    if options.client_authority is not None:
        context.load_verify_locations(options.client_authority)
        context.verify_mode = ssl.CERT_OPTIONAL

    def asked(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.asked = name

    context.sni_callback = asked
    return context


async def main() -> None:
    """Listens until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--health", type=Path, required=True)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--client-authority", type=Path)
    parser.add_argument("--alpn", default="h2,http/1.1")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--garbage", action="store_true")
    options = parser.parse_args()
    server = await asyncio.start_server(
        Modern(options).serve, "127.0.0.1", options.port, ssl=tls(options), backlog=BACKLOG
    )
    async with server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
