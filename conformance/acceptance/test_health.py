"""Monitors against endpoints that freeze, recover and disagree, and what is told of it.

Health is read as JSON, like an SDK of a later version would.
"""

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from harness import waiting
from harness.api import POOLS, Api
from harness.evenkeel import ACCOUNT
from harness.sdk import member

EVENTS = "/user/load_balancing_analytics/events"

# What a busy machine adds to a bound on its own: late processes, slow polls.
SLACK_SECONDS = 0.25


@pytest.fixture
def api(edge) -> Iterator[Api]:
    """The API of the shared balancer, as JSON."""
    with Api(edge) as api:
        yield api


def events(api: Api, **query: object) -> list[dict]:
    """Events, newest first."""
    return api.get(f"{EVENTS}?{urlencode(query)}")


def verdicts(api: Api, pool: str) -> list[bool | None]:
    """What is published of each endpoint of a pool; nothing while nobody knows."""
    return [origin.get("healthy") for origin in api.get(f"{POOLS}/{pool}")["origins"]]


def await_verdicts(api: Api, pool: str, *wanted: bool, within: float = 8.0) -> None:
    """Returns once these are published."""
    waiting.until(f"{wanted}", lambda: verdicts(api, pool) == list(wanted), within)


# --- Time to detect ---------------------------------------------------------------------------


@dataclass
class Clock:
    """A monitor's times, in seconds and counts."""

    interval: int
    timeout: int
    retries: int
    down: int
    up: int

    def fields(self) -> dict[str, int]:
        return {
            "interval": self.interval,
            "load_balancer_monitor_timeout": self.timeout,
            "retries": self.retries,
            "consecutive_down": self.down,
            "consecutive_up": self.up,
        }

    @property
    def lasts(self) -> int:
        """A probe of an endpoint that never answers."""
        return self.timeout * (self.retries + 1)

    @property
    def out_within(self) -> int:
        return max(1, self.down) * self.interval + self.lasts + 1

    @property
    def out_after(self) -> float:
        return (max(1, self.down) - 1) * self.interval * 0.9 + self.lasts

    @property
    def back_within(self) -> int:
        return max(1, self.up) * self.interval + 1


CLOCKS = [
    Clock(interval=2, timeout=1, retries=0, down=0, up=0),
    Clock(interval=2, timeout=1, retries=0, down=3, up=2),
    Clock(interval=2, timeout=1, retries=1, down=2, up=1),
    Clock(interval=3, timeout=1, retries=2, down=1, up=3),
    Clock(interval=5, timeout=2, retries=1, down=1, up=1),
]


def moments(api: Api, pools: list[str], healthy: bool, within: float) -> list[float]:
    """When each pool's only endpoint was published as that, in seconds from now."""
    begin, seen = time.monotonic(), {}
    while len(seen) < len(pools):
        for pool in pools:
            if pool not in seen and verdicts(api, pool) == [healthy]:
                seen[pool] = time.monotonic() - begin
        assert time.monotonic() - begin < within, f"{len(seen)} of {len(pools)}"
        time.sleep(waiting.POLL_SECONDS)
    return [seen[pool] for pool in pools]


def test_a_frozen_endpoint_is_out_and_back_within_the_bound(edge, control, api, endpoints):
    frozen = endpoints(*(f"frozen{n}" for n in range(len(CLOCKS))))
    pools = [
        control.pool(endpoint, monitor=control.monitor(**clock.fields()))
        for endpoint, clock in zip(frozen, CLOCKS, strict=True)
    ]
    balancer = control.balancer(pools[0])
    moments(api, pools, True, within=20)
    edge.await_answer(balancer.host, "frozen0")
    time.sleep(random.uniform(0, 1))  # any phase of the probes will do
    for endpoint in frozen:
        endpoint.process.send_signal(signal.SIGSTOP)
    out = moments(api, pools, False, within=20)
    assert edge.get("/", balancer.host).status == 530, "traffic has nowhere to go, and is told so"
    for endpoint in frozen:
        endpoint.process.send_signal(signal.SIGCONT)
    back = moments(api, pools, True, within=20)
    edge.await_answer(balancer.host, "frozen0")
    for clock, gone, here in zip(CLOCKS, out, back, strict=True):
        assert clock.out_after - SLACK_SECONDS <= gone <= clock.out_within, f"{clock}: {out}"
        assert here <= clock.back_within, f"{clock}: {back}"


# --- What is told of a change -----------------------------------------------------------------


def test_each_change_of_status_is_one_event(control, api, endpoints):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b, monitor=control.monitor(), minimum_origins=2)
    name = api.get(f"{POOLS}/{pool}")["name"]
    await_verdicts(api, pool, True, True)
    a.set_health(503)
    await_verdicts(api, pool, False, True)
    origins = api.get(f"{POOLS}/{pool}")["origins"]
    assert [origin["failure_reason"] for origin in origins] == [
        "Response code mismatch error",
        "No failures",
    ]
    assert api.get(f"{POOLS}/{pool}")["healthy"] is False
    (seen,) = api.get(f"{POOLS}/{pool}/health")["pop_health"].values()
    assert seen["healthy"] is False
    assert [one["127.0.0.1"]["response_code"] for one in seen["origins"]] == [503, 200]
    for endpoint in (a, b):
        endpoint.await_probe()  # many say the same, and nothing is told
    a.set_health(200)
    await_verdicts(api, pool, True, True)

    def whole() -> list[dict]:
        found = events(api, pool_id=pool)
        return found if found and found[0]["pool"]["healthy"] else []

    recovery, outage, *first = waiting.until("the events", whole)
    for event, healthy, reason, code in [
        (outage, False, "Response code mismatch error", 503),
        (recovery, True, "No failures", 200),
    ]:
        assert event["pool"] == {
            "id": pool,
            "name": name,
            "healthy": healthy,
            "changed": True,
            "minimum_origins": 2,
        }
        assert event["origins"] == [
            {
                "name": "a",
                "address": "127.0.0.1",
                "ip": "127.0.0.1",
                "enabled": True,
                "healthy": healthy,
                "changed": True,
                "failure_reason": reason,
                "response_code": code,
            },
            {
                "name": "b",
                "address": "127.0.0.1",
                "ip": "127.0.0.1",
                "enabled": True,
                "healthy": True,
                "changed": False,
                "failure_reason": "No failures",
                "response_code": 200,
            },
        ]
    ids = [event["id"] for event in (recovery, outage, *first)]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == len(ids)
    changes = [(one["name"], one["healthy"]) for event in first for one in event["origins"]]
    assert 1 <= len(first) <= 2, "the first verdicts are events, in one or two steps"
    assert changes[:2] == [("a", True), ("b", True)]
    for query, expected in [
        ({"pool_healthy": "false"}, {outage["id"]}),
        ({"origin_name": "a", "origin_healthy": "false"}, {outage["id"]}),
        ({"pool_name": "somebody-else"}, set()),
        ({"pool_name": name, "since": outage["timestamp"]}, {outage["id"], recovery["id"]}),
        ({"since": outage["timestamp"], "until": outage["timestamp"]}, {outage["id"]}),
    ]:
        found = {event["id"] for event in events(api, **{"pool_id": pool} | query)}
        # Before the first verdicts everything counts as down.
        assert found - {event["id"] for event in first} == expected, query


def test_a_monitor_group_judges(control, api, endpoints):
    """`checked` is what the endpoint says of itself, `other` and `lost` say the same for ever."""
    (a,) = endpoints("a")
    checked, other, lost = (
        control.monitor(path=path) for path in ("/_probe", "/status/200", "/status/404")
    )

    def grouped(*members: dict[str, object]) -> str:
        group = control.sdk.load_balancers.monitor_groups.create(
            account_id=ACCOUNT, description="", members=list(members)
        )
        return control.pool(a, monitor_group=group.id)

    voting = member(checked, must_be_healthy=True), member(other)
    strict = grouped(*voting, member(lost, monitoring_only=True))
    even = grouped(member(checked), member(other))
    outvoted = grouped(member(checked), member(other), member(lost))
    silent = grouped(member(lost, monitoring_only=True, must_be_healthy=True))
    idle = grouped(member(checked), member(lost, enabled=False, must_be_healthy=True))
    for pool in (strict, even, outvoted, idle):
        await_verdicts(api, pool, True)
    a.set_health(503)
    for pool, healthy in [(strict, False), (outvoted, False), (idle, False)]:
        await_verdicts(api, pool, healthy)
    assert verdicts(api, even) == [True], "exactly half is enough"
    assert verdicts(api, silent) == [None], "nobody has a vote"

    def told() -> list[dict]:
        found = events(api, pool_id=strict, pool_healthy="false")
        return found[0]["origins"][0]["monitors"] if found else []

    monitors = {one.pop("id"): one for one in waiting.until("the event", told)}
    assert monitors == {
        checked: {
            "healthy": False,
            "failure_reason": "Response code mismatch error",
            "response_code": 503,
            "must_be_healthy": True,
            "monitoring_only": False,
        },
        other: {
            "healthy": True,
            "failure_reason": "No failures",
            "response_code": 200,
            "must_be_healthy": False,
            "monitoring_only": False,
        },
        lost: {
            "healthy": False,
            "failure_reason": "Response code mismatch error",
            "response_code": 404,
            "must_be_healthy": False,
            "monitoring_only": True,
        },
    }


def test_a_restart_forgets_no_verdict(own_edge, own_control, endpoints):
    """Neither a start with everything down nor one with everything up; and it is no news."""
    good, ill = endpoints("good", "ill")
    ill.set_health(503)
    # Its next answer takes longer than all that is looked at below.
    monitor = own_control.monitor(
        path="/_probe/1500", interval=3600, load_balancer_monitor_timeout=5
    )
    pool = own_control.pool(good, ill, monitor=monitor)
    balancer = own_control.balancer(pool)

    def kept() -> list[dict]:
        with Api(own_edge) as api:
            # The event log is written together with the verdicts.
            found = events(api)
        if not found:
            return []
        # Of an endpoint that nobody has looked at, an event says "not healthy, no failures".
        last = [(one["healthy"], one["failure_reason"]) for one in found[0]["origins"]]
        wanted = [(True, "No failures"), (False, "Response code mismatch error")]
        return found if last == wanted else []

    before = waiting.until("both verdicts", kept)
    since = [endpoint.mark() for endpoint in (good, ill)]
    own_edge.kill()
    own_edge.start()
    seen = [own_edge.get("/", balancer.host) for _ in range(50)]
    assert {(one.status, one.endpoint) for one in seen} == {(200, "good")}
    with Api(own_edge) as api:
        assert verdicts(api, pool) == [True, False]
        assert api.get(f"{POOLS}/{pool}")["origins"][1]["failure_reason"] == (
            "Response code mismatch error"
        )
    for endpoint, mark in zip((good, ill), since, strict=True):
        endpoint.await_probe(mark)
    # The probes end 1.5 s after they began; what they find is no news.
    time.sleep(2)
    with Api(own_edge) as api:
        assert verdicts(api, pool) == [True, False]
        assert events(api) == before
