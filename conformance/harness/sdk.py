"""The official Python SDK, synchronous and asynchronous, driven by the same tests.

A test is a coroutine that awaits every call. Behind the proxy a synchronous client answers at once
and an asynchronous one is awaited, so what holds for one is checked for the other as well.

Responses are validated strictly: a member that is missing, or of another type than the SDK
documents, fails the call instead of reading as `None`.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from cloudflare import AsyncCloudflare, Cloudflare
from cloudflare._resource import SyncAPIResource

from harness.control import PROBE, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel

FLAVOURS = {"sync": Cloudflare, "async": AsyncCloudflare}

# 192.0.2.0/24 is nobody's; disabled, so that nothing is ever sent there.
NOWHERE = {"name": "nowhere", "address": "192.0.2.1", "enabled": False}


class Awaited:
    """A client, or a part of one, all of whose calls are awaited."""

    def __init__(self, part: Any):
        self._part = part

    def __getattr__(self, name: str) -> "Awaited":
        return Awaited(getattr(self._part, name))

    async def __call__(self, *positional: object, **named: object) -> Any:
        answer = self._part(*positional, **named)
        return await answer if inspect.isawaitable(answer) else answer


class World:
    """One client, and a short way to the objects that a call needs to be made on."""

    def __init__(self, sdk: Awaited, server: Evenkeel):
        self.sdk, self.server = sdk, server
        self.lb = sdk.load_balancers

    async def zone(self) -> Any:
        """A new zone."""
        return await self.sdk.zones.create(account={"id": ACCOUNT}, name=f"{unique('sdk')}.example")

    async def monitor(self, **fields: object) -> Any:
        """A new monitor."""
        return await self.lb.monitors.create(account_id=ACCOUNT, **PROBE | fields)

    async def pool(self, **fields: object) -> Any:
        """A new pool without a living endpoint."""
        wanted = {"name": unique("pool"), "origins": [NOWHERE]} | fields
        return await self.lb.pools.create(account_id=ACCOUNT, **wanted)

    async def group(self, *monitors: Any, **fields: object) -> Any:
        """A new monitor group of these monitors, all alike."""
        wanted = {"description": unique("group"), "members": [member(of.id) for of in monitors]}
        return await self.lb.monitor_groups.create(account_id=ACCOUNT, **wanted | fields)

    async def balancer(self, **fields: object) -> tuple[Any, Any]:
        """A new load balancer over one new pool, in a new zone; and the zone."""
        zone, pool = await self.zone(), await self.pool()
        wanted = {"name": f"www.{zone.name}", "default_pools": [pool.id], "fallback_pool": pool.id}
        return await self.lb.create(zone_id=zone.id, **wanted | fields), zone


def member(monitor: str, **fields: object) -> dict[str, object]:
    """A member of a monitor group."""
    wishes = {"enabled": True, "must_be_healthy": False, "monitoring_only": False}
    return {"monitor_id": monitor} | wishes | fields


def drive(server: Evenkeel, flavour: str, story: Callable[[World], Awaitable[None]]) -> None:
    """Runs a story with a client of this flavour. Retries are off: they hide what happened."""

    async def run() -> None:
        base = f"http://127.0.0.1:{server.api}/client/v4"
        sdk = FLAVOURS[flavour](
            api_token=TOKEN,
            base_url=base,
            max_retries=0,
            timeout=10.0,
            _strict_response_validation=True,
        )
        await story(World(Awaited(sdk), server))
        closed = sdk.close()
        if inspect.isawaitable(closed):
            await closed

    asyncio.run(run())


def methods(resource: str, below: bool = True) -> list[str]:
    """The dotted names of all methods of a resource of the SDK, and of what lies below it."""
    part: Any = Cloudflare(api_token="none")
    for word in resource.split("."):
        part = getattr(part, word)
    return list(_methods(part, resource, below))


def _methods(part: SyncAPIResource, path: str, below: bool) -> Iterator[str]:
    for name in dir(type(part)):
        if name.startswith("_") or name.startswith("with_"):
            continue
        value = getattr(part, name)
        if isinstance(value, SyncAPIResource):
            if below:
                yield from _methods(value, f"{path}.{name}", below)
        elif inspect.ismethod(value):
            yield f"{path}.{name}"


async def document(awaitable: Awaitable[Any]) -> Any:
    """The `result` of a raw response as JSON, which hides nothing, with its envelope checked."""
    response = await awaitable
    read = response.read()
    envelope = json.loads(await read if inspect.isawaitable(read) else read)
    assert envelope["success"] is True
    assert envelope["errors"] == [] and isinstance(envelope["messages"], list)
    return envelope["result"]
