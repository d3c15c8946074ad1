"""`evenkeel explain` and its API: what is said of a request is what becomes of it."""

import json

import httpx
import pytest

from harness import waiting
from harness.chi_squared import assert_same_shares
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel, finish

# Requests that each explanation is held against.
REQUESTS = 1000


class Explainer:
    """Asks the API, over one connection."""

    def __init__(self, server: Evenkeel):
        self.url = f"http://127.0.0.1:{server.api}/evenkeel/v1/explain"
        self.client = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"})

    def ask(self, **question: object) -> dict:
        """The whole explanation."""
        answer = self.client.post(self.url, json=question)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def request(self, host: str, target: str = "/", **question: object) -> dict:
        """The explanation of a request to this host name."""
        return self.ask(url=f"http://{host}{target}", **question)

    def endpoint(self, host: str, **question: object) -> str:
        """The one endpoint that a request would reach."""
        return self.request(host, **question)["outcome"]["endpoint"]


@pytest.fixture
def explain(edge):
    """The explanations of the shared balancer."""
    explainer = Explainer(edge)
    with explainer.client:
        yield explainer


def cli(server: Evenkeel, *arguments: str, token: str = TOKEN):
    """`evenkeel explain …`, run to its end."""
    base = f"http://127.0.0.1:{server.api}"
    return finish("explain", "--server", base, *arguments, EVENKEEL_API_TOKEN=token)


def shares(explanation: dict) -> dict[str, int]:
    """Counts by endpoint of a distribution."""
    return {each["outcome"]["endpoint"]: each["count"] for each in explanation["distribution"]}


def test_off_is_explained_as_it_happens(edge, control, endpoints, explain):
    a, b, c = endpoints("a", "b", "c")
    first, last = control.pool(a), control.pool(c)
    balancer = control.balancer(first, control.pool(b), fallback_pool=last)
    edge.await_answer(balancer.host, "a")
    mark = a.mark()
    explained = explain.request(balancer.host, repeat=REQUESTS)
    assert a.requests(mark) == [], "nothing is sent"
    assert shares(explained) == edge.draw(balancer.host, REQUESTS) == {"a": REQUESTS}
    assert len(a.requests(mark)) == REQUESTS
    control.edit_pool(first, enabled=False)
    edge.await_answer(balancer.host, "b")
    explained = explain.request(balancer.host, repeat=REQUESTS)
    assert shares(explained) == edge.draw(balancer.host, REQUESTS) == {"b": REQUESTS}
    name = control.sdk.load_balancers.pools.get(first, account_id=ACCOUNT).name
    assert f"pool {name} is passed over: disabled" in explained["text"]


def test_hash_is_explained_as_it_happens_for_each_client(edge, control, endpoints, explain):
    pool = control.pool(*endpoints("a", "b", "c"), origin_steering={"policy": "hash"})
    balancer = control.balancer(pool)
    waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
    sources = [f"127.5.{n // 250}.{n % 250 + 1}" for n in range(REQUESTS)]
    explained = {source: explain.endpoint(balancer.host, client=source) for source in sources}
    seen = {source: edge.get("/", balancer.host, source=source).endpoint for source in sources}
    assert explained == seen
    assert set(seen.values()) == {"a", "b", "c"}


@pytest.mark.parametrize("kind", ["cookie", "ip_cookie"])
def test_a_cookie_is_explained_as_it_happens(edge, control, endpoints, explain, kind):
    pool = control.pool(*endpoints("a", "b", "c"))
    balancer = control.balancer(pool, session_affinity=kind)
    waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
    homes = set()
    for n in range(REQUESTS // 10):
        first = edge.get("/", balancer.host, source=f"127.6.0.{n + 1}")
        cookie = ("Cookie", first.cookie())
        explained = explain.request(balancer.host, headers=[cookie], repeat=10)
        assert shares(explained) == {first.endpoint: 10}
        assert "sets_cookie" not in explained["outcome"]
        with edge.connect() as connection:
            for _ in range(10):
                assert connection.get("/", balancer.host, [cookie]).endpoint == first.endpoint
        homes.add(first.endpoint)
    assert homes == {"a", "b", "c"}
    assert explain.request(balancer.host)["outcome"]["sets_cookie"] is True


def test_random_is_explained_by_the_shares_that_are_seen(edge, control, endpoints, explain):
    a, b, c, d = endpoints("a", "b", "c", "d")
    one = control.pool(origins=[a.origin(weight=0.6), b.origin(weight=0.2)])
    two = control.pool(c, d)
    balancer = control.balancer(
        one,
        two,
        steering_policy="random",
        random_steering={"default_weight": 0.3, "pool_weights": {one: 0.7}},
    )
    edge.await_answer(balancer.host, "a", "b", "c", "d")
    explained = explain.request(balancer.host, repeat=10_000)
    seen = edge.draw(balancer.host, REQUESTS)
    assert_same_shares(shares(explained), seen)
    printed = cli(edge, f"http://{balancer.host}/", "--repeat", "10000", "--json")
    assert_same_shares(shares(json.loads(printed.stdout)), seen)


def test_rules_and_refusals_are_explained_as_they_happen(edge, control, endpoints, explain):
    a, b = endpoints("a", "b")
    condition = 'http.request.headers["x-beta"][0] eq "yes" and http.request.method eq "PUT"'
    rules = [
        {
            "name": "gone",
            "condition": 'http.request.uri.path eq "/gone"',
            "fixed_response": {"status_code": 410},
        },
        {
            "name": "beta",
            "condition": condition,
            "overrides": {"default_pools": [control.pool(b)]},
        },
    ]
    balancer = control.balancer(control.pool(a), rules=rules)
    edge.await_answer(balancer.host, "a")
    for method, target, headers in [
        ("GET", "/", []),
        ("PUT", "/", [("X-Beta", "yes")]),
        ("PUT", "/", [("X-Beta", "no")]),
        ("GET", "/gone?x=1", []),
    ]:
        explained = explain.request(balancer.host, target, method=method, headers=headers)
        outcome = explained["outcome"]
        with edge.connect() as connection:
            response = connection.ask(method, target, balancer.host, headers)
        assert outcome.get("endpoint") == response.endpoint
        assert outcome.get("status", 200) == response.status
        assert ("gone" in target) == ("rule gone applies" in explained["text"])
    unknown = explain.request("nobody.example")["outcome"]
    assert (unknown["action"], unknown["status"]) == ("refuse", 409)
    assert edge.get("/", "nobody.example").status == 409


def settled_metrics(server: Evenkeel) -> list[str]:
    """The metrics page once no client is connected any more, but for what the process uses."""

    def look() -> list[str] | None:
        page = httpx.get(f"http://127.0.0.1:{server.api}/metrics").text
        lines = [line for line in page.splitlines() if not line.startswith("process_")]
        return lines if "evenkeel_downstream_connections 0" in lines else None

    return waiting.until("the last connection to be gone", look)


def finding(explanation: dict) -> str:
    """What became of the session."""
    (found,) = [step["outcome"] for step in explanation["steps"] if step["step"] == "session"]
    return found


def test_explaining_changes_nothing(own_edge, own_control, endpoints):
    a, b = endpoints("a", "b")
    pool = own_control.pool(a, b)
    balancer = own_control.balancer(
        pool, session_affinity="header", session_affinity_attributes={"headers": ["x-user"]}
    )
    own_edge.await_answer(balancer.host, "a", "b")
    explain = Explainer(own_edge)
    known, unknown = [("X-User", "known")], [("X-User", "unknown")]
    home = own_edge.get("/", balancer.host, known).endpoint
    with explain.client:
        before = settled_metrics(own_edge)
        marks = a.mark(), b.mark()
        for _ in range(20):
            # A session that a request began is found; one that was only asked about is not begun.
            explained = explain.request(balancer.host, headers=known, repeat=100)
            assert shares(explained) == {home: 100} and finding(explained) == "pinned"
            explained = explain.request(balancer.host, headers=unknown, repeat=100)
            assert finding(explained) != "pinned"
        assert settled_metrics(own_edge) == before
        assert (a.mark(), b.mark()) == marks
        own_edge.get("/", balancer.host, unknown)
        assert settled_metrics(own_edge) != before, "a request does count"
        assert finding(explain.request(balancer.host, headers=unknown)) == "pinned"


def test_only_a_known_token_gets_an_explanation(edge):
    url = f"http://127.0.0.1:{edge.api}/evenkeel/v1/explain"
    question = {"url": "http://www.example.com/"}
    for headers in ({}, {"Authorization": "Bearer someone-elses"}):
        answer = httpx.post(url, json=question, headers=headers)
        assert answer.status_code == 401 and answer.json()["success"] is False
    refused = cli(edge, question["url"], token="someone-elses-token-0123456789abcdef")
    assert refused.returncode != 0 and "401" in refused.stderr and refused.stdout == ""
    assert cli(edge, question["url"], token="").returncode != 0


def test_the_command_says_what_the_api_says(edge, control, endpoints, explain):
    pool = control.pool(*endpoints("a", "b"), origin_steering={"policy": "hash"})
    balancer = control.balancer(pool)
    waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
    for source in (f"127.7.0.{n}" for n in range(1, 9)):
        question = ["PUT", f"https://{balancer.host}/x?y=1", "--from", source, "-H", "X-Beta: yes"]
        expected = explain.ask(
            method="PUT",
            url=f"https://{balancer.host}/x?y=1",
            client=source,
            headers=[("X-Beta", "yes")],
        )
        printed = cli(edge, *question, "--json")
        # Other tests may have changed other things in between.
        revisions = {"revision": expected["revision"]}
        assert json.loads(printed.stdout) | revisions == expected
        in_words = cli(edge, *question)
        assert (in_words.returncode, in_words.stderr) == (0, "")
        assert in_words.stdout.strip() == expected["text"].strip()
        seen = edge.get("/x?y=1", balancer.host, source=source).endpoint
        assert f"forward to endpoint {seen} " in in_words.stdout
    repeated = cli(edge, f"http://{balancer.host}/", "--repeat", "500").stdout
    assert "of 500 decisions" in repeated and "100.0 %" in repeated


def test_a_query_is_explained_by_its_records(edge, control, explain):
    addresses = {"192.0.2.10", "192.0.2.11"}
    origins = [{"name": f"n{n}", "address": address} for n, address in enumerate(addresses)]
    balancer = control.balancer(control.pool(origins=origins), proxied=False, ttl=45)
    waiting.until(
        "the records",
        lambda: set(explain.ask(dns={"name": balancer.host})["outcome"]["records"]) == addresses,
    )
    printed = cli(edge, balancer.host, "--dns", "A", "--from", "203.0.113.9", "--json")
    explained = json.loads(printed.stdout)
    outcome = explained["outcome"]
    assert outcome["action"] == "answer" and outcome["ttl_s"] == 45
    assert set(outcome["records"]) == addresses
    assert explained["client"]["address"] == "203.0.113.9"
    assert "192.0.2.10" in cli(edge, balancer.host, "--dns", "a").stdout
    assert json.loads(cli(edge, balancer.host, "--dns", "AAAA", "--json").stdout)["outcome"][
        "records"
    ] in ([], None)


def test_an_unreadable_question_is_refused(edge, explain):
    for question in ({}, {"url": "www.example.com"}, {"url": "http://a.example/", "repeat": 0}):
        answer = explain.client.post(explain.url, json=question)
        assert answer.status_code == 400 and answer.json()["success"] is False
    assert cli(edge, "http://a.example/", "--repeat", "10001").returncode != 0
    assert cli(edge).returncode != 0
