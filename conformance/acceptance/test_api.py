"""The REST API as the official SDK sees it: create, read, replace, change, delete, refuse.

Documents are compared as JSON, not as the SDK's objects: a field that the SDK does not know, or
fills in itself, must not hide a difference.
"""

import json
import re

import cloudflare
import httpx
import pytest

from harness.control import PROBE, client, unique
from harness.evenkeel import ACCOUNT

ID = re.compile(r"[0-9a-f]{32}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def document(response) -> dict:
    """The `result` of a raw SDK response, and the envelope checked on the way."""
    envelope = json.loads(response.read())
    assert envelope["success"] is True
    assert envelope["errors"] == [] and isinstance(envelope["messages"], list)
    return envelope["result"]


def stamped(created: dict) -> dict:
    """A created document without what the server adds to every one, once that is checked."""
    assert ID.fullmatch(created["id"])
    assert TIMESTAMP.fullmatch(created["created_on"])
    assert created["modified_on"] == created["created_on"]
    return {key: value for key, value in created.items() if key not in STAMPS}


STAMPS = ("id", "created_on", "modified_on")


@pytest.fixture
def pools(control):
    return control.sdk.load_balancers.pools


@pytest.fixture
def monitors(control):
    return control.sdk.load_balancers.monitors


@pytest.fixture
def balancers(control):
    return control.sdk.load_balancers


def test_a_monitor_echoes_all_it_was_given(monitors):
    sent = {
        "type": "https",
        "description": "Login page",
        "method": "HEAD",
        "path": "/live?deep=1",
        "header": {"Host": ["m.example"], "X-Probe": ["a", "b"]},
        "interval": 90,
        "retries": 1,
        "port": 8443,
        "expected_codes": "2xx,301",
        "follow_redirects": True,
        "allow_insecure": True,
        "consecutive_up": 2,
        "consecutive_down": 3,
        "probe_zone": "example.com",
    }
    raw = monitors.with_raw_response
    created = document(raw.create(account_id=ACCOUNT, load_balancer_monitor_timeout=7, **sent))
    assert stamped(created) == sent | {"timeout": 7, "expected_body": ""}
    assert document(raw.get(created["id"], account_id=ACCOUNT)) == created


def test_a_monitor_gets_the_documented_defaults(monitors):
    sent = {"type": "http", "expected_codes": "200"}
    created = document(monitors.with_raw_response.create(account_id=ACCOUNT, **sent))
    assert stamped(created) == sent | {
        "description": "", "method": "GET", "path": "/", "header": {}, "interval": 60,
        "timeout": 5, "retries": 2, "expected_body": "", "follow_redirects": False,
        "allow_insecure": False, "probe_zone": "",
    }  # fmt: skip


def test_a_pool_echoes_all_it_was_given(control, pools):
    monitor = control.monitor()
    origin = {
        "name": "a", "address": "192.0.2.10", "enabled": True, "weight": 0.56, "port": 8080,
        "flatten_cname": True,
    }  # fmt: skip
    sent = {
        "name": unique("pool"),
        "description": "West",
        "enabled": True,
        "minimum_origins": 2,
        "monitor": monitor,
        "latitude": 0,
        "longitude": -8.5,
        "load_shedding": {
            "default_percent": 10, "default_policy": "random",
            "session_percent": 5, "session_policy": "hash",
        },
        "origin_steering": {"policy": "random"},
        "notification_filter": {
            "origin": {"disable": True, "healthy": None},
            "pool": {"disable": False, "healthy": False},
        },
        "notification_email": "ops@example.com",
    }  # fmt: skip
    origins = [
        origin | {"header": {"host": ["a.example"]}},
        {"name": "b", "address": "b.example", "weight": 0},
    ]
    raw = pools.with_raw_response
    regions = {"check_regions": ["WEU", "ENAM"]}  # the SDK has it for changes only
    answer = raw.create(account_id=ACCOUNT, origins=origins, extra_body=regions, **sent)
    created = document(answer)
    body = stamped(created)
    assert body["origins"][0] == origin | {"header": {"Host": ["a.example"]}}
    assert body["origins"][1] | {"weight": 0, "enabled": True} == body["origins"][1]
    assert {key: body.get(key) for key in sent | regions} == sent | regions
    assert body["networks"] == ["cloudflare"]
    assert document(raw.get(created["id"], account_id=ACCOUNT)) == created


def test_a_pool_says_nothing_of_what_is_unset(pools):
    sent = {"name": unique("pool"), "origins": [{"name": "a", "address": "192.0.2.10"}]}
    created = stamped(document(pools.with_raw_response.create(account_id=ACCOUNT, **sent)))
    absent = {"monitor", "monitor_group", "latitude", "longitude", "load_shedding",
              "origin_steering", "notification_filter", "disabled_at"}  # fmt: skip
    assert not absent & set(created)
    assert created["check_regions"] is None
    assert (created["minimum_origins"], created["description"]) == (1, "")
    assert created["origins"][0]["weight"] == 1 and created["origins"][0]["enabled"] is True


def test_a_load_balancer_echoes_all_it_was_given(control, balancers):
    first, second = (control.pool(origins=[{"name": "a", "address": "192.0.2.1"}]) for _ in "ab")
    zone = control.zone()
    sent = {
        "name": f"shop.{zone.name}",
        "description": "The shop",
        "proxied": True,
        "enabled": True,
        "ttl": 45,
        "default_pools": [second, first],
        "fallback_pool": first,
        "steering_policy": "random",
        "random_steering": {"default_weight": 0.3, "pool_weights": {first: 0.7}},
        "session_affinity": "cookie",
        "session_affinity_ttl": 1800,
        "adaptive_routing": {"failover_across_pools": True},
        "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
        "region_pools": {"WEU": [first, second]},
        "pop_pools": {"LHR": [first]},
        "country_pools": {"GB": [second]},
        "networks": ["cloudflare"],
        "rules": [
            {
                "name": "maintenance",
                "condition": 'http.request.uri.path eq "/down"',
                "disabled": True,
                "priority": 5,
                "terminates": True,
                "fixed_response": {
                    "status_code": 503, "content_type": "text/plain", "message_body": "later",
                    "location": "",
                },
                "overrides": {},
            }
        ],
    }  # fmt: skip
    attributes = {
        "samesite": "Strict", "secure": "Always", "drain_duration": 100,
        "zero_downtime_failover": "temporary",
    }  # fmt: skip
    raw = balancers.with_raw_response
    created = document(raw.create(zone_id=zone.id, session_affinity_attributes=attributes, **sent))
    body = stamped(created)
    rule = body.pop("rules")[0]
    assert rule | {"fixed_response": None} == sent.pop("rules")[0] | {"fixed_response": None}
    assert rule["fixed_response"]["status_code"] == 503
    assert rule["fixed_response"]["message_body"] == "later"
    assert body.pop("session_affinity_attributes") | attributes == attributes
    assert body == sent | {"zone_name": zone.name}
    assert document(raw.get(created["id"], zone_id=zone.id)) == created


def test_a_load_balancer_gets_the_documented_defaults(control, balancers):
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    zone = control.zone()
    sent = {"name": zone.name, "default_pools": [pool], "fallback_pool": pool}
    created = document(balancers.with_raw_response.create(zone_id=zone.id, **sent))
    country_pools = created.pop("country_pools", {})  # the real service leaves it out while empty
    assert country_pools == {}
    assert stamped(created) == sent | {
        "description": "", "enabled": True, "proxied": False, "ttl": 30,
        "networks": ["cloudflare"], "zone_name": zone.name,
        "region_pools": {}, "pop_pools": {}, "steering_policy": "off",
        "session_affinity": "none",
        "session_affinity_attributes": {
            "samesite": "Auto", "secure": "Auto", "drain_duration": 0,
            "zero_downtime_failover": "none",
        },
        "adaptive_routing": {"failover_across_pools": False},
        "location_strategy": {"mode": "pop", "prefer_ecs": "proximity"},
        "random_steering": {"default_weight": 1},
    }  # fmt: skip


def test_put_replaces_and_patch_changes(control, pools, monitors, balancers):
    """Identity and time of creation stay; PUT falls back to defaults, PATCH leaves the rest."""
    monitor = document(
        monitors.with_raw_response.create(account_id=ACCOUNT, description="one", **PROBE)
    )
    changed = document(
        monitors.with_raw_response.edit(monitor["id"], account_id=ACCOUNT, path="/other")
    )
    assert changed == monitor | {"path": "/other", "modified_on": changed["modified_on"]}
    replaced = document(
        monitors.with_raw_response.update(monitor["id"], account_id=ACCOUNT, **PROBE)
    )
    assert (replaced["description"], replaced["path"]) == ("", PROBE["path"])
    assert replaced["created_on"] == monitor["created_on"]
    assert replaced["modified_on"] > monitor["modified_on"]

    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}], description="one")
    edited = pools.edit(pool, account_id=ACCOUNT, monitor=monitor["id"])
    assert (edited.monitor, edited.description) == (monitor["id"], "one")
    origins = [{"name": "b", "address": "192.0.2.2"}, {"name": "a", "address": "192.0.2.1"}]
    updated = pools.update(pool, account_id=ACCOUNT, name=edited.name, origins=origins)
    assert (updated.id, updated.monitor, updated.description) == (pool, None, "")
    assert [origin.name for origin in updated.origins] == ["b", "a"]

    balancer = control.balancer(pool, session_affinity="cookie", region_pools={"WEU": [pool]})
    edited = balancers.edit(balancer.id, zone_id=balancer.zone, description="new")
    assert (edited.description, edited.session_affinity) == ("new", "cookie")
    assert edited.region_pools == {"WEU": [pool]}
    updated = balancers.update(
        balancer.id,
        zone_id=balancer.zone,
        name=balancer.host,
        default_pools=[pool],
        fallback_pool=pool,
    )
    assert (updated.description, updated.session_affinity) == ("", "none")
    assert (updated.region_pools, updated.proxied) == ({}, False)
    assert updated.created_on == edited.created_on


def test_lists_hold_what_was_made_and_not_what_was_deleted(control, pools, monitors, balancers):
    zone = control.zone()
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    monitor = control.monitor()
    balancer = control.balancer(pool, zone=zone.id)

    def listed(found) -> list[str]:
        return [item.id for item in found]

    assert pool in listed(pools.list(account_id=ACCOUNT))
    assert monitor in listed(monitors.list(account_id=ACCOUNT))
    assert listed(balancers.list(zone_id=zone.id)) == [balancer.id]

    assert balancers.delete(balancer.id, zone_id=zone.id).id == balancer.id
    assert pools.delete(pool, account_id=ACCOUNT).id == pool
    assert monitors.delete(monitor, account_id=ACCOUNT).id == monitor

    assert pool not in listed(pools.list(account_id=ACCOUNT))
    assert monitor not in listed(monitors.list(account_id=ACCOUNT))
    assert listed(balancers.list(zone_id=zone.id)) == []
    for get in (
        lambda: pools.get(pool, account_id=ACCOUNT),
        lambda: monitors.get(monitor, account_id=ACCOUNT),
        lambda: balancers.get(balancer.id, zone_id=zone.id),
    ):
        with pytest.raises(cloudflare.NotFoundError) as refusal:
            get()
        assert refusal.value.errors, "a 404 names its error"


def test_a_list_is_whole_unless_pages_are_asked_for(control, pools):
    made = {control.pool(origins=[{"name": "a", "address": "192.0.2.1"}]) for _ in range(25)}
    assert made <= {pool.id for pool in pools.list(account_id=ACCOUNT)}
    url = f"http://127.0.0.1:{control.server.api}/client/v4/accounts/{ACCOUNT}/load_balancers/pools"
    headers = {"Authorization": f"Bearer {control.sdk.api_token}"}
    page = httpx.get(url, params={"page": 2, "per_page": 10}, headers=headers).json()
    info = page["result_info"]
    assert len(page["result"]) == 10
    assert (info["page"], info["per_page"], info["count"]) == (2, 10, 10)
    assert info["total_count"] >= 25
    assert info["total_pages"] == -(-info["total_count"] // 10)


def test_zones_page_to_their_end(control):
    """The SDK asks for the next page until one is empty: a wrong last page would never end."""
    made = {control.zone().id for _ in range(23)}
    assert made <= {zone.id for zone in control.sdk.zones.list(per_page=20)}
    zone = control.zone()
    assert [found.id for found in control.sdk.zones.list(name=zone.name)] == [zone.id]
    assert control.sdk.zones.get(zone_id=zone.id).status == "active"
    assert control.sdk.zones.delete(zone_id=zone.id).id == zone.id
    with pytest.raises(cloudflare.NotFoundError):
        control.sdk.zones.get(zone_id=zone.id)


def test_the_account_the_user_and_the_token_are_there(control):
    assert [account.id for account in control.sdk.accounts.list()] == [ACCOUNT]
    assert control.sdk.accounts.get(account_id=ACCOUNT).id == ACCOUNT
    assert control.sdk.user.get().id
    assert control.sdk.user.tokens.verify().status == "active"


def test_what_is_in_use_cannot_be_deleted(control, pools, monitors):
    monitor = control.monitor()
    default, fallback, mapped = (
        control.pool(origins=[{"name": "a", "address": "192.0.2.1"}], monitor=monitor)
        for _ in range(3)
    )
    control.balancer(default, fallback_pool=fallback, region_pools={"WEU": [mapped]})
    refused = [
        lambda id=id: pools.delete(id, account_id=ACCOUNT) for id in (default, fallback, mapped)
    ]
    refused.append(lambda: monitors.delete(monitor, account_id=ACCOUNT))
    for delete in refused:
        with pytest.raises(cloudflare.APIStatusError) as refusal:
            delete()
        assert refusal.value.status_code == 412
        assert refusal.value.errors[0].code == 1005
        assert "referenced by other objects" in refusal.value.errors[0].message
    assert pools.get(default, account_id=ACCOUNT).id == default


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": 0},
        {"interval": 3601},
        {"type": "gopher"},
        {"expected_codes": "200-299"},
        {"retries": -1},
        {"port": 65_536},
        {"load_balancer_monitor_timeout": 0},
    ],
    ids=str,
)
def test_a_wrong_monitor_is_refused(monitors, wrong):
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        monitors.create(account_id=ACCOUNT, **PROBE | wrong)
    assert refusal.value.errors[0].code == 1002


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"origins": []}, 1002),
        ({"name": "two words"}, 1002),
        ({"origins": [{"name": "a", "address": "192.0.2.1", "weight": 1.01}]}, 1002),
        ({"origins": [{"name": "a", "address": "192.0.2.1", "weight": 0.125}]}, 1002),
        ({"latitude": 10}, 1002),
        ({"monitor": "0" * 32}, 1002),
    ],
    ids=str,
)
def test_a_wrong_pool_is_refused(pools, wrong, code):
    right = {"name": unique("pool"), "origins": [{"name": "a", "address": "192.0.2.1"}]}
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        pools.create(account_id=ACCOUNT, **right | wrong)
    assert refusal.value.errors[0].code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "www.elsewhere.example"},
        {"name": "bare"},
        {"default_pools": []},
        {"default_pools": ["0" * 32]},
        {"steering_policy": "random_steering"},
        {"session_affinity": "cookie", "session_affinity_ttl": 1799},
        {"session_affinity_attributes": {"samesite": "None", "secure": "Never"}},
    ],
    ids=str,
)
def test_a_wrong_load_balancer_is_refused(control, wrong):
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        control.balancer(pool, **wrong)
    assert refusal.value.errors[0].code == 1002


def test_names_are_taken_once(control, pools):
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    name = pools.get(pool, account_id=ACCOUNT).name
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        pools.create(account_id=ACCOUNT, name=name, origins=[{"name": "a", "address": "192.0.2.1"}])
    assert refusal.value.errors[0].code == 1003
    balancer = control.balancer(pool)
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        control.balancer(pool, zone=balancer.zone, name=balancer.host)
    assert refusal.value.errors[0].code == 1003


def test_only_a_known_token_gets_in(control):
    with pytest.raises(cloudflare.AuthenticationError):
        client(control.server, "someone-elses-token-0123456789abcdef").zones.list()
    api = f"http://127.0.0.1:{control.server.api}/client/v4"
    for headers, status in [({}, {400, 401}), ({"Authorization": "Basic eDp5"}, {400, 401})]:
        answer = httpx.get(f"{api}/zones", headers=headers)
        assert answer.status_code in status
        assert answer.json()["success"] is False and answer.json()["result"] is None
    assert httpx.get(f"{api}/no/such/route", headers={
        "Authorization": f"Bearer {control.sdk.api_token}"
    }).status_code == 404  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b'{"name": NaN}', b"[" * 100_000, b"\xff\xfe"],
    ids=["empty", "cut", "array", "string", "NaN", "deep", "not UTF-8"],
)
def test_a_body_that_is_no_document_is_refused(control, body):
    url = f"http://127.0.0.1:{control.server.api}/client/v4/accounts/{ACCOUNT}/load_balancers/pools"
    headers = {
        "Authorization": f"Bearer {control.sdk.api_token}",
        "Content-Type": "application/json",
    }
    answer = httpx.post(url, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] >= 1000
