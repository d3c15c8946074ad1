"""Custom rules: what a request is asked, and what becomes of it then."""

import cloudflare
import pytest

from harness import waiting


@pytest.fixture
def ruled(edge, control, endpoints):
    """Makes a load balancer of pool a with these rules; `pools` names pool b as well."""
    a, b = endpoints("a", "b")
    pools = {"a": control.pool(a), "b": control.pool(b)}
    ready = control.balancer(*pools.values())
    edge.await_answer(ready.host, "a")

    def make(*rules: dict, **fields: object) -> str:
        balancer = control.balancer(pools["a"], rules=list(rules), **fields)
        waiting.until("the rules", lambda: edge.get("/", balancer.host).status != 409)
        return balancer.host

    make.pools, make.endpoints = pools, (a, b)
    return make


def to(pool: str, condition: str, **fields: object) -> dict:
    """A rule that sends what it matches to that pool."""
    overrides = {"default_pools": [pool]}
    return {"name": f"to {pool}", "condition": condition, "overrides": overrides, **fields}


def ask(edge, host: str, method: str, target: str, *headers: tuple[str, str]) -> str | None:
    """Who answers."""
    with edge.connect() as connection:
        return connection.ask(method, target, host, list(headers)).endpoint


@pytest.mark.parametrize(
    "condition, matching, others",
    [
        (
            'http.request.uri.path eq "/b"',
            [("GET", "/b"), ("GET", "/b?x=1"), ("POST", "/b")],
            [("GET", "/"), ("GET", "/B"), ("GET", "/b/"), ("GET", "/?p=/b")],
        ),
        (
            'starts_with(http.request.uri.path, "/api/") and not http.request.uri contains "old"',
            [("GET", "/api/"), ("GET", "/api/new")],
            [("GET", "/api"), ("GET", "/api/old")],
        ),
        (
            'any(http.request.headers["x-beta"][*] eq "yes")',
            [("GET", "/", ("X-Beta", "yes")), ("GET", "/", ("x-beta", "no"), ("x-beta", "yes"))],
            [("GET", "/"), ("GET", "/", ("X-Beta", "no")), ("GET", "/", ("X-Alpha", "yes"))],
        ),
        (
            'len(http.request.headers["x-beta"]) > 0',
            [("GET", "/", ("X-Beta", ""))],
            [("GET", "/")],
        ),
        (
            'http.request.uri.args["v"][0] in {"2" "3"}',
            [("GET", "/?v=2"), ("GET", "/x?a=1&v=3"), ("GET", "/?v=2&v=1")],
            [("GET", "/?v=1"), ("GET", "/"), ("GET", "/?w=2"), ("GET", "/?v=1&v=2")],
        ),
        (
            'http.request.method in {"POST" "PUT"}',
            [("POST", "/"), ("PUT", "/x")],
            [("GET", "/"), ("HEAD", "/")],
        ),
        (
            'http.cookie contains "tier=gold" or http.request.uri.query ~ "^g[0-9]+$"',
            [("GET", "/", ("Cookie", "a=1; tier=gold")), ("GET", "/?g12")],
            [("GET", "/", ("Cookie", "tier=silver")), ("GET", "/?g12x")],
        ),
        ("ip.src in {127.0.0.0/8}", [("GET", "/")], []),
        ("ip.src eq 192.0.2.1", [], [("GET", "/"), ("GET", "/", ("X-Forwarded-For", "192.0.2.1"))]),
        ("", [("GET", "/")], []),
    ],
)
def test_a_rule_takes_the_requests_it_describes_to_other_pools(
    edge, ruled, condition, matching, others
):
    host = ruled(to(ruled.pools["b"], condition))
    for what in matching:
        assert ask(edge, host, *what) == "b", what
    for what in others:
        assert ask(edge, host, *what) == "a", what


def test_rules_apply_by_priority_until_one_terminates(edge, ruled):
    a, b = ruled.pools["a"], ruled.pools["b"]
    path = 'http.request.uri.path eq "/{}"'
    host = ruled(
        to(a, "", priority=30, disabled=True),
        to(b, path.format("late"), priority=20),
        to(b, path.format("early"), priority=1),
        to(a, path.format("early"), priority=10),
        to(b, path.format("final"), priority=2, terminates=True),
        to(a, path.format("final"), priority=11),
    )
    with edge.connect() as connection:
        seen = {
            target: connection.get(target, host).endpoint
            for target in ("/", "/late", "/early", "/final")
        }
    # The later one replaces what the earlier one said, unless that was the last word.
    assert seen == {"/": "a", "/late": "b", "/early": "a", "/final": "b"}


def test_a_rule_changes_the_policy_and_the_affinity(edge, ruled):
    a, b = ruled.pools["a"], ruled.pools["b"]
    overrides = {
        "default_pools": [a, b],
        "steering_policy": "random",
        "random_steering": {"pool_weights": {a: 0, b: 1}},
        "session_affinity": "cookie",
    }
    condition = 'http.request.uri.path eq "/sticky"'
    host = ruled({"name": "sticky", "condition": condition, "overrides": overrides})
    plain, sticky = edge.get("/", host), edge.get("/sticky", host)
    assert (plain.endpoint, plain.cookie()) == ("a", None)
    assert sticky.endpoint == "b" and sticky.cookie() is not None


def fixed(condition: str = "", **response: object) -> dict:
    """A rule that answers by itself."""
    return {"name": "fixed", "condition": condition, "fixed_response": response}


def test_a_fixed_response_needs_no_endpoint(edge, ruled):
    body = "<h1>back soon</h1>"
    host = ruled(
        fixed(status_code=503, content_type="text/html", message_body=body),
        session_affinity="cookie",
    )
    marks = [endpoint.mark() for endpoint in ruled.endpoints]
    with edge.connect() as connection:
        for _ in range(3):
            response = connection.get("/", host)
            assert (response.status, response.body) == (503, body.encode())
            assert response.header("content-type") == "text/html"
            assert response.header("content-length") == str(len(body))
            assert response.cookie() is None and response.endpoint is None
            head = connection.ask("HEAD", "/", host)
            assert (head.status, head.body) == (503, b"")
            assert head.header("content-length") == str(len(body))
    # Bodies that nobody waits for may cost the connection, not the answer.
    with edge.connect() as connection:
        posted = connection.ask("POST", "/", host, body=b"never read" * 10_000)
        assert (posted.status, posted.body) == (503, body.encode())
    for endpoint, mark in zip(ruled.endpoints, marks, strict=True):
        assert endpoint.events("open", mark) == [] and endpoint.requests(mark) == []


def test_a_fixed_response_sends_somewhere_else(edge, ruled):
    host = ruled(
        fixed(
            'http.request.uri.path eq "/old"',
            status_code=301,
            location="https://example.com/new?x=1",
        ),
        fixed('http.request.uri.path eq "/none"', status_code=204),
    )
    moved = edge.get("/old", host)
    assert (moved.status, moved.header("location"), moved.body) == (
        301,
        "https://example.com/new?x=1",
        b"",
    )
    assert edge.get("/none", host).status == 204
    assert edge.get("/", host).endpoint == "a"


@pytest.mark.parametrize(
    "condition",
    [
        "http.request.uri.path eq",
        'http.request.uri.path eq "/a" and',
        'http.no_such_field eq "x"',
        "http.request.uri.path eq 5",
        'http.request.uri.path matches "("',
        'http.request.uri.path wildcard "/**"',
        "ip.src in $list",
        'any(http.request.headers["x"] eq "y")',
        "(true",
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_where_it_stands(control, ruled, condition):
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        ruled(to(ruled.pools["b"], "true"), to(ruled.pools["b"], condition))
    (error,) = refusal.value.body["errors"]
    assert error["code"] == 1002
    assert error["source"]["pointer"] == "/rules/1/condition"
