"""Monitor groups, health of pools, previews and searches, against endpoints that live and die.

The SDK's own methods are all called elsewhere; here their answers have to be true. Health is read
as JSON: the SDK has another shape in mind than the service ever sent.
"""

import json
import re

import cloudflare
import httpx
import pytest

from harness import waiting
from harness.control import PROBE, unique
from harness.evenkeel import ACCOUNT, TOKEN
from harness.ports import free_port

GO_DURATION = re.compile(r"(\d+(\.\d+)?(ms|s))+")
BASE = f"/accounts/{ACCOUNT}/load_balancers"


@pytest.fixture
def http(control):
    """The API without the SDK's types."""
    base = f"http://127.0.0.1:{control.server.api}/client/v4"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def result(response: httpx.Response) -> object:
    """The `result` of a success."""
    assert response.status_code == 200, response.text
    return response.json()["result"]


def member(monitor: str, **flags: bool) -> dict[str, object]:
    """A member of a group, with one plain vote unless told otherwise."""
    plain = {"enabled": True, "must_be_healthy": False, "monitoring_only": False}
    return {"monitor_id": monitor, **plain, **flags}


def settings(**fields: object) -> dict[str, object]:
    """A monitor's document as it is on the wire."""
    wire = {key: value for key, value in PROBE.items() if key != "load_balancer_monitor_timeout"}
    return {**wire, "timeout": 1, **fields}


def previewed(http: httpx.Client, path: str, body: dict[str, object]) -> dict[str, dict]:
    """What came of a preview once every pool of it is there."""
    created = result(http.post(path, json=body))
    at = f"{BASE}/preview/{created['preview_id']}"

    def whole() -> dict | None:
        found = result(http.get(at))
        return found if found.keys() == created["pools"].keys() else None

    return waiting.until("the preview", whole)


def test_a_group_is_held_and_holds(control):
    groups = control.sdk.load_balancers.monitor_groups
    first, second = control.monitor(), control.monitor()
    made = groups.create(
        account_id=ACCOUNT,
        description="checkout",
        members=[member(first, must_be_healthy=True), member(second, monitoring_only=True)],
    )
    assert [one.monitor_id for one in made.members] == [first, second]
    assert made.members[0].created_at == made.members[0].updated_at == made.created_on

    put = groups.update(
        made.id, account_id=ACCOUNT, description="", members=[member(second), member(first)]
    )
    assert [one.monitor_id for one in put.members] == [second, first]
    assert put.members[0].created_at == made.members[1].created_at
    assert put.members[0].updated_at > made.members[1].updated_at

    pool = control.pool(
        origins=[{"name": "a", "address": "192.0.2.1", "enabled": False}], monitor_group=made.id
    )
    for refused in (
        lambda: groups.delete(made.id, account_id=ACCOUNT),
        lambda: control.sdk.load_balancers.monitors.delete(first, account_id=ACCOUNT),
    ):
        with pytest.raises(cloudflare.APIStatusError) as held:
            refused()
        assert held.value.status_code == 412
        assert "referenced by other objects" in held.value.response.text
    control.edit_pool(pool, monitor=first)
    found = control.sdk.load_balancers.pools.get(pool, account_id=ACCOUNT)
    assert found.monitor == first, "the monitor took the group's place"
    whole = groups.delete(made.id, account_id=ACCOUNT)
    assert whole == put, "a deletion answers with the group"


def test_a_pool_without_a_monitor_has_no_health(control, http):
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    health = result(http.get(f"{BASE}/pools/{pool}/health"))
    assert health == {"pool_id": pool, "pop_health": {}}


def test_health_is_unavailable_until_a_probe_is_done_and_true_then(control, http, endpoints):
    (good,) = endpoints("good")
    slow = control.monitor(interval=3600)
    quiet = control.pool(
        origins=[{"name": "off", "address": "192.0.2.1", "enabled": False}], monitor=slow
    )
    answer = http.get(f"{BASE}/pools/{quiet}/health")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": 1004, "message": "Health info unavailable"}]

    monitor = control.monitor()
    refusing = {"name": "refusing", "address": "127.0.0.1", "port": free_port()}
    pool = control.pool(origins=[good.origin(), refusing], monitor=monitor)

    def both() -> list[dict] | None:
        answer = http.get(f"{BASE}/pools/{pool}/health")
        if answer.status_code == 404:
            return None
        (seen,) = result(answer)["pop_health"].values()
        return seen["origins"] if len(seen["origins"]) == 2 else None

    healthy, unhealthy = (one["127.0.0.1"] for one in waiting.until("both verdicts", both))
    assert GO_DURATION.fullmatch(healthy.pop("rtt"))
    assert healthy == {"healthy": True, "failure_reason": "No failures", "response_code": 200}
    assert unhealthy == {
        "healthy": False,
        "failure_reason": "TCP connection failed",
        "response_code": 0,
    }
    twin = result(http.get(f"/user/load_balancers/pools/{pool}/health"))
    assert twin["pool_id"] == pool


def test_a_preview_probes_now_and_changes_nothing(control, http, endpoints):
    good, ill = endpoints("good", "ill")
    ill.set_health(503)
    off = good.origin(name="off", enabled=False, port=free_port())
    pool = control.pool(origins=[good.origin(), ill.origin(), off])
    since = good.mark()
    seen = previewed(http, f"{BASE}/pools/{pool}/preview", settings())[pool]
    assert seen["healthy"] is True, "one of two is the minimum"
    first, second, third = (one["127.0.0.1"] for one in seen["origins"])
    assert first["healthy"] and first["response_code"] == 200
    assert GO_DURATION.fullmatch(first["rtt"])
    assert second == {
        "healthy": False,
        "failure_reason": "Response code mismatch error",
        "response_code": 503,
    }
    assert third["failure_reason"] == "TCP connection failed", "disabled ones are tried as well"
    assert len(good.probes(since)) == 1
    assert result(http.get(f"{BASE}/pools/{pool}/health"))["pop_health"] == {}

    lenient = previewed(http, f"{BASE}/pools/{pool}/preview", settings(expected_codes="503"))
    assert [one["127.0.0.1"]["healthy"] for one in lenient[pool]["origins"]] == [False, True, False]


def test_a_monitor_is_tried_on_every_pool_it_judges(control, http, endpoints):
    (good,) = endpoints("good")
    monitor = control.monitor()
    direct = control.pool(good, monitor=monitor)
    group = control.sdk.load_balancers.monitor_groups.create(
        account_id=ACCOUNT, description="", members=[member(monitor)]
    )
    grouped = control.pool(good, monitor_group=group.id)
    control.pool(good)
    seen = previewed(http, f"{BASE}/monitors/{monitor}/preview", settings(expected_codes="404"))
    assert seen.keys() == {direct, grouped}
    for pool in seen.values():
        assert pool["healthy"] is False
        assert pool["origins"][0]["127.0.0.1"]["response_code"] == 200
    missing = http.get(f"{BASE}/preview/p{'0' * 32}")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, 1001)


def test_a_search_finds_names_and_identifiers(control, http):
    word = unique("Needle")
    monitor = control.monitor(description=f"{word} page")
    pool = control.sdk.load_balancers.pools.create(
        account_id=ACCOUNT,
        name=word,
        monitor=monitor,
        origins=[{"name": "a", "address": "192.0.2.1", "enabled": False}],
    )
    balancer = control.balancer(pool.id)

    def search(**query: object) -> list[dict]:
        return result(http.get(f"{BASE}/search", params=query))["resources"]

    found = search(query=word.lower())
    assert [(one["resource_type"], one["resource_id"]) for one in found] == [
        ("pool", pool.id),
        ("monitor", monitor),
    ]
    assert all("references" not in one for one in found)
    (only,) = search(query=pool.id, references="*")
    assert {(one["reference_type"], one["resource_id"]) for one in only["references"]} == {
        ("referrer", balancer.id),
        ("referral", monitor),
    }
    paged = http.get(f"{BASE}/search", params={"query": word, "per_page": 1, "page": 2}).json()
    assert [one["resource_id"] for one in paged["result"]["resources"]] == [monitor]
    assert paged["result_info"] == {
        "page": 2,
        "per_page": 1,
        "count": 1,
        "total_count": 2,
        "total_pages": 2,
    }


def test_events_are_a_list_and_their_window_is_checked(http):
    path = "/user/load_balancing_analytics/events"
    events = result(http.get(path))
    assert isinstance(events, list)
    assert json.dumps(result(http.get(path, params={"until": "2020-01-01T00:00:00Z"}))) == "[]"
    for query in ({"since": "yesterday"}, {"pool_healthy": "maybe"}):
        answer = http.get(path, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1002), query
