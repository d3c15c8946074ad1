"""The API under requests that no client of good will sends: it refuses in Cloudflare's shape,
quickly, and goes on (row 39 of the hostile inputs).

Requests are written byte by byte where a client library would not let them out.
"""

import json
import statistics
import time
import urllib.parse

import pytest

from harness import http1, waiting
from harness.control import PROBE, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel

BASE = "/client/v4"
POOLS = f"{BASE}/accounts/{ACCOUNT}/load_balancers/pools"
MONITORS = f"{BASE}/accounts/{ACCOUNT}/load_balancers/monitors"
ORIGINS = [{"name": "a", "address": "192.0.2.1"}]

# What a refusal may take on a busy machine with a debug build; the typical one is held to less.
SLOW_SECONDS, TYPICAL_SECONDS = 2.0, 0.1

MIB = 1 << 20

# What the data plane answers for a host name that no load balancer has, and for its own requests.
UNKNOWN_HOST, LOOP_DETECTED = 409, 508


class Api:
    """Sends bytes and checks the shape of every answer."""

    def __init__(self, port: int):
        self.port = port
        self.seconds: list[float] = []

    def send(self, request: bytes, method: str = "POST") -> http1.Response:
        """One request on a connection of its own; the answer is an envelope and no 5xx."""
        began = time.monotonic()
        with http1.Connection(self.port, timeout=30.0) as connection:
            connection.send(request)
            answer = connection.read(method)
        self.seconds.append(time.monotonic() - began)
        self.check(answer)
        return answer

    def check(self, answer: http1.Response) -> None:
        """An envelope, and nobody's fault but the client's."""
        assert answer.status < 500, answer
        envelope = json.loads(answer.body)
        assert set(envelope) >= {"success", "errors", "messages", "result"}
        assert envelope["success"] is (answer.status == 200)
        if answer.status != 200:
            assert envelope["result"] is None
            assert all(
                error["code"] >= 1000 and isinstance(error["message"], str)
                for error in envelope["errors"]
            )
            assert envelope["errors"]

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | dict = b"",
        token: str | None = TOKEN,
        **headers: str,
    ) -> http1.Response:
        """A request with credentials."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        fields = {"Content-Type": "application/json"} if body else {}
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(
            http1.request(method, target, "localhost", list(fields.items()), body), method
        )

    def refused(self, *arguments, **named) -> http1.Response:
        """A request that has to be refused."""
        answer = self.ask(*arguments, **named)
        assert 400 <= answer.status < 500, answer
        return answer


@pytest.fixture(scope="module")
def api(edge):
    api = Api(edge.api)
    yield api
    assert max(api.seconds) < SLOW_SECONDS, max(api.seconds)
    assert statistics.median(api.seconds) < TYPICAL_SECONDS


def code(answer: http1.Response) -> int:
    """The first error's code."""
    return json.loads(answer.body)["errors"][0]["code"]


# Bodies.


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_of_100_mib_is_refused(edge, api, framing):
    """The answer may come before the body has been sent, and the rest of it may be cut off."""
    head = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
    if framing == "length":
        head.append(("Content-Length", str(100 * MIB)))
        piece, last = b"[" * MIB, b""
    else:
        head.append(("Transfer-Encoding", "chunked"))
        piece, last = b"100000\r\n" + b"[" * MIB + b"\r\n", b"0\r\n\r\n"
    with http1.Connection(edge.api, timeout=30.0) as connection:
        connection.send(http1.request("POST", POOLS, "localhost", head))
        try:
            for _ in range(100):
                connection.send(piece)
            connection.send(last)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.read("POST")
    assert 400 <= answer.status < 500
    api.check(answer)


ADDED = '"name":"x","origins":[{"name":"a","address":"192.0.2.1"}]'

BODIES = {
    "nothing": b"",
    "spaces": b"  \n ",
    "cut": b'{"name":',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"origins":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NaN": b'{"name":NaN}',
    "a number without end": b'{"latitude":1e999,' + ADDED.encode() + b"}",
    "a long number": b'{"minimum_origins":' + b"9" * 10_000 + b"," + ADDED.encode() + b"}",
    "a negative count": b'{"minimum_origins":-1,' + ADDED.encode() + b"}",
    "not UTF-8": b'{"name":"\xff"}',
    "half a surrogate": b'{"name":"\\ud800",' + ADDED[11:].encode() + b"}",
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b'{"name":"x"}{"name":"y"}',
    "a comment": b'{/* */"name":"x"}',
    "single quotes": b"{'name':'x'}",
    "an array": b"[{}]",
    "text": b'"x"',
    "a name of 1 MB": json.dumps({"name": "x" * 1_000_000, "origins": ORIGINS}).encode(),
    "a name with a zero": json.dumps({"name": "a\0b", "origins": ORIGINS}).encode(),
    "10,000 endpoints": json.dumps(
        {"name": "x", "origins": [{"name": str(i), "address": "192.0.2.1"} for i in range(10_000)]}
    ).encode(),
    "the wrong types": b'{"name":1,"origins":"a"}',
    "an endpoint that is none": b'{"name":"x","origins":[null,1,"a",[],{}]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_makes_no_sense_is_refused(api, name):
    assert code(api.refused("POST", POOLS, BODIES[name], Content_Type="application/json")) >= 1000
    assert api.refused("POST", MONITORS, BODIES[name], Content_Type="application/json")


def test_equal_keys_are_refused(api):
    name = unique("pool")
    body = f'{{"name":"two words","name":"{name}","origins":{json.dumps(ORIGINS)}}}'
    answer = api.ask("POST", POOLS, body.encode())
    assert answer.status == 400
    assert "comes twice" in json.loads(answer.body)["errors"][0]["message"]


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "image/png"])
def test_what_is_called_something_else_is_not_read_as_json(api, kind):
    body = {"name": unique("pool"), "origins": ORIGINS}
    assert api.refused("POST", POOLS, body, Content_Type=kind)


# Paths and queries.

STRANGE_IDS = [
    "..%2F..%2Fzones", "../zones", "%2e%2e", "' OR 1=1 --", "';--", "%00", "0" * 31, "0" * 33,
    "0" * 32 + "%0d%0aX:%20y", "A" * 32, "x" * 5000, "%ff%fe", "null", "-1", "{id}", "*",
    "f9138c5d07c2e2f4df57b1f61d4196", "%F0%9F%98%80",
]  # fmt: skip


@pytest.mark.parametrize("id", STRANGE_IDS)
def test_an_id_that_is_none_names_nothing(api, id):
    id = urllib.parse.quote(id, safe="%./*{}'")
    for target in (
        f"{POOLS}/{id}",
        f"{POOLS}/{id}/health",
        f"{MONITORS}/{id}/references",
        f"{BASE}/accounts/{id}/load_balancers/pools",
        f"{BASE}/zones/{id}/load_balancers",
        f"{BASE}/zones/{id}/load_balancers/{'0' * 32}",
    ):
        for method in ("GET", "DELETE"):
            assert api.refused(method, target)


QUERIES = [
    "page=0", "page=-1", "page=18446744073709551616", "page=99999999999999999999999999",
    "page=1.5", "page=x", "page=", "per_page=0", "per_page=-5", "per_page=18446744073709551616",
    "page=1&page=2", "per_page=%00", "page=%ff", "monitor=%27--", "=", "&&&&", "a[b][c]=d",
    "x" * 5000, "%", "page=1%0d%0aX: y".replace(" ", "%20"),
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_strange_query_is_refused_or_ignored(api, query):
    for target in (POOLS, MONITORS, f"{BASE}/zones", f"{BASE}/accounts"):
        answer = api.ask("GET", f"{target}?{query}")
        assert answer.status in {200, 400}


def test_pages_that_are_far_away_are_empty(api):
    for target in (POOLS, MONITORS, f"{BASE}/zones", f"{BASE}/accounts"):
        answer = api.ask("GET", f"{target}?page=9223372036854775807&per_page=50")
        assert answer.status == 200 and json.loads(answer.body)["result"] == []
    answer = api.ask("GET", f"{POOLS}?page=1&per_page=9223372036854775807")
    assert answer.status in {200, 400}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "X" * 100])
def test_other_methods_are_not_there(edge, api, method):
    request = http1.request(method, POOLS, "localhost", [("Authorization", f"Bearer {TOKEN}")])
    with http1.Connection(edge.api) as connection:
        connection.send(request)
        assert connection.read(method).status in {400, 405}


# Credentials.


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "Bearer  x", "Basic eDp5", "bearer", "Bearer \xff", "Bearer null",
     "Bearer " + "x" * 9000, f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}"],
)  # fmt: skip
def test_a_wrong_credential_is_refused(api, value):
    assert api.refused("GET", POOLS, token=None, Authorization=value).status in {400, 401, 403, 431}


def test_no_credentials_reach_nothing(api):
    for target in (POOLS, MONITORS, f"{BASE}/zones", f"{BASE}/user", f"{BASE}/accounts"):
        assert api.refused("GET", target, token=None).status in {400, 401}
        assert api.refused("DELETE", target, token=None)
    assert api.refused("POST", POOLS, {"name": "x", "origins": ORIGINS}, token=None)
    assert api.refused("GET", POOLS, token=None, X_Auth_Key="x").status in {400, 401, 403}


def test_another_account_is_not_there(api):
    other = f"{BASE}/accounts/{'1' * 32}/load_balancers/pools"
    assert api.refused("GET", other).status in {403, 404}
    assert api.refused("POST", other, {"name": "x", "origins": ORIGINS}).status in {403, 404}


# Values.

POOL_MEMBERS = [
    "name", "origins", "description", "enabled", "minimum_origins", "monitor", "monitor_group",
    "check_regions", "latitude", "longitude", "load_shedding", "origin_steering", "networks",
    "notification_filter", "notification_email", "health_sources", "id", "created_on", "unknown",
]  # fmt: skip
MONITOR_MEMBERS = [
    "type", "description", "method", "path", "header", "interval", "retries", "timeout", "port",
    "expected_codes", "expected_body", "follow_redirects", "allow_insecure", "consecutive_up",
    "consecutive_down", "probe_zone", "id", "modified_on", "unknown",
]  # fmt: skip
BALANCER_MEMBERS = [
    "name", "description", "enabled", "proxied", "ttl", "default_pools", "fallback_pool",
    "region_pools", "pop_pools", "country_pools", "steering_policy", "random_steering", "rules",
    "session_affinity", "session_affinity_ttl", "session_affinity_attributes", "pool_sets",
    "adaptive_routing", "location_strategy", "networks", "zone_name", "id", "unknown",
]  # fmt: skip

# A member that must be there cannot be taken away; all others go back to their default.
REQUIRED = {"name", "origins", "default_pools", "fallback_pool", "expected_codes"}


def test_null_is_a_value_for_every_member(api, control):
    pool, monitor = control.pool(origins=ORIGINS), control.monitor()
    balancer = control.balancer(pool)
    where = {
        f"{POOLS}/{pool}": POOL_MEMBERS,
        f"{MONITORS}/{monitor}": MONITOR_MEMBERS,
        f"{BASE}/zones/{balancer.zone}/load_balancers/{balancer.id}": BALANCER_MEMBERS,
    }
    for target, members in where.items():
        before = json.loads(api.ask("GET", target).body)["result"]
        for member in members:
            status = api.ask("PATCH", target, {member: None}).status
            assert status == 400 if member in REQUIRED else status == 200, member
        after = json.loads(api.ask("GET", target).body)["result"]
        assert {name: after[name] for name in ("id", "created_on")} == {
            name: before[name] for name in ("id", "created_on")
        }


STRANGERS = [True, 7, -1, 1.5, "", "x", [], [None], [[]], {}, {"a": {}}, {"": None}, "\0", "\u202e"]


@pytest.mark.parametrize("value", STRANGERS, ids=repr)
def test_any_value_for_any_member_is_taken_or_refused(api, control, value):
    pool, monitor = control.pool(origins=ORIGINS), control.monitor()
    balancer = control.balancer(pool)
    where = {
        f"{POOLS}/{pool}": POOL_MEMBERS,
        f"{MONITORS}/{monitor}": MONITOR_MEMBERS,
        f"{BASE}/zones/{balancer.zone}/load_balancers/{balancer.id}": BALANCER_MEMBERS,
    }
    for target, members in where.items():
        for member in members:
            assert api.ask("PATCH", target, {member: value}).status in {200, 400}, member


def test_what_is_in_use_stays(api, control):
    monitor = control.monitor()
    pool = control.pool(origins=ORIGINS, monitor=monitor)
    control.balancer(pool)
    for target in (f"{POOLS}/{pool}", f"{MONITORS}/{monitor}"):
        answer = api.refused("DELETE", target)
        assert (answer.status, code(answer)) == (412, 1005)
        assert "referenced by other objects" in answer.body.decode()


@pytest.mark.parametrize(
    "member",
    [
        {"header": {"X-A": ["b\r\nEvil: 1"]}},
        {"header": {"X-A": ["b\nEvil: 1"]}},
        {"header": {"X-A": ["b\0"]}},
        {"header": {"X-A\r\nEvil": ["b"]}},
        {"header": {"X A": ["b"]}},
        {"header": {"": ["b"]}},
        {"header": {"X-A: b\r\nEvil": ["c"]}},
        {"header": {"User-Agent": ["me"]}},
        {"header": {"Host": ["a\r\nEvil: 1"]}},
        {"path": "/a\r\nEvil: 1"},
        {"path": "/a b HTTP/1.1\r\nEvil: 1\r\n\r\n"},
        {"path": "/a\n"},
        {"path": "/\0"},
        {"path": "no-slash"},
        {"path": "http://169.254.169.254/"},
        {"path": "/" + "x" * 100_000},
        {"method": "GET / HTTP/1.1\r\nEvil: 1"},
        {"method": "TRACE"},
        {"expected_codes": "999,,"},
    ],
    ids=lambda member: repr(member)[:60],
)
def test_a_monitor_carries_nothing_into_its_request(api, member):
    wanted = {"type": "http", "expected_codes": "200"} | member
    assert code(api.refused("POST", MONITORS, wanted)) == 1002
    assert code(api.refused("POST", MONITORS, PROBE | {"interval": 0})) == 1002


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "0.0.0.0", "::", "fe80::1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
        "64:ff9b::a9fe:a9fe", "224.0.0.1", "255.255.255.255", "ff02::1", "2852039166", "0x7f.1",
        "017700000001", "127.1", "[::1]", "127.0.0.1:80", "fe80::1%lo", "a b.example", "", ".", "-",
        "a..example", "http://a.example/", "a.example/path", "user@a.example", "x" * 300, "a\r\nb",
        "\0", "*.example.com",
    ],
)  # fmt: skip
def test_an_address_that_leads_astray_is_refused(api, address):
    """Cloud metadata services, this machine by another name, everybody at once, nothing at all."""
    body = {"name": unique("pool"), "origins": [{"name": "a", "address": address}]}
    answer = api.refused("POST", POOLS, body)
    assert code(answer) == 1002
    assert b"address" in answer.body


@pytest.mark.parametrize(
    "flag, policy, allowed",
    [
        ("--private-addresses", "deny", {"192.0.2.1"}),
        ("--private-addresses", "allow", {"192.0.2.1", "10.0.0.1", "::1"}),
        ("--link-local-addresses", "allow", {"192.0.2.1", "10.0.0.1", "::1", "169.254.169.254"}),
    ],
)
def test_which_addresses_may_be_named_is_a_setting(tmp_path, flag, policy, allowed):
    server = Evenkeel(tmp_path / "strict")
    server.flags[flag] = policy
    try:
        api = Api(server.start().api)
        for address in ("192.0.2.1", "10.0.0.1", "::1", "169.254.169.254", "224.0.0.1"):
            origins = [{"name": "a", "address": address}]
            answer = api.ask("POST", POOLS, {"name": unique("pool"), "origins": origins})
            assert answer.status == 200 if address in allowed else code(answer) == 1002, address
    finally:
        server.kill()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_a_balancer_that_names_itself_does_not_run_in_circles(edge, control, address):
    """Private addresses are what most pools consist of, so a loop is ended where it runs."""
    origins = [{"name": "self", "address": address, "port": edge.http}]
    balancer = control.balancer(control.pool(origins=origins))
    waiting.until("it is live", lambda: edge.get("/", balancer.host).status != UNKNOWN_HOST)
    began = time.monotonic()
    assert edge.get("/", balancer.host).status == LOOP_DETECTED
    assert time.monotonic() - began < SLOW_SECONDS


def test_the_api_still_stands(edge, api):
    assert edge.is_ready()
    assert api.ask("GET", POOLS).status == 200
