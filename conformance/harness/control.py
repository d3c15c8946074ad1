"""The control plane through the official SDK, with names that no other test uses."""

import itertools
import secrets

from cloudflare import Cloudflare
from cloudflare.types.zones import Zone

from harness.endpoint import Endpoint
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel

# As fast as the API allows, since the timeout is a whole second and below the interval; decided by
# one answer.
PROBE = {
    "type": "http",
    "path": "/_probe",
    "expected_codes": "200",
    "interval": 2,
    "load_balancer_monitor_timeout": 1,
    "retries": 0,
}

_numbers = itertools.count(1)


def unique(word: str) -> str:
    """The word with a tail that makes it a new name."""
    return f"{word}-{next(_numbers)}-{secrets.token_hex(3)}"


def client(server: Evenkeel, token: str = TOKEN) -> Cloudflare:
    """The SDK as a user sets it up, but without retries, which would hide what happened."""
    base = f"http://127.0.0.1:{server.api}/client/v4"
    return Cloudflare(api_token=token, base_url=base, max_retries=0, timeout=10.0)


class Control:
    """Makes zones, monitors, pools and load balancers; `sdk` is there for all else."""

    def __init__(self, server: Evenkeel):
        self.server = server
        self.sdk = client(server)
        self._nobody: str | None = None

    def zone(self) -> Zone:
        """A new zone."""
        return self.sdk.zones.create(account={"id": ACCOUNT}, name=f"{unique('zone')}.example")

    def monitor(self, **fields: object) -> str:
        """A new monitor's id."""
        created = self.sdk.load_balancers.monitors.create(account_id=ACCOUNT, **PROBE | fields)
        return created.id

    def pool(self, *endpoints: Endpoint, **fields: object) -> str:
        """A new pool's id; `origins` may replace the endpoints' own documents."""
        origins = fields.pop("origins", [endpoint.origin() for endpoint in endpoints])
        name = unique("pool")
        created = self.sdk.load_balancers.pools.create(
            account_id=ACCOUNT, name=name, origins=origins, **fields
        )
        return created.id

    def nobody(self) -> str:
        """A pool whose only endpoint is disabled."""
        if self._nobody is None:
            self._nobody = self.pool(
                origins=[{"name": "nobody", "address": "192.0.2.1", "enabled": False}]
            )
        return self._nobody

    def balancer(self, *pools: str, zone: str | None = None, **fields: object) -> "Balancer":
        """A new proxied load balancer over these pools.

        The fallback pool serves whatever is known of its health. It is one without endpoints
        unless a test names another, so that who answers does so by being healthy.
        """
        if zone is None:
            created = self.zone()
            zone, name = created.id, f"www.{created.name}"
        else:
            name = f"{unique('www')}.{self.sdk.zones.get(zone_id=zone).name}"
        wanted = {"name": name, "default_pools": list(pools), "proxied": True}
        wanted |= {"fallback_pool": self.nobody()} | fields
        made = self.sdk.load_balancers.create(zone_id=zone, **wanted)
        return Balancer(zone, made.id, made.name)

    def edit_pool(self, pool: str, **fields: object) -> None:
        """PATCH of a pool."""
        self.sdk.load_balancers.pools.edit(pool, account_id=ACCOUNT, **fields)

    def is_healthy(self, pool: str) -> bool:
        """Whether a monitor has found enough of its endpoints healthy."""
        found = self.sdk.load_balancers.pools.get(pool, account_id=ACCOUNT).to_dict()
        return found.get("healthy") is True

    def edit(self, balancer: "Balancer", **fields: object) -> None:
        """PATCH of a load balancer."""
        self.sdk.load_balancers.edit(balancer.id, zone_id=balancer.zone, **fields)


class Balancer:
    """Where a load balancer is found: its zone, its id, its host name."""

    def __init__(self, zone: str, id: str, host: str):
        self.zone, self.id, self.host = zone, id, host
