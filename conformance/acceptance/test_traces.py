"""Traces: W3C trace context towards endpoints, spans to a collector that others wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness import page, waiting
from harness.collector import Collector, attributes
from harness.control import Control
from harness.endpoint import Endpoint, values
from harness.evenkeel import Evenkeel

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01"
STATE = [("tracestate", "vendor=opaque"), ("tracestate", "other=x")]

INVALID = [
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    "nonsense",
]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Evenkeel]]:
    """Starts a balancer with these flags."""
    started: list[Evenkeel] = []

    def begin(**flags: str) -> Evenkeel:
        server = Evenkeel(tmp_path / "own")
        server.flags |= {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
        started.append(server)
        return server.start()

    yield begin
    for server in started:
        server.kill()


@pytest.fixture
def collecting() -> Iterator[Callable[..., Collector]]:
    """Starts collectors; they end with the test."""
    started: list[Collector] = []

    def begin(*refusals: int) -> Collector:
        started.append(Collector(*refusals))
        return started[-1]

    yield begin
    for collector in started:
        collector.close()


def site(server: Evenkeel, *endpoints: Endpoint, **fields: object) -> str:
    """A host name whose requests reach these endpoints."""
    control = Control(server)
    host = control.balancer(control.pool(*endpoints), **fields).host
    server.await_answer(host, *(endpoint.name for endpoint in endpoints))
    return host


def seen(endpoint: Endpoint, target: str) -> list[list[str]]:
    """Headers of the request with that target, as the endpoint got them."""
    (head,) = [head for head in endpoint.requests() if head["target"] == target]
    return head["headers"]


def pair(collector: Collector, path: str) -> tuple[Span, Span]:
    """The two spans of the request for that path, once they have come."""

    def server_span() -> Span | None:
        spans = [span for span in collector.spans() if attributes(span).get("url.path") == path]
        return spans[0] if spans else None

    server = waiting.until(f"a span of {path}", server_span, 15.0)
    client = [span for span in collector.spans() if span.parent_span_id == server.span_id]
    assert len(client) == 1
    return server, client[0]


def test_a_request_continues_its_callers_trace(start, collecting, endpoints):
    collector = collecting()
    server = start(otlp_endpoint=collector.url, otlp_header="x-key=5ec4e7")
    (endpoint,) = endpoints("a")
    host = site(server, endpoint)
    headers = [("traceparent", PARENT), *STATE, ("User-Agent", "tester")]
    response = server.get("/traced?x=1&sig=secret", host, headers)
    assert response.status == 200
    served, asked = pair(collector, "/traced")

    got = seen(endpoint, "/traced?x=1&sig=secret")
    assert values(got, "traceparent") == [f"00-{TRACE}-{asked.span_id.hex()}-01"]
    assert values(got, "tracestate") == [value for _, value in STATE]
    assert (served.trace_id.hex(), served.parent_span_id.hex()) == (TRACE, CALLER)
    assert asked.trace_id == served.trace_id and asked.parent_span_id == served.span_id
    assert (served.kind, asked.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert served.name == asked.name == "GET"
    assert served.start_time_unix_nano < served.end_time_unix_nano
    told = attributes(served)
    expected = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.query": "x=1&sig=REDACTED",
        "server.address": host,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tester",
        "evenkeel.load_balancer": host,
        "evenkeel.endpoint": "a",
        "evenkeel.end": "whole",
        "evenkeel.ray": response.header("cf-ray"),
    }
    assert expected.items() <= told.items() and told["evenkeel.trail"]
    told = attributes(asked)
    assert told["network.peer.port"] == endpoint.port and told["http.response.status_code"] == 200
    resource = collector.messages[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "evenkeel"
    for path, head in collector.heads:
        assert path == "/v1/traces" and head["x-key"] == "5ec4e7"
        assert head["content-type"] == "application/x-protobuf"
    assert "5ec4e7" not in server.log.read_text()


def test_what_is_not_valid_begins_a_new_trace_without_the_state_of_the_old(
    start, collecting, endpoints
):
    collector = collecting()
    server = start(otlp_endpoint=collector.url)
    (endpoint,) = endpoints("a")
    host = site(server, endpoint)
    for number, invalid in enumerate(INVALID):
        target = f"/invalid-{number}"
        assert server.get(target, host, [("traceparent", invalid), *STATE]).status == 200
        served, asked = pair(collector, target)
        assert served.parent_span_id == b"" and served.trace_id.hex() != TRACE
        got = seen(endpoint, target)
        parent = f"00-{served.trace_id.hex()}-{asked.span_id.hex()}-01"
        assert values(got, "traceparent") == [parent] and values(got, "tracestate") == []
    twice = [("traceparent", PARENT), ("traceparent", PARENT)]
    assert server.get("/twice", host, twice).status == 200
    assert pair(collector, "/twice")[0].parent_span_id == b""


def test_callers_decide_for_their_traces_and_the_share_for_the_others(start, collecting, endpoints):
    collector = collecting()
    server = start(otlp_endpoint=collector.url, trace_sample="0")
    (endpoint,) = endpoints("a")
    host = site(server, endpoint)
    for number in range(20):
        assert server.get(f"/own-{number}", host).status == 200
    silent = f"00-{TRACE}-{CALLER}-00"
    assert server.get("/silent", host, [("traceparent", silent)]).status == 200
    assert server.get("/told", host, [("traceparent", PARENT)]).status == 200
    pair(collector, "/told")
    assert len(list(collector.spans())) == 2
    for target in ("/silent", "/own-0"):
        (parent,) = values(seen(endpoint, target), "traceparent")
        assert parent.endswith("-00") and parent.startswith(f"00-{TRACE}") == (target == "/silent")


def test_a_collector_that_is_busy_is_asked_again_and_what_failed_is_told(
    start, collecting, endpoints
):
    collector = collecting(503, 429)
    server = start(otlp_endpoint=collector.url)
    control = Control(server)
    gone = {"name": "gone", "address": "127.0.0.1", "port": 1}
    host = control.balancer(control.pool(origins=[gone])).host
    waiting.until("a failure of the endpoint", lambda: server.get("/gone", host).status == 521)
    served, asked = pair(collector, "/gone")
    assert served.status.code == asked.status.code == Status.STATUS_CODE_ERROR
    assert attributes(asked)["error.type"] == "no_response"
    waiting.until(
        "two refusals counted",
        lambda: page.value(server, "evenkeel_span_exports_failed_total") == 2,
    )
    assert page.value(server, "evenkeel_spans_dropped_total") == 0
    assert page.value(server, "evenkeel_spans_exported_total") >= 2


def test_what_waits_is_sent_before_the_process_ends(start, collecting, endpoints):
    collector = collecting()
    server = start(otlp_endpoint=collector.url)
    (endpoint,) = endpoints("a")
    host = site(server, endpoint)
    for number in range(50):
        assert server.get(f"/last-{number}", host).status == 200
    assert server.stop() == 0
    paths = {attributes(span).get("url.path") for span in collector.spans()}
    assert {f"/last-{number}" for number in range(50)} <= paths


def test_without_a_collector_fields_pass_through_as_they_are(edge, control, endpoints):
    (endpoint,) = endpoints("a")
    host = site(edge, endpoint)
    for number, parent in enumerate([PARENT, *INVALID]):
        target = f"/through-{number}"
        assert edge.get(target, host, [("traceparent", parent), *STATE]).status == 200
        got = seen(endpoint, target)
        assert values(got, "traceparent") == [parent]
        assert values(got, "tracestate") == [value for _, value in STATE]
