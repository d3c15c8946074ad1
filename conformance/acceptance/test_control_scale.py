"""Ten thousand of everything: a list is one answer, and a write is live at once.

The bound is the product's, one second, times what a debug build on a busy machine may take more.
`EVENKEEL_LIVE_SECONDS=1` holds an optimised build to it; the figures are printed either way.
"""

import copy
import json
import os
import time
import uuid
from collections.abc import Callable

import pytest

from harness import waiting
from harness.api import POOLS, Api
from harness.control import unique
from harness.evenkeel import TOKEN, Evenkeel, finish

COUNT = int(os.environ.get("EVENKEEL_SCALE", "10000"))
LIVE_SECONDS = float(os.environ.get("EVENKEEL_LIVE_SECONDS", "10"))
LIST_SECONDS = 30.0
CHANGES = 5

ORIGINS = [{"name": "nobody", "address": "192.0.2.1", "enabled": False}]


def command(server: Evenkeel, *arguments: str) -> str:
    """What `evenkeel …` prints, against this server."""
    named = {"EVENKEEL_SERVER": f"http://127.0.0.1:{server.api}", "EVENKEEL_API_TOKEN": TOKEN}
    done = finish(*arguments, within=240.0, **named)
    assert done.returncode == 0, done
    return done.stdout


def multiplied(document: dict, number: int, **fields: object) -> dict:
    """A document once more, under another id."""
    return copy.deepcopy(document) | {"id": uuid.UUID(int=number + 1).hex} | fields


def timed(what: str, call: Callable[[], object]) -> object:
    """The answer, and a line that says how long it took."""
    began = time.monotonic()
    answer = call()
    print(f"{what}: {time.monotonic() - began:.3f} s")
    return answer


@pytest.fixture
def crowded(own_edge, own_control, tmp_path):
    """A server with that many pools, and as many load balancers over them.

    One of each is made by the API, written out, multiplied, and taken in again.
    """
    pool = own_control.pool(origins=ORIGINS)
    balancer = own_control.balancer(pool, fallback_pool=pool)
    file = json.loads(command(own_edge, "export"))
    (account,) = file["accounts"]
    (zone,) = account["zones"]
    one_pool = next(found for found in account["pools"] if found["id"] == pool)
    (one_balancer,) = zone["load_balancers"]
    account["pools"] += [
        multiplied(one_pool, number, name=f"pool-{number}") for number in range(COUNT)
    ]
    for number in range(COUNT):
        id = account["pools"][-1 - number]["id"]
        name = f"lb-{number}.{zone['zone']['name']}"
        wanted = {"name": name, "default_pools": [id], "fallback_pool": id}
        zone["load_balancers"].append(multiplied(one_balancer, COUNT + number, **wanted))
    path = tmp_path / "crowd.json"
    path.write_text(json.dumps(file))
    timed(f"import of {2 * COUNT} documents", lambda: command(own_edge, "import", str(path)))
    return balancer


@pytest.mark.timeout(600)
def test_ten_thousand_of_each(own_edge, own_control, crowded, endpoints):
    with Api(own_edge) as api:
        began = time.monotonic()
        pools = timed("list of pools", lambda: api.get(POOLS))
        assert time.monotonic() - began < LIST_SECONDS
        assert len(pools) >= COUNT and len({pool["id"] for pool in pools}) == len(pools)
        path = f"/zones/{crowded.zone}/load_balancers"
        assert len(timed("list of load balancers", lambda: api.get(path))) == COUNT + 1

        a, b = endpoints("a", "b")
        by_name = {one.name: own_control.pool(one) for one in (a, b)}
        balancer = own_control.balancer(by_name["a"], fallback_pool=by_name["a"])
        own_edge.await_answer(balancer.host, "a", within=LIVE_SECONDS)
        where = f"/zones/{balancer.zone}/load_balancers/{balancer.id}"
        took = []
        for turn in range(CHANGES):
            name = "ba"[turn % 2]
            began = time.monotonic()
            api.patch(where, {"default_pools": [by_name[name]], "description": unique("turn")})
            acknowledged = time.monotonic() - began
            waiting.until(
                f"{name} serves",
                lambda name=name: own_edge.get("/", balancer.host).endpoint == name,
                LIVE_SECONDS,
            )
            took.append(time.monotonic() - began)
            print(f"a change is acknowledged in {acknowledged:.3f} s, live in {took[-1]:.3f} s")
    assert max(took) < LIVE_SECONDS
