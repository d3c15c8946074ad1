"""Every load-balancing method of the official Python SDK, one by one, sync and async.

The methods are read from the SDK itself: a newer version with one more fails here until there is a
row for it.
"""

from collections.abc import Awaitable, Callable

import cloudflare
import pytest

from harness.control import PROBE, unique
from harness.evenkeel import ACCOUNT
from harness.sdk import FLAVOURS, NOWHERE, World, drive, member, methods

Row = Callable[[World], Awaitable[None]]

ROWS: dict[str, Row] = {}


def row(method: str) -> Callable[[Row], Row]:
    """What has to hold for this method."""

    def add(story: Row) -> Row:
        assert method not in ROWS
        ROWS[method] = story
        return story

    return add


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("method", methods("load_balancers"))
def test_method(edge, method, flavour):
    assert method in ROWS, f"the SDK has {method}, which no row covers"
    drive(edge, flavour, ROWS[method])


def test_no_row_is_of_a_method_that_is_gone():
    assert set(methods("load_balancers")) >= set(ROWS)


async def is_gone(get: Awaitable) -> None:
    """A 404 as the SDK's own exception, with an error that has a code."""
    with pytest.raises(cloudflare.NotFoundError) as refusal:
        await get
    assert refusal.value.errors[0].code >= 1000


# Load balancers, of zones and of accounts.


@row("load_balancers.create")
async def _(world):
    zone, pool = await world.zone(), await world.pool()
    wanted = {"default_pools": [pool.id], "fallback_pool": pool.id}
    made = await world.lb.create(zone_id=zone.id, name=f"a.{zone.name}", **wanted)
    assert (made.name, made.zone_name, made.steering_policy) == (f"a.{zone.name}", zone.name, "off")
    private = await world.lb.create(account_id=ACCOUNT, name=f"b.{zone.name}", **wanted)
    assert (private.name, private.zone_name) == (f"b.{zone.name}", None)


@row("load_balancers.get")
async def _(world):
    made, zone = await world.balancer(description="read")
    assert await world.lb.get(made.id, zone_id=zone.id) == made
    private, _zone = await private_balancer(world)
    assert await world.lb.get(private.id, account_id=ACCOUNT) == private
    await is_gone(world.lb.get(private.id, zone_id=zone.id))


@row("load_balancers.list")
async def _(world):
    made, zone = await world.balancer()
    page = await world.lb.list(zone_id=zone.id)
    assert page.result == [made] and page.has_next_page() is False
    private, _zone = await private_balancer(world)
    listed = (await world.lb.list(account_id=ACCOUNT)).result
    assert private in listed and made not in listed


@row("load_balancers.update")
async def _(world):
    made, zone = await world.balancer(description="old", session_affinity="cookie")
    wanted = {"default_pools": made.default_pools, "fallback_pool": made.fallback_pool}
    put = await world.lb.update(made.id, zone_id=zone.id, name=f"new.{zone.name}", **wanted)
    assert (put.id, put.created_on, put.name) == (made.id, made.created_on, f"new.{zone.name}")
    assert (put.description, put.session_affinity) == ("", "none")
    private, _zone = await private_balancer(world)
    put = await world.lb.update(private.id, account_id=ACCOUNT, name=private.name, **wanted)
    assert (put.id, put.default_pools) == (private.id, made.default_pools)


@row("load_balancers.edit")
async def _(world):
    made, zone = await world.balancer(description="old", session_affinity="cookie")
    patched = await world.lb.edit(made.id, zone_id=zone.id, description="new")
    assert (patched.id, patched.description, patched.session_affinity) == (made.id, "new", "cookie")
    private, _zone = await private_balancer(world)
    patched = await world.lb.edit(private.id, account_id=ACCOUNT, description="new")
    assert (patched.id, patched.description) == (private.id, "new")


@row("load_balancers.delete")
async def _(world):
    made, zone = await world.balancer()
    assert (await world.lb.delete(made.id, zone_id=zone.id)).id == made.id
    await is_gone(world.lb.get(made.id, zone_id=zone.id))
    await is_gone(world.lb.delete(made.id, zone_id=zone.id))
    private, _zone = await private_balancer(world)
    assert (await world.lb.delete(private.id, account_id=ACCOUNT)).id == private.id
    await is_gone(world.lb.get(private.id, account_id=ACCOUNT))


async def private_balancer(world: World):
    """A load balancer of the account, and a zone that has nothing to do with it."""
    zone, pool = await world.zone(), await world.pool()
    wanted = {"default_pools": [pool.id], "fallback_pool": pool.id}
    return await world.lb.create(account_id=ACCOUNT, name=f"p.{zone.name}", **wanted), zone


# Pools.


@row("load_balancers.pools.create")
async def _(world):
    name, monitor = unique("pool"), await world.monitor()
    made = await world.pool(name=name, monitor=monitor.id, latitude=1.5, longitude=0)
    assert (made.name, made.monitor, made.enabled) == (name, monitor.id, True)
    assert (made.latitude, made.longitude, made.minimum_origins) == (1.5, 0, 1)
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        await world.pool(name=name)
    assert refusal.value.errors[0].code == 1003


@row("load_balancers.pools.get")
async def _(world):
    made = await world.pool(description="read")
    assert await world.lb.pools.get(made.id, account_id=ACCOUNT) == made
    await is_gone(world.lb.pools.get("0" * 32, account_id=ACCOUNT))


@row("load_balancers.pools.list")
async def _(world):
    monitor = await world.monitor()
    made = [await world.pool(monitor=monitor.id) for _ in range(3)]
    page = await world.lb.pools.list(account_id=ACCOUNT)
    names = [pool.name for pool in page.result]
    assert {pool.name for pool in made} <= set(names) and names == sorted(names)
    filtered = (await world.lb.pools.list(account_id=ACCOUNT, monitor=monitor.id)).result
    assert [pool.id for pool in filtered] == [p.id for p in sorted(made, key=lambda p: p.name)]


@row("load_balancers.pools.update")
async def _(world):
    made = await world.pool(description="old", minimum_origins=0)
    pools = world.lb.pools
    put = await pools.update(made.id, account_id=ACCOUNT, name=made.name, origins=[NOWHERE])
    assert (put.id, put.created_on) == (made.id, made.created_on)
    assert (put.description, put.minimum_origins) == ("", 1)


@row("load_balancers.pools.edit")
async def _(world):
    made = await world.pool(description="kept")
    patched = await world.lb.pools.edit(made.id, account_id=ACCOUNT, enabled=False)
    assert (patched.enabled, patched.description) == (False, "kept")
    assert made.disabled_at is None and patched.disabled_at is not None
    again = await world.lb.pools.edit(made.id, account_id=ACCOUNT, enabled=True)
    assert again.disabled_at is None


@row("load_balancers.pools.bulk_edit")
async def _(world):
    made = [await world.pool(notification_email="a@example.com") for _ in range(2)]
    page = await world.lb.pools.bulk_edit(account_id=ACCOUNT, notification_email="")
    changed = {pool.id: pool for pool in page.result}
    for pool in made:
        assert changed[pool.id].notification_email == ""
        got = await world.lb.pools.get(pool.id, account_id=ACCOUNT)
        assert got.notification_email == ""
    with pytest.raises(cloudflare.BadRequestError):
        await world.lb.pools.bulk_edit(account_id=ACCOUNT, notification_email="b@example.com")


@row("load_balancers.pools.delete")
async def _(world):
    made = await world.pool()
    assert (await world.lb.pools.delete(made.id, account_id=ACCOUNT)).id == made.id
    await is_gone(world.lb.pools.get(made.id, account_id=ACCOUNT))
    balancer, zone = await world.balancer()
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        await world.lb.pools.delete(balancer.fallback_pool, account_id=ACCOUNT)
    assert (refusal.value.status_code, refusal.value.errors[0].code) == (412, 1005)


@row("load_balancers.pools.references.get")
async def _(world):
    monitor = await world.monitor(description="door bell")
    pool = await world.pool(monitor=monitor.id)
    balancer, zone = await world.balancer(region_pools={"WEU": [pool.id]})
    found = (await world.lb.pools.references.get(pool.id, account_id=ACCOUNT)).result
    assert sorted(map(words, found)) == [
        ("referral", "monitor", monitor.id, "door bell"),
        ("referrer", "load_balancer", balancer.id, balancer.name),
    ]


def words(reference) -> tuple[str, ...]:
    """A reference in one line."""
    kind, what = reference.reference_type, reference.resource_type
    return (kind, what, reference.resource_id, reference.resource_name)


@row("load_balancers.pools.health.get")
async def _(world):
    pool = await world.pool()
    health = await world.lb.pools.health.get(pool.id, account_id=ACCOUNT)
    assert health.pool_id == pool.id
    await is_gone(world.lb.pools.health.get("0" * 32, account_id=ACCOUNT))


@row("load_balancers.pools.health.create")
async def _(world):
    pool = await world.pool()
    made = await world.lb.pools.health.create(pool.id, account_id=ACCOUNT, **PROBE)
    assert made.pools == {pool.id: pool.name} and made.preview_id


# Monitors.


@row("load_balancers.monitors.create")
async def _(world):
    made = await world.monitor(type="tcp", port=25, load_balancer_monitor_timeout=1)
    assert (made.type, made.port, made.timeout, made.retries) == ("tcp", 25, 1, 0)
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        await world.monitor(interval=0)
    assert refusal.value.errors[0].code == 1002


@row("load_balancers.monitors.get")
async def _(world):
    made = await world.monitor(description="read")
    assert await world.lb.monitors.get(made.id, account_id=ACCOUNT) == made
    await is_gone(world.lb.monitors.get("0" * 32, account_id=ACCOUNT))


@row("load_balancers.monitors.list")
async def _(world):
    made = [(await world.monitor()).id for _ in range(3)]
    listed = [found.id for found in (await world.lb.monitors.list(account_id=ACCOUNT)).result]
    assert [id for id in listed if id in made] == made, "in order of creation"


@row("load_balancers.monitors.update")
async def _(world):
    made = await world.monitor(description="old")
    put = await world.lb.monitors.update(made.id, account_id=ACCOUNT, **PROBE)
    assert (put.id, put.created_on, put.description) == (made.id, made.created_on, "")


@row("load_balancers.monitors.edit")
async def _(world):
    made = await world.monitor(description="kept")
    patched = await world.lb.monitors.edit(made.id, account_id=ACCOUNT, path="/new")
    assert (patched.path, patched.description) == ("/new", "kept")


@row("load_balancers.monitors.delete")
async def _(world):
    made = await world.monitor()
    assert (await world.lb.monitors.delete(made.id, account_id=ACCOUNT)).id == made.id
    await is_gone(world.lb.monitors.get(made.id, account_id=ACCOUNT))
    used = await world.monitor()
    await world.pool(monitor=used.id)
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        await world.lb.monitors.delete(used.id, account_id=ACCOUNT)
    assert (refusal.value.status_code, refusal.value.errors[0].code) == (412, 1005)


@row("load_balancers.monitors.references.get")
async def _(world):
    monitor = await world.monitor()
    pool, group = await world.pool(monitor=monitor.id), await world.group(monitor)
    found = (await world.lb.monitors.references.get(monitor.id, account_id=ACCOUNT)).result
    assert ("referrer", "pool", pool.id, pool.name) in map(words, found)
    assert group.id in {reference.resource_id for reference in found}


@row("load_balancers.monitors.previews.create")
async def _(world):
    monitor = await world.monitor()
    pools = [await world.pool(monitor=monitor.id) for _ in range(2)]
    made = await world.lb.monitors.previews.create(monitor.id, account_id=ACCOUNT, **PROBE)
    assert made.pools == {pool.id: pool.name for pool in pools} and made.preview_id


# Monitor groups.


@row("load_balancers.monitor_groups.create")
async def _(world):
    first, second = await world.monitor(), await world.monitor()
    members = [member(first.id, must_be_healthy=True), member(second.id, monitoring_only=True)]
    made = await world.group(description="checkout", members=members)
    assert made.description == "checkout"
    stamps = {"created_at", "updated_at"}
    assert [m.model_dump(exclude=stamps) for m in made.members] == members
    assert all(m.created_at and m.updated_at for m in made.members)


@row("load_balancers.monitor_groups.get")
async def _(world):
    made = await world.group(await world.monitor())
    assert await world.lb.monitor_groups.get(made.id, account_id=ACCOUNT) == made
    await is_gone(world.lb.monitor_groups.get("0" * 32, account_id=ACCOUNT))


@row("load_balancers.monitor_groups.list")
async def _(world):
    monitor = await world.monitor()
    made = [(await world.group(monitor)).id for _ in range(2)]
    page = await world.lb.monitor_groups.list(account_id=ACCOUNT)
    assert [group.id for group in page.result if group.id in made] == made


@row("load_balancers.monitor_groups.update")
async def _(world):
    first, second = await world.monitor(), await world.monitor()
    made = await world.group(first)
    members = [member(second.id)]
    wanted = {"description": "new", "members": members}
    put = await world.lb.monitor_groups.update(made.id, account_id=ACCOUNT, **wanted)
    assert (put.id, put.created_on, put.description) == (made.id, made.created_on, "new")
    assert [m.monitor_id for m in put.members] == [second.id]


@row("load_balancers.monitor_groups.edit")
async def _(world):
    monitor = await world.monitor()
    made = await world.group(monitor)
    wanted = {"description": "new", "members": [member(monitor.id, enabled=False)]}
    patched = await world.lb.monitor_groups.edit(made.id, account_id=ACCOUNT, **wanted)
    assert (patched.id, patched.description, patched.members[0].enabled) == (made.id, "new", False)


@row("load_balancers.monitor_groups.delete")
async def _(world):
    made = await world.group(await world.monitor())
    assert await world.lb.monitor_groups.delete(made.id, account_id=ACCOUNT) == made
    await is_gone(world.lb.monitor_groups.get(made.id, account_id=ACCOUNT))
    used = await world.group(await world.monitor())
    await world.pool(monitor_group=used.id)
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        await world.lb.monitor_groups.delete(used.id, account_id=ACCOUNT)
    assert (refusal.value.status_code, refusal.value.errors[0].code) == (412, 1005)


@row("load_balancers.monitor_groups.references.get")
async def _(world):
    monitor = await world.monitor()
    group = await world.group(monitor)
    pool = await world.pool(monitor_group=group.id)
    found = (await world.lb.monitor_groups.references.get(group.id, account_id=ACCOUNT)).result
    assert {(r.reference_type, r.resource_id) for r in found} == {
        ("referrer", pool.id),
        ("referral", monitor.id),
    }


# What is read only.


@row("load_balancers.previews.get")
async def _(world):
    pool = await world.pool()
    made = await world.lb.pools.health.create(pool.id, account_id=ACCOUNT, **PROBE)
    seen = await world.lb.previews.get(made.preview_id, account_id=ACCOUNT)
    assert set(seen) <= {pool.id}, "empty until there are results, and of this pool alone"
    await is_gone(world.lb.previews.get("p-nobody-made-this", account_id=ACCOUNT))


@row("load_balancers.regions.list")
async def _(world):
    every = await world.lb.regions.list(account_id=ACCOUNT)
    assert len(every["regions"]) == 13 and every["iso_standard"]
    japan = await world.lb.regions.list(account_id=ACCOUNT, country_code_a2="JP")
    assert [region["region_code"] for region in japan["regions"]] == ["NEAS"]
    texas = await world.lb.regions.list(
        account_id=ACCOUNT, country_code_a2="US", subdivision_code_a2="TX"
    )
    assert [region["region_code"] for region in texas["regions"]] == ["WNAM"]


@row("load_balancers.regions.get")
async def _(world):
    one = await world.lb.regions.get("WEU", account_id=ACCOUNT)
    (region,) = one["regions"]
    assert region["region_code"] == "WEU"
    assert "FR" in {country["country_code_a2"] for country in region["countries"]}
    await is_gone(world.lb.regions.get("MOON", account_id=ACCOUNT))


@row("load_balancers.searches.list")
async def _(world):
    """The pager of the SDK looks for `items`, which the service does not send (api.md 2.8)."""
    balancer, _zone = await world.balancer()
    page = await world.lb.searches.list(account_id=ACCOUNT, query=balancer.name, references="*")
    resources = page.to_dict()["result"]["resources"]
    assert [found["resource_id"] for found in resources] == [balancer.id]
    assert resources[0]["references"][0]["resource_id"] == balancer.fallback_pool
    page = await world.lb.searches.list(account_id=ACCOUNT, query=balancer.name.upper())
    resources = page.to_dict()["result"]["resources"]
    assert [found["resource_id"] for found in resources] == [balancer.id]
    assert "references" not in resources[0]
