"""A collector of traces: takes OTLP over HTTP and decodes it with OpenTelemetry's own messages."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Listens on a port of its own from the beginning; `refusals` are answered first."""

    def __init__(self, *refusals: int):
        self.refusals = list(refusals)
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.messages: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = collector.take(self.path, dict(self.headers.items()), body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Keeps a message, unless it is to be refused; returns the status of the answer."""
        self.heads.append((path, headers))
        message = ExportTraceServiceRequest.FromString(body)
        if self.refusals:
            return self.refusals.pop(0)
        self.messages.append(message)
        return 200

    def spans(self) -> Iterator[Span]:
        """Every span taken so far."""
        for message in list(self.messages):
            for of_resource in message.resource_spans:
                for scope in of_resource.scope_spans:
                    yield from scope.spans

    def close(self) -> None:
        """Listens no more."""
        self.server.shutdown()
        self.server.server_close()


def attributes(span: Span) -> dict[str, object]:
    """What a span says, by name."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes
    }
