"""Which headers reach the endpoint and the client, and what an error looks like."""

import json
import re

import pytest

from harness import http1, waiting
from harness.endpoint import seen_headers, values

RAY = re.compile(r"[0-9a-f]{16}-[A-Z]{3}")


@pytest.fixture
def host(edge, control, endpoints):
    """A host name with one endpoint behind it."""
    balancer = control.balancer(control.pool(*endpoints("a")))
    edge.await_answer(balancer.host, "a")
    return balancer.host


def test_the_endpoint_learns_who_asks(edge, host):
    response = edge.get("/", host)
    seen = seen_headers(response)
    assert values(seen, "host") == [host]
    assert values(seen, "cf-connecting-ip") == ["127.0.0.1"]
    assert values(seen, "x-forwarded-for") == ["127.0.0.1"]
    assert values(seen, "x-forwarded-proto") == ["http"]
    assert json.loads(values(seen, "cf-visitor")[0]) == {"scheme": "http"}
    assert len(values(seen, "cf-ipcountry")) == 1
    assert len(values(seen, "cdn-loop")) == 1
    (ray,) = values(seen, "cf-ray")
    assert RAY.fullmatch(ray)
    assert response.header("cf-ray") == ray


def test_each_request_has_its_own_ray(edge, host):
    with edge.connect() as connection:
        rays = {connection.get("/", host).header("cf-ray") for _ in range(200)}
    assert len(rays) == 200


def test_trap_t43_what_a_client_forges_is_replaced_or_appended_to(edge, host):
    forged = [
        ("CF-Connecting-IP", "6.6.6.6"),
        ("cf-connecting-ip", "7.7.7.7"),
        ("X-Forwarded-For", "1.2.3.4, 5.6.7.8"),
        ("X-Forwarded-Proto", "https"),
        ("CF-Ray", "0000000000000000-XXX"),
        ("CF-Visitor", '{"scheme":"https"}'),
        ("CF-IPCountry", "XX"),
        ("CF-Worker", "evil.example"),
        ("X-Real-IP", "8.8.8.8"),
    ]
    response = edge.get("/", host, forged)
    seen = seen_headers(response)
    assert values(seen, "cf-connecting-ip") == ["127.0.0.1"]
    assert values(seen, "x-forwarded-for") == ["1.2.3.4, 5.6.7.8, 127.0.0.1"]
    assert values(seen, "x-forwarded-proto") == ["http"]
    assert values(seen, "cf-ray") == [response.header("cf-ray")] != ["0000000000000000-XXX"]
    assert json.loads(values(seen, "cf-visitor")[0]) == {"scheme": "http"}
    assert len(values(seen, "cf-ipcountry")) == 1
    assert values(seen, "cf-worker") == values(seen, "x-real-ip") == []


def test_two_forwarded_lines_become_one(edge, host):
    lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")]
    seen = seen_headers(edge.get("/", host, lines))
    assert values(seen, "x-forwarded-for") == ["1.1.1.1, 2.2.2.2, 127.0.0.1"]


def test_hop_by_hop_headers_end_here_and_all_others_pass(edge, host):
    sent = [
        ("Connection", "X-Own-Hop, keep-alive"),
        ("X-Own-Hop", "secret"),
        ("Keep-Alive", "timeout=99"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-First", "1"),
        ("x-SECOND", "  two words  "),
        ("X-First", "2"),
        ("Accept-Encoding", "gzip, br;q=0.5, zstd"),
        ("Authorization", "Bearer of-the-client"),
    ]
    seen = seen_headers(edge.get("/", host, sent))
    for name in ("x-own-hop", "proxy-connection", "upgrade"):
        assert values(seen, name) == [], name
    assert "timeout=99" not in values(seen, "keep-alive")
    assert values(seen, "x-first") == ["1", "2"]
    assert values(seen, "x-second") == ["two words"]
    assert values(seen, "accept-encoding") == ["gzip, br;q=0.5, zstd"]
    assert values(seen, "authorization") == ["Bearer of-the-client"]


def test_the_client_gets_the_endpoints_headers_less_the_internal_ones(edge, host):
    with edge.connect() as connection:
        for _ in range(2):
            response = connection.get("/odd-headers", host)
            for name in ("x-hop", "x-accel-redirect", "x-accel-buffering"):
                assert response.all(name) == [], name
            assert "timeout=5" not in response.all("keep-alive")
            assert response.header("server") == "endpoint/1"
            assert response.header("x-kept") == "Yes, as it is"
            assert response.all("set-cookie") == ["own=1; Path=/", "other=2"]
            assert RAY.fullmatch(response.header("cf-ray"))


def test_an_endpoint_may_have_a_host_header_of_its_own(edge, control, endpoints):
    (a,) = endpoints("a")
    pool = control.pool(origins=[a.origin(header={"host": ["inner.example"]})])
    balancer = control.balancer(pool)
    edge.await_answer(balancer.host, "a")
    assert values(seen_headers(edge.get("/", balancer.host)), "host") == ["inner.example"]


HTML, JSON, PROBLEM = "text/html", "application/json", "application/problem+json"


@pytest.mark.parametrize(
    "accept, kinds",
    [
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", {HTML}),
        ("*/*", {HTML}),
        (None, {HTML}),
        (JSON, {JSON, PROBLEM}),
        (PROBLEM, {JSON, PROBLEM}),
    ],
)
@pytest.mark.parametrize("failure", ["unknown host", "refused"])
def test_an_error_page_fits_what_the_client_accepts(
    edge, control, endpoints, failure, accept, kinds
):
    if failure == "unknown host":
        host, status = "nobody.example", 409
    else:
        (a,) = endpoints("a")
        balancer = control.balancer(control.pool(a))
        edge.await_answer(balancer.host, "a")
        a.kill()
        host, status = balancer.host, 521
    headers = [("Accept", accept)] if accept else []
    with edge.connect() as connection:
        response = connection.get("/", host, headers)
        assert response.status == status
        assert response.header("content-type").split(";")[0] in kinds
        ray = response.header("cf-ray")
        assert RAY.fullmatch(ray)
        text = response.body.decode()
        assert ray.split("-")[0] in text
        assert response.cookie() is None and response.endpoint is None
        if kinds == {HTML}:
            assert text.lstrip().lower().startswith("<!doctype html")
        else:
            problem = json.loads(text)
            assert problem["status"] == status
            assert problem["ray_id"] in (ray, ray.split("-")[0])
            assert problem["cloudflare_error"] is True
        if failure == "refused":
            assert response.header("retry-after") == "120"
        assert connection.ask("HEAD", "/", host, headers).status == status
        assert connection.get("/", host, headers).status == status, "still in step"


def test_a_pool_with_nobody_to_ask_is_error_1016(edge, control, endpoints):
    (a,) = endpoints("a")
    pool = control.pool(a)
    balancer = control.balancer(pool)
    edge.await_answer(balancer.host, "a")
    control.edit_pool(pool, origins=[a.origin(enabled=False)])

    def error() -> http1.Response | None:
        response = edge.get("/", balancer.host, [("Accept", JSON)])
        return response if response.status == 530 else None

    response = waiting.until("error 530", error, within=1.0)
    assert json.loads(response.body)["error_code"] == 1016
