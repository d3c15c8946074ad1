"""Many writers at once: no interleaving leaves a reference to what is gone, and no change is lost
to another's.

`EVENKEEL_WRITERS_SECONDS` makes it longer than the 10 s of every day; a good long run has 30 s.
"""

import os
import random
import threading
from collections import Counter

import pytest

from harness.api import MONITORS, POOLS, Api, Refused, pools_of
from harness.control import PROBE, unique
from harness.evenkeel import Evenkeel

SECONDS = float(os.environ.get("EVENKEEL_WRITERS_SECONDS", "10"))
WRITERS = 32

# Few enough that writers meet at the same objects all the time.
KEPT_MAX = 24

ORIGINS = [{"name": "a", "address": "192.0.2.1", "enabled": False}]

# What a writer may be told: names what is not there (1002), gone (1001), in use (1005), or the
# name is taken (1003).
EXPECTED = {(400, 1002), (400, 1003), (404, 1001), (412, 1005)}


class Stage:
    """The ids that all writers pick from. Some are gone by the time that they are used."""

    def __init__(self, zone: str, zone_name: str):
        self.zone_name = zone_name
        self.balancers_path = f"/zones/{zone}/load_balancers"
        self.monitors: list[str] = []
        self.pools: list[str] = []
        self.balancers: list[str] = []
        self.stop = threading.Event()


class Worker(threading.Thread):
    """Works on a connection of its own until the stage is over, and keeps what surprised it."""

    def __init__(self, server: Evenkeel, stage: Stage, seed: int):
        super().__init__(daemon=True)
        self.server, self.stage = server, stage
        self.rng = random.Random(seed)
        self.outcomes: Counter = Counter()
        self.surprise: BaseException | None = None

    def run(self) -> None:
        try:
            with Api(self.server) as self.api:
                while not self.stage.stop.is_set():
                    self.step()
        except BaseException as surprise:  # noqa: BLE001 - shown by the test
            self.surprise = surprise
            self.stage.stop.set()

    def step(self) -> None:
        """One piece of work."""
        raise NotImplementedError


class Writer(Worker):
    """Creates, changes and deletes monitors, pools and load balancers that name each other."""

    def step(self) -> None:
        work = self.rng.choice(
            [self.make_pool, self.make_balancer, self.change_pool, self.change_balancer,
             self.change_balancer, self.delete_pool, self.delete_pool, self.delete_balancer,
             self.make_monitor, self.delete_monitor]
        )  # fmt: skip
        try:
            work()
            self.outcomes[work.__name__, 200] += 1
        except Refused as refusal:
            if (refusal.status, refusal.code) not in EXPECTED:
                raise
            self.outcomes[work.__name__, refusal.status] += 1

    def some(self, ids: list[str]) -> str:
        """One of these ids, or nobody's."""
        return (
            self.rng.choice([*ids, "0" * 32])
            if self.rng.random() < 0.02 or not ids
            else (self.rng.choice(ids))
        )

    def make_monitor(self) -> None:
        self.keep(self.stage.monitors, self.api.post(MONITORS, PROBE), MONITORS)

    def make_pool(self) -> None:
        body = {"name": unique("pool"), "origins": ORIGINS}
        if self.rng.random() < 0.5 and self.stage.monitors:
            body["monitor"] = self.some(self.stage.monitors)
        self.keep(self.stage.pools, self.api.post(POOLS, body), POOLS)

    def make_balancer(self) -> None:
        name = f"{unique('lb')}.{self.stage.zone_name}"
        made = self.api.post(self.stage.balancers_path, {"name": name} | self.references())
        self.keep(self.stage.balancers, made, self.stage.balancers_path)

    def references(self) -> dict[str, object]:
        """Members of a load balancer that name pools."""
        pools = self.stage.pools
        default = list(dict.fromkeys(self.some(pools) for _ in range(2)))
        named = {"default_pools": default, "fallback_pool": self.some(pools)}
        if self.rng.random() < 0.4:
            named["region_pools"] = {self.rng.choice(["WEU", "ENAM"]): [self.some(pools)]}
        if self.rng.random() < 0.3:
            overrides = {"fallback_pool": self.some(pools)}
            named["rules"] = [{"name": "r", "condition": "", "overrides": overrides}]
        return named

    def change_pool(self) -> None:
        monitor = self.some(self.stage.monitors) if self.rng.random() < 0.7 else None
        self.api.patch(f"{POOLS}/{self.some(self.stage.pools)}", {"monitor": monitor})

    def change_balancer(self) -> None:
        wanted = self.references()
        keep = self.rng.sample(sorted(wanted), self.rng.randint(1, len(wanted)))
        where = f"{self.stage.balancers_path}/{self.some(self.stage.balancers)}"
        self.api.patch(where, {name: wanted[name] for name in keep})

    def delete_monitor(self) -> None:
        self.remove(self.stage.monitors, MONITORS)

    def delete_pool(self) -> None:
        self.remove(self.stage.pools, POOLS)

    def delete_balancer(self) -> None:
        self.remove(self.stage.balancers, self.stage.balancers_path)

    def keep(self, ids: list[str], made: dict, path: str) -> None:
        """Puts a new object on the stage; the oldest has to leave it when it is full."""
        ids.append(made["id"])
        if len(ids) > KEPT_MAX:
            self.api.delete(f"{path}/{ids[0]}")
            self.forget(ids, ids[0])

    def remove(self, ids: list[str], path: str) -> None:
        id = self.some(ids)
        self.api.delete(f"{path}/{id}")
        self.forget(ids, id)
        with pytest.raises(Refused) as gone:
            self.api.get(f"{path}/{id}")
        assert gone.value.status == 404

    def forget(self, ids: list[str], id: str) -> None:
        """Another writer may have done so already."""
        if id in ids:
            ids.remove(id)


class Counting(Worker):
    """Counts up in one member of an object whose other members others change."""

    def __init__(self, server: Evenkeel, stage: Stage, seed: int, where: str, member: str, value):
        super().__init__(server, stage, seed)
        self.where, self.member, self.value = where, member, value
        self.count = 0

    def step(self) -> None:
        wanted = self.value(self.count + 1)
        answer = self.api.patch(self.where, {self.member: wanted})
        assert answer[self.member] == wanted, (self.where, self.member)
        self.count += 1


class Reader(Worker):
    """Looks for load balancers that name a pool which is not there.

    One that is the same before and after the list of pools was read has named its pools all that
    time, so each of them has to be in that list.
    """

    def step(self) -> None:
        before = self.balancers()
        pools = {pool["id"] for pool in self.api.get(POOLS)}
        for id, balancer in self.balancers().items():
            if before.get(id) == balancer:
                self.outcomes["looked at"] += 1
                assert pools >= set(pools_of(balancer)), balancer

    def balancers(self) -> dict[str, dict]:
        return {found["id"]: found for found in self.api.get(self.stage.balancers_path)}


def words(count: int) -> str:
    return f"change {count}"


# Members that mean nothing to each other, and the values that they take one after the other.
COUNTED = {
    "pool": {"description": words, "minimum_origins": int,
             "notification_email": lambda count: f"{count}@example.com",
             "load_shedding": lambda count: {
                 "default_percent": count % 100, "default_policy": "random",
                 "session_percent": 0, "session_policy": "hash"}},
    "monitor": {"description": words, "expected_body": words, "probe_zone": words,
                "path": lambda count: f"/{count}"},
    "balancer": {"description": words, "ttl": lambda count: 1 + count % 86_400,
                 "session_affinity_ttl": lambda count: 1800 + count % 600_000,
                 "enabled": lambda count: count % 2 == 0},
}  # fmt: skip


def check(server: Evenkeel, stage: Stage) -> tuple[list, list, list]:
    """Everything is there that is named by anything; returns all of it."""
    with Api(server) as api:
        monitors, pools = api.get(MONITORS), api.get(POOLS)
        balancers = api.get(stage.balancers_path)
    monitor_ids, pool_ids = ({found["id"] for found in objects} for objects in (monitors, pools))
    for pool in pools:
        assert pool.get("monitor") in {None, *monitor_ids}, pool
    for balancer in balancers:
        assert pool_ids >= set(pools_of(balancer)), balancer
    return monitors, pools, balancers


@pytest.mark.timeout(60 + 2 * int(SECONDS))
def test_writers_at_once_leave_nothing_dangling_and_lose_nothing(own_edge, own_control):
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    zone = own_control.zone()
    stage = Stage(zone.id, zone.name)
    counted = {
        "pool": f"{POOLS}/{own_control.pool(origins=ORIGINS)}",
        "monitor": f"{MONITORS}/{own_control.monitor()}",
    }
    balancer = own_control.balancer(own_control.nobody(), session_affinity="cookie")
    counted["balancer"] = f"/zones/{balancer.zone}/load_balancers/{balancer.id}"
    counting = [
        Counting(own_edge, stage, rng.random(), counted[kind], member, value)
        for kind, members in COUNTED.items()
        for member, value in members.items()
    ]
    writing = [Writer(own_edge, stage, rng.random()) for _ in range(WRITERS - len(counting))]
    workers = [*counting, *writing, Reader(own_edge, stage, rng.random())]
    for worker in workers:
        worker.start()
    stage.stop.wait(SECONDS)
    stage.stop.set()
    for worker in workers:
        worker.join()

    for worker in workers:
        assert worker.surprise is None, f"seed {seed:#x}: {worker.surprise!r}"
    with Api(own_edge) as api:
        for worker in counting:
            stored = api.get(worker.where)[worker.member]
            assert stored == worker.value(worker.count), (worker.where, worker.member)
    before = check(own_edge, stage)
    done = sum((worker.outcomes for worker in workers), Counter())
    counts = [worker.count for worker in counting]
    print(f"{sum(counts)} counted, at least {min(counts)} each; then", dict(done))
    assert min(counts) > 0 and done["looked at"] > 0
    for kind, statuses in {
        "delete_pool": {200, 412}, "delete_monitor": {200, 412}, "change_balancer": {200, 400},
        "make_balancer": {200}, "delete_balancer": {200}, "change_pool": {200},
    }.items():  # fmt: skip
        assert all(done[kind, status] for status in statuses), f"{kind}: {done}"

    own_edge.kill()
    own_edge.start()
    assert check(own_edge, stage) == before
