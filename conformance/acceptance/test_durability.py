"""What the API acknowledged is there after any end of the process."""

import random
import threading

import cloudflare
import httpx
import pytest

from harness.control import PROBE, Control, client, unique
from harness.evenkeel import ACCOUNT, Evenkeel

ROUNDS = 20
WRITERS = 3


def everything(control: Control) -> dict[str, object]:
    """All documents of the account, as JSON."""
    lb = control.sdk.load_balancers
    zones = list(control.sdk.zones.list(per_page=50))
    documents = [*zones, *lb.pools.list(account_id=ACCOUNT), *lb.monitors.list(account_id=ACCOUNT)]
    for zone in zones:
        documents += lb.list(zone_id=zone.id)
    return {document.id: document.to_dict(mode="json") for document in documents}


def without_health(documents: dict[str, dict]) -> dict[str, dict]:
    """Without what a live pool says of its health, which is no part of the document."""
    live = ("healthy", "failure_reason")
    stripped = {}
    for id, document in documents.items():
        kept = {key: value for key, value in document.items() if key not in live}
        if "origins" in kept:
            kept["origins"] = [
                {key: value for key, value in origin.items() if key not in live}
                for origin in kept["origins"]
            ]
        stripped[id] = kept
    return stripped


def test_a_restart_loses_nothing(own_edge, own_control, endpoints):
    a, b = endpoints("a", "b")
    pool = own_control.pool(a, b, monitor=own_control.monitor())
    balancer = own_control.balancer(pool, session_affinity="cookie", description="kept")
    own_edge.await_answer(balancer.host, "a", "b")
    before = everything(own_control)
    sessions = {}
    while len(sessions) < 2:
        response = own_edge.get("/", balancer.host)
        sessions[response.endpoint] = response.cookie()

    assert own_edge.stop() == 0
    own_edge.start()

    assert without_health(everything(own_control)) == without_health(before)
    own_edge.await_answer(balancer.host, "a", "b")
    for endpoint, cookie in sessions.items():
        for _ in range(10):
            response = own_edge.get("/", balancer.host, [("Cookie", cookie)])
            assert response.endpoint == endpoint and response.cookie() is None


class Writer(threading.Thread):
    """Writes through the API until it cannot, and remembers what was acknowledged."""

    def __init__(self, server: Evenkeel, pool: str, seed: int):
        super().__init__(daemon=True)
        self.api, self.pool = client(server).load_balancers, pool
        self.rng = random.Random(seed)
        # id → document, or none once its deletion was acknowledged.
        self.monitors: dict[str, dict | None] = {}
        # Likewise; each names one of the monitors.
        self.pools: dict[str, dict | None] = {}
        self.counter = 0
        # What the write on its way would have changed: it may have happened or not.
        self.pending: str | None = None
        self.surprise: Exception | None = None

    def run(self) -> None:
        try:
            while True:
                self.write()
        except cloudflare.APIConnectionError:
            pass
        except Exception as surprise:  # noqa: BLE001 - shown by the test
            self.surprise = surprise

    def write(self) -> None:
        """One write of a random kind."""
        kept = [id for id, document in self.monitors.items() if document is not None]
        kind = self.rng.choice(["create", "create", "count", "change", "delete", "attach"])
        if kind == "attach" and kept:
            made = self.api.pools.create(
                account_id=ACCOUNT,
                name=unique("p"),
                origins=[{"name": "a", "address": "192.0.2.1", "enabled": False}],
                monitor=self.rng.choice(kept),
            )
            self.pools[made.id] = made.to_dict(mode="json")
        elif kind == "count":
            self.pending = self.pool
            self.api.pools.edit(self.pool, account_id=ACCOUNT, description=str(self.counter + 1))
            self.counter += 1
        elif kind == "create" or not kept:
            made = self.api.monitors.create(account_id=ACCOUNT, description=unique("m"), **PROBE)
            self.monitors[made.id] = made.to_dict(mode="json")
        elif kind == "change":
            self.pending = id = self.rng.choice(kept)
            made = self.api.monitors.edit(id, account_id=ACCOUNT, description=unique("m"))
            self.monitors[id] = made.to_dict(mode="json")
        else:
            id = self.rng.choice(kept)
            for pool, document in self.pools.items():
                if document is not None and document["monitor"] == id:
                    self.pending = pool
                    self.api.pools.delete(pool, account_id=ACCOUNT)
                    self.pools[pool] = None
            self.pending = id
            self.api.monitors.delete(id, account_id=ACCOUNT)
            self.monitors[id] = None
        self.pending = None


@pytest.mark.timeout(240)
def test_kill_9_during_writes_loses_no_acknowledged_one(own_edge, own_control):
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    origins = [{"name": "a", "address": "192.0.2.1", "enabled": False}]
    acknowledged: dict[str, dict | None] = {}
    for round in range(ROUNDS):
        pools = [own_control.pool(origins=origins) for _ in range(WRITERS)]
        writers = [Writer(own_edge, pool, rng.random()) for pool in pools]
        for writer in writers:
            writer.start()
        end = threading.Timer(rng.uniform(0.1, 0.6), own_edge.kill)
        end.start()
        for writer in [*writers, end]:
            writer.join()
        own_edge.start()

        where = f"seed {seed:#x}, round {round}"
        stored = everything(own_control)
        for writer in writers:
            assert writer.surprise is None, f"{where}: {writer.surprise!r}"
            count = int(stored[writer.pool]["description"] or 0)
            allowed = {writer.counter, writer.counter + (writer.pending == writer.pool)}
            assert count in allowed, f"{where}: the counter says {count}, not {allowed}"
            acknowledged |= writer.monitors | writer.pools
            acknowledged.pop(writer.pending, None)
        assert sum(len(writer.monitors) for writer in writers) > 0, f"{where}: nothing was written"
        for id, document in acknowledged.items():
            assert stored.get(id) == document, f"{where}: {id}"
        for document in stored.values():
            assert document.get("monitor") in {None, *stored}, f"{where}: {document} dangles"


def test_what_was_refused_is_not_there_either(own_edge, own_control):
    before = everything(own_control)
    with pytest.raises(cloudflare.BadRequestError):
        own_control.pool(origins=[])
    with pytest.raises(httpx.HTTPStatusError):
        url = f"http://127.0.0.1:{own_edge.api}/client/v4/zones"
        httpx.post(url, json={"name": "x.example"}).raise_for_status()
    own_edge.kill()
    own_edge.start()
    assert everything(own_control) == before
