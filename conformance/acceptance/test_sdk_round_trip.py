"""Values come back exactly as they were sent, and nothing moves by itself (api.md 1.8 and 7).

Documents are compared as JSON: a default of the SDK's objects must not hide a difference. Shapes
are those of the documentation and of the Terraform provider's own tests.
"""

import itertools
import json

import cloudflare
import httpx
import pytest

from harness.control import PROBE, unique
from harness.evenkeel import ACCOUNT, TOKEN

READ_ONLY = {"id", "created_on", "modified_on", "zone_name"}


@pytest.fixture(scope="module")
def api(edge):
    """The API without an SDK: bodies leave as they are written here."""
    base = f"http://127.0.0.1:{edge.api}/client/v4"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def result(answer: httpx.Response) -> dict:
    """The `result` of a success."""
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


MONITORS = f"/accounts/{ACCOUNT}/load_balancers/monitors"
POOLS = f"/accounts/{ACCOUNT}/load_balancers/pools"
GROUPS = f"/accounts/{ACCOUNT}/load_balancers/monitor_groups"

MONITOR = {"type": "http", "expected_codes": "200"}
POOL = {"origins": [{"name": "a", "address": "192.0.2.1"}]}

MONITOR_SHAPES = [
    MONITOR,
    {"type": "https", "expected_codes": "2xx,301", "method": "HEAD", "header": {"X-A": ["b", "a"]}},
    {"type": "https", "expected_codes": "200", "header": {"Host": ["Ex-Ample.COM"]}, "port": 1},
    {"type": "tcp", "port": 65535, "method": "connection_established", "timeout": 10},
    {"type": "tcp", "port": 80, "expected_codes": "", "expected_body": "", "probe_zone": ""},
    {"type": "udp_icmp", "port": 8080},
    {"type": "icmp_ping", "consecutive_up": 1, "consecutive_down": 10},
    {"type": "smtp", "port": 25, "interval": 3600, "retries": 0},
    {"type": "http", "expected_codes": "2xx", "expected_body": 'a "live"\n\u00e9 \U0001f600'},
    {"type": "http", "expected_codes": "200", "path": "/a%20b?c=%2F&d", "allow_insecure": True},
    {"type": "http", "expected_codes": "200", "follow_redirects": True, "probe_zone": "a.example"},
]  # fmt: skip

ORIGIN = {"name": "a", "address": "192.0.2.1", "enabled": False}

POOL_SHAPES = [
    POOL,
    {"origins": [ORIGIN | {"weight": weight, "name": f"o{weight}", "port": port}
                 for port, weight in enumerate((0.56, 0, 1, 0.29, 0.07), start=1)]},
    {"origins": [ORIGIN | {"address": "2001:db8::1"}, {"name": "B", "address": "Host.Example"}]},
    {"origins": [ORIGIN | {"header": {"Host": ["192.0.2.1"]}, "flatten_cname": False}]},
    {"origins": [ORIGIN | {"virtual_network_id": "0b1a7c9e-4d2f-4b0e-8c6d-1e2f3a4b5c6d"}]},
    POOL | {"minimum_origins": 0, "latitude": 0, "longitude": -179.99, "enabled": False},
    POOL | {"check_regions": ["WNAM", "ENAM", "WEU"], "notification_email": "a@b.cd,e@f.gh"},
    POOL | {"check_regions": ["WEU"], "health_sources": ["regional", "global"]},
    POOL | {"load_shedding": {"default_percent": 12.5, "default_policy": "hash",
                              "session_percent": 100, "session_policy": "hash"}},
    POOL | {"origin_steering": {"policy": "least_outstanding_requests"}},
    POOL | {"notification_filter": {"origin": {"disable": True, "healthy": None},
                                    "pool": {"disable": False, "healthy": True}}},
    POOL | {"notification_filter": {"origin": None, "pool": {"disable": False, "healthy": False}}},
]  # fmt: skip


def balancer_shapes(a: str, b: str) -> list[dict]:
    """Load balancers over two pools."""
    plain = {"default_pools": [b, a], "fallback_pool": a}
    rule = {"name": "r", "condition": 'http.request.uri.path contains "/x"', "priority": 7}
    return [
        plain,
        plain | {"proxied": True, "enabled": False, "description": "d", "ttl": 1},
        plain | {"region_pools": {"WNAM": [b, a], "EEU": [a]}, "steering_policy": "geo"},
        plain | {"region_pools": {"WNAM": [b]}, "steering_policy": "off"},
        plain | {"pop_pools": {"LAX": [a, b]}, "country_pools": {"US": [b, a], "GB": [a]}},
        plain | {"steering_policy": "random",
                 "random_steering": {"default_weight": 0.2, "pool_weights": {b: 0.5, a: 0}}},
        plain | {"session_affinity": "ip_cookie", "session_affinity_ttl": 604800, "proxied": True},
        plain | {"session_affinity": "header", "session_affinity_ttl": 30,
                 "session_affinity_attributes": {
                     "headers": ["X-B", "cookie:b,a", "x-a"], "require_all_headers": True,
                     "samesite": "None", "secure": "Always", "drain_duration": 60,
                     "zero_downtime_failover": "temporary"}},
        plain | {"adaptive_routing": {"failover_across_pools": True}, "networks": ["cloudflare"],
                 "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "geo"}},
        plain | {"rules": [
            rule | {"overrides": {"default_pools": [a], "fallback_pool": b, "ttl": 31}},
            rule | {"name": "s", "priority": 3, "disabled": True, "terminates": True,
                    "overrides": {"session_affinity": "cookie", "session_affinity_ttl": 3600,
                                  "session_affinity_attributes": {"samesite": "Lax"},
                                  "steering_policy": "geo", "region_pools": {"ENAM": [b, a]}}},
        ]},
        plain | {"proxied": True, "rules": [rule | {"overrides": {}, "terminates": True,
                 "fixed_response": {"status_code": 418, "message_body": "<tea>\n",
                                    "content_type": "text/html", "location": "www.example.com"}}]},
        plain | {"pool_sets": [
            {"name": "west", "match": {"topology": {"regions": ["WNAM"], "countries": ["US"]}},
             "overrides": {"pools": [b, a], "pool_weights": {a: 0.5}, "pool_default_weight": 0.2,
                           "steering_policy": "random", "fallback_pool": b}},
            {"name": "rest", "match": {"default": True}, "overrides": {"pools": [a]}},
        ]},
    ]  # fmt: skip


def holds(sent: object, got: object, where: str = "") -> None:
    """What was sent is what came back; the answer may say more, except in maps of the user's."""
    if isinstance(sent, dict):
        assert isinstance(got, dict), where
        for name, value in sent.items():
            assert name in got, f"{where}/{name} is missing from {got}"
            holds(value, got[name], f"{where}/{name}")
    elif isinstance(sent, list):
        assert isinstance(got, list) and len(got) == len(sent), where
        for index, (one, other) in enumerate(zip(sent, got, strict=True)):
            holds(one, other, f"{where}/{index}")
    else:
        assert json.dumps(got) == json.dumps(sent), f"{where}: {got!r}, not {sent!r}"


def round_trip(api: httpx.Client, path: str, sent: dict) -> None:
    """POST, GET and the list agree; PUT of what GET returned changes nothing."""
    created = result(api.post(path, json=sent))
    where = f"{path}/{created['id']}"
    holds(sent, created)
    assert created["created_on"] == created["modified_on"]
    assert result(api.get(where)) == created
    assert created in result(api.get(path))

    put = result(api.put(where, json=created))
    assert put == created | {"modified_on": put["modified_on"]}
    bare = {name: value for name, value in created.items() if name not in READ_ONLY}
    put = result(api.put(where, json=bare))
    assert put == created | {"modified_on": put["modified_on"]}
    again = result(api.put(where, json=sent))
    assert again == created | {"modified_on": again["modified_on"]}
    patched = result(api.patch(where, json={}))
    assert patched == created | {"modified_on": patched["modified_on"]}
    assert result(api.get(where)) == patched


@pytest.mark.parametrize("shape", MONITOR_SHAPES, ids="+".join)
def test_monitors_come_back_as_sent(api, shape):
    round_trip(api, MONITORS, shape)


@pytest.mark.parametrize("shape", POOL_SHAPES, ids="+".join)
def test_pools_come_back_as_sent(api, shape):
    round_trip(api, POOLS, shape | {"name": unique("Pool_X")})


@pytest.mark.parametrize("number", range(12))
def test_load_balancers_come_back_as_sent(api, control, number):
    a, b = (control.pool(**POOL) for _ in "ab")
    shapes = balancer_shapes(a, b)
    assert len(shapes) == 12
    zone = control.zone()
    name = {"name": f"www.{zone.name}"}
    round_trip(api, f"/zones/{zone.id}/load_balancers", name | shapes[number])


def test_private_load_balancers_come_back_as_sent(api, control):
    pool = control.pool(**POOL)
    sent = {"name": f"{unique('p')}.example", "default_pools": [pool], "fallback_pool": pool}
    round_trip(api, f"/accounts/{ACCOUNT}/load_balancers", sent)


def test_monitor_groups_come_back_as_sent(api, control):
    wishes = [dict(zip(("enabled", "must_be_healthy", "monitoring_only"), bits, strict=True))
              for bits in itertools.product((True, False), repeat=3)]  # fmt: skip
    members = [{"monitor_id": control.monitor()} | wish for wish in wishes]
    sent = {"description": "All kinds", "members": members}
    created = result(api.post(GROUPS, json=sent))
    holds(sent, created)
    where = f"{GROUPS}/{created['id']}"
    assert result(api.get(where)) == created
    put = result(api.put(where, json=sent))
    holds(sent, put)
    assert (put["id"], put["created_on"]) == (created["id"], created["created_on"])
    patched = result(api.patch(where, json={"description": "Others"}))
    holds(sent | {"description": "Others"}, patched)


# What old clients send: whole objects back, with nulls for what was never set (api.md 1.8).


def test_nulls_of_old_clients_are_legal(api, control):
    pool = POOL | {"name": unique("pool"), "check_regions": None, "monitor": None}
    pool["origins"] = [pool["origins"][0] | {"header": None, "virtual_network_id": None}]
    made = result(api.post(POOLS, json=pool))
    assert made["check_regions"] is None and "monitor" not in made
    assert "header" not in made["origins"][0]
    assert result(api.post(MONITORS, json=MONITOR | {"header": None, "port": None}))["header"] == {}
    zone = control.zone()
    where = f"/zones/{zone.id}/load_balancers"
    sent = {"name": zone.name, "default_pools": [made["id"]], "fallback_pool": made["id"]}
    maps = {"region_pools": None, "pop_pools": None, "country_pools": None, "rules": None}
    created = result(api.post(where, json=sent | maps))
    assert (created["region_pools"], created["pop_pools"]) == ({}, {})
    assert "rules" not in created
    filled = sent | {"region_pools": {"WEU": [made["id"]]}, "pop_pools": {"LHR": [made["id"]]}}
    put = result(api.put(f"{where}/{created['id']}", json=filled))
    assert put["region_pools"] == filled["region_pools"]
    cleared = result(api.put(f"{where}/{created['id']}", json=sent | maps))
    assert cleared == created | {"modified_on": cleared["modified_on"]}


PATCHED_TO_DEFAULT = [
    (POOLS, {"description": "d", "enabled": False, "minimum_origins": 3, "latitude": 1,
             "longitude": 2, "check_regions": ["WEU"], "load_shedding": {"default_percent": 1},
             "origin_steering": {"policy": "hash"}, "notification_email": "a@b.example",
             "notification_filter": {"pool": {"disable": True}}}),
    (MONITORS, {"description": "d", "interval": 90, "timeout": 4, "retries": 1, "port": 81,
                "path": "/x", "method": "HEAD", "header": {"X-A": ["b"]}, "expected_body": "x",
                "follow_redirects": True, "allow_insecure": True, "consecutive_up": 2,
                "consecutive_down": 2, "probe_zone": "z.example"}),
]  # fmt: skip


@pytest.mark.parametrize("path, fields", PATCHED_TO_DEFAULT, ids=["pool", "monitor"])
def test_null_in_a_patch_restores_the_default(api, path, fields):
    plain = POOL | {"name": unique("pool")} if path == POOLS else MONITOR
    made = result(api.post(path, json=plain))
    where = f"{path}/{made['id']}"
    changed = result(api.patch(where, json=fields))
    holds(fields, changed)
    restored = result(api.patch(where, json=dict.fromkeys(fields)))
    assert restored == made | {"modified_on": restored["modified_on"]}


def test_null_in_a_patch_of_a_load_balancer_restores_the_default(api, control):
    pool, zone = control.pool(**POOL), control.zone()
    where = f"/zones/{zone.id}/load_balancers"
    sent = {"name": zone.name, "default_pools": [pool], "fallback_pool": pool}
    made = result(api.post(where, json=sent))
    fields = {
        "description": "d", "enabled": False, "proxied": True, "ttl": 60,
        "region_pools": {"WEU": [pool]}, "country_pools": {"GB": [pool]},
        "pop_pools": {"LHR": [pool]}, "steering_policy": "random",
        "random_steering": {"default_weight": 0.5}, "session_affinity": "cookie",
        "session_affinity_ttl": 1800, "session_affinity_attributes": {"samesite": "Lax"},
        "adaptive_routing": {"failover_across_pools": True},
        "location_strategy": {"mode": "resolver_ip"},
        "rules": [{"name": "r", "condition": "", "overrides": {"ttl": 30}}],
    }  # fmt: skip
    where = f"{where}/{made['id']}"
    holds(fields | {"rules": [{"name": "r"}]}, result(api.patch(where, json=fields)))
    restored = result(api.patch(where, json=dict.fromkeys(fields)))
    assert restored == made | {"modified_on": restored["modified_on"]}
    sets = [{"overrides": {"pools": [pool]}}]
    assert result(api.patch(where, json={"pool_sets": sets}))["pool_sets"]
    kept = result(api.patch(where, json={"pool_sets": None}))
    assert kept["pool_sets"], "null changes nothing here"
    assert not result(api.patch(where, json={"pool_sets": []})).get("pool_sets")


@pytest.mark.parametrize(
    "sent, shown",
    [
        ({"steering_policy": ""}, "off"),
        ({"steering_policy": "", "region_pools": True}, "geo"),
        ({"region_pools": True}, "geo"),
        ({"steering_policy": "off", "region_pools": True}, "off"),
    ],
    ids=str,
)
def test_an_empty_steering_policy_is_resolved_once(api, control, sent, shown):
    pool, zone = control.pool(**POOL), control.zone()
    if "region_pools" in sent:
        sent = sent | {"region_pools": {"WEU": [pool]}}
    body = {"name": zone.name, "default_pools": [pool], "fallback_pool": pool} | sent
    made = result(api.post(f"/zones/{zone.id}/load_balancers", json=body))
    assert made["steering_policy"] == shown


# Errors, as the SDK's own exceptions.

EXCEPTIONS = [
    (cloudflare.BadRequestError, 400, 1002, "create", {"name": "two words", **POOL}),
    (cloudflare.BadRequestError, 400, 1002, "create", {"name": "a", "origins": []}),
    (cloudflare.NotFoundError, 404, 1001, "get", {"pool_id": "0" * 32}),
    (cloudflare.NotFoundError, 404, 7003, "get", {"pool_id": "not-an-id"}),
    (cloudflare.NotFoundError, 404, 1001, "delete", {"pool_id": "0" * 32}),
]


@pytest.mark.parametrize("kind, status, code, method, arguments", EXCEPTIONS)
def test_errors_are_the_exceptions_of_the_sdk(control, kind, status, code, method, arguments):
    with pytest.raises(kind) as refusal:
        getattr(control.sdk.load_balancers.pools, method)(account_id=ACCOUNT, **arguments)
    assert refusal.value.status_code == status
    assert refusal.value.errors[0].code == code and refusal.value.errors[0].message


def test_an_error_points_at_the_member(control):
    origins = [ORIGIN, {"name": "b", "address": "192.0.2.2", "weight": 2}]
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        control.pool(origins=origins)
    (error,) = refusal.value.errors
    assert error.source.pointer == "/origins/1/weight"
    assert error.message.endswith(": validation failed")


def test_what_is_refused_for_good_is_not_tried_again(control):
    """408, 409, 429 and 5xx make every generated SDK repeat the call (api.md 1.2)."""
    pool = control.pool(**POOL)
    name = control.sdk.load_balancers.pools.get(pool, account_id=ACCOUNT).name
    balancer = control.balancer(pool)
    for attempt in (
        lambda: control.sdk.load_balancers.pools.create(account_id=ACCOUNT, name=name, **POOL),
        lambda: control.sdk.load_balancers.pools.delete(pool, account_id=ACCOUNT),
        lambda: control.balancer(pool, zone=balancer.zone, name=balancer.host),
        lambda: control.monitor(**PROBE | {"interval": 0}),
    ):
        with pytest.raises(cloudflare.APIStatusError) as refusal:
            attempt()
        assert refusal.value.status_code in {400, 412}
