"""What the official SDK calls beside load balancing: zones, accounts, the user, tokens, DNS
records, notifications. Sync and async, as in `test_sdk_methods.py`.

Only what a caller of load balancing needs is served (api.md 6). `ELSEWHERE` names the methods of
the same resources that belong to other products, so that a new one does not slip by unseen.
"""

import cloudflare
import pytest

from harness.control import client, unique
from harness.evenkeel import ACCOUNT
from harness.sdk import FLAVOURS, World, document, drive, methods

RESOURCES = {
    "zones": False,
    "accounts": False,
    "user": False,
    "user.tokens": True,
    "accounts.tokens": False,
    "dns.records": False,
    "alerting.policies": False,
    "alerting.available_alerts": False,
    "alerting.destinations.webhooks": False,
}

ELSEWHERE = {
    # Accounts are made by whoever runs the server, and the user is whoever holds the token.
    "accounts.create", "accounts.update", "accounts.delete", "user.edit",
    # Moving whole zones in and out, and guessing what a zone may hold.
    "dns.records.batch", "dns.records.export", "dns.records.import_", "dns.records.scan",
    "dns.records.scan_list", "dns.records.scan_review", "dns.records.scan_trigger",
}  # fmt: skip

ROWS = {}


def row(*names: str):
    """What has to hold for these methods, told as one story."""

    def add(story):
        for name in names:
            assert name not in ROWS and name not in ELSEWHERE
            ROWS[name] = story
        return story

    return add


def stories() -> list:
    """Each story once, by the resource of its first method."""
    seen: dict = {}
    for name, story in ROWS.items():
        seen.setdefault(story, []).append(name)
    return [pytest.param(story, id=of[0].rpartition(".")[0]) for story, of in seen.items()]


def test_every_method_is_covered_or_named_as_elsewhere():
    known = {name for of, below in RESOURCES.items() for name in methods(of, below)}
    assert known == set(ROWS) | ELSEWHERE


async def is_gone(get) -> None:
    with pytest.raises(cloudflare.NotFoundError) as refusal:
        await get
    assert refusal.value.errors[0].code >= 1000


@row("zones.create", "zones.get", "zones.list", "zones.edit", "zones.delete")
async def _(world: World):
    zones = world.sdk.zones
    made = await world.zone()
    assert (made.status, made.paused, made.account.id) == ("active", False, ACCOUNT)
    assert await zones.get(zone_id=made.id) == made
    page = await zones.list(name=made.name, account={"id": ACCOUNT})
    assert page.result == [made]
    past = await zones.list(name=made.name, page=2)
    assert past.result == []
    assert (await zones.edit(zone_id=made.id, paused=True)).paused is True
    assert (await zones.edit(zone_id=made.id, paused=False)).paused is False
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        await zones.create(account={"id": ACCOUNT}, name=made.name)
    assert refusal.value.errors[0].code == 1061
    assert (await zones.delete(zone_id=made.id)).id == made.id
    await is_gone(zones.get(zone_id=made.id))


@row("accounts.list", "accounts.get")
async def _(world: World):
    page = await world.sdk.accounts.list()
    assert [account.id for account in page.result] == [ACCOUNT]
    assert await world.sdk.accounts.get(account_id=ACCOUNT) == page.result[0]
    assert (await world.sdk.accounts.list(page=2)).result == []
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        await world.sdk.accounts.get(account_id="0" * 32)
    assert refusal.value.status_code in {403, 404} and refusal.value.errors


@row("user.get")
async def _(world: World):
    assert (await world.sdk.user.get()).id


@row("user.tokens.verify", "accounts.tokens.verify")
async def _(world: World):
    verified = await world.sdk.user.tokens.verify()
    assert verified.status == "active" and verified.id
    verified = await world.sdk.accounts.tokens.verify(account_id=ACCOUNT)
    assert verified.status == "active" and verified.id


def policies(group: str, resources: dict[str, str]) -> list[dict]:
    """A policy that allows what one permission group names."""
    return [{"effect": "allow", "permission_groups": [{"id": group}], "resources": resources}]


async def permission_group(world: World, name: str) -> str:
    """The id of a permission group."""
    groups = (await world.sdk.user.tokens.permission_groups.list()).result
    return next(group.id for group in groups if group.name == name)


@row(
    "user.tokens.create", "user.tokens.get", "user.tokens.list", "user.tokens.update",
    "user.tokens.delete", "user.tokens.value.update", "user.tokens.permission_groups.list",
)  # fmt: skip
async def _(world: World):
    await token_story(world, world.sdk.user.tokens, {})
    tokens = world.sdk.user.tokens
    group = await permission_group(world, "Load Balancing: Monitors and Pools Read")
    account = {f"com.cloudflare.api.account.{ACCOUNT}": "*"}
    made = await tokens.create(name=unique("token"), policies=policies(group, account))
    rolled = await tokens.value.update(made.id)
    assert rolled != made.value
    with pytest.raises(cloudflare.AuthenticationError):
        client(world.server, made.value).load_balancers.pools.list(account_id=ACCOUNT)
    client(world.server, rolled).load_balancers.pools.list(account_id=ACCOUNT)


@row(
    "accounts.tokens.create", "accounts.tokens.get", "accounts.tokens.list",
    "accounts.tokens.update", "accounts.tokens.delete",
)  # fmt: skip
async def _(world: World):
    await token_story(world, world.sdk.accounts.tokens, {"account_id": ACCOUNT})


async def token_story(world: World, tokens, where: dict[str, str]) -> None:
    """A token may do what its policies say, until it is disabled or gone."""
    group = await permission_group(world, "Load Balancing: Monitors and Pools Read")
    name = unique("token")
    account = {f"com.cloudflare.api.account.{ACCOUNT}": "*"}
    wanted = {"name": name, "policies": policies(group, account)}
    made = await tokens.create(**where, **wanted)
    assert (made.name, made.status) == (name, "active") and made.value
    mine = client(world.server, made.value)
    assert mine.user.tokens.verify().id == made.id
    mine.load_balancers.pools.list(account_id=ACCOUNT)
    with pytest.raises(cloudflare.PermissionDeniedError) as refusal:
        mine.load_balancers.pools.create(
            account_id=ACCOUNT,
            name=unique("pool"),
            origins=[{"name": "a", "address": "192.0.2.1"}],
        )
    assert refusal.value.errors[0].code >= 1000

    got = await document(tokens.with_raw_response.get(made.id, **where))
    assert got["name"] == name and "value" not in got
    listed = (await tokens.list(**where, per_page=50)).result
    assert made.id in {token.id for token in listed}

    disabled = await tokens.update(made.id, **where, **wanted, status="disabled")
    assert disabled.status == "disabled"
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        mine.load_balancers.pools.list(account_id=ACCOUNT)
    assert refusal.value.status_code in {401, 403}
    assert (await tokens.delete(made.id, **where)).id == made.id
    await is_gone(tokens.get(made.id, **where))
    with pytest.raises(cloudflare.AuthenticationError):
        mine.load_balancers.pools.list(account_id=ACCOUNT)


@row(
    "dns.records.create", "dns.records.get", "dns.records.list", "dns.records.update",
    "dns.records.edit", "dns.records.delete",
)  # fmt: skip
async def _(world: World):
    records, zone = world.sdk.dns.records, await world.zone()
    where = {"zone_id": zone.id}
    a = {"type": "A", "name": f"a.{zone.name}", "content": "192.0.2.7", "ttl": 300}
    made = await records.create(**where, **a, proxied=False, comment="one")
    assert made.to_dict().items() >= (a | {"proxied": False, "comment": "one"}).items()
    assert await records.get(made.id, **where) == made
    mx = {"type": "MX", "name": zone.name, "content": f"a.{zone.name}", "ttl": 1, "priority": 10}
    mail = await records.create(**where, **mx)
    assert (mail.priority, mail.ttl) == (10, 1)

    async def listed(**query) -> set[str]:
        return {record.id for record in (await records.list(**where, **query)).result}

    assert await listed() == {made.id, mail.id}
    assert await listed(page=2) == set()
    assert await listed(type="MX") == {mail.id}
    assert await listed(name={"exact": f"a.{zone.name}"}) == {made.id}
    assert await listed(name={"startswith": "a."}) == {made.id}
    assert await listed(content={"exact": "192.0.2.7"}) == {made.id}
    assert await listed(content={"contains": "nothing like it"}) == set()

    edited = await records.edit(made.id, **where, **a | {"content": "192.0.2.8"})
    assert (edited.content, edited.comment) == ("192.0.2.8", "one")
    put = await records.update(made.id, **where, **a)
    assert (put.id, put.content, put.created_on) == (made.id, "192.0.2.7", made.created_on)
    assert not put.comment
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        await records.create(**where, **a)
    assert refusal.value.errors[0].code in {81053, 81057, 81058}
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        await records.create(**where, **a | {"content": "not an address"})
    assert refusal.value.errors[0].code >= 1000
    assert (await records.delete(made.id, **where)).id == made.id
    await is_gone(records.get(made.id, **where))


@row("alerting.available_alerts.list")
async def _(world: World):
    listing = world.sdk.alerting.available_alerts.with_raw_response.list(account_id=ACCOUNT)
    products = await document(listing)
    types = {alert["type"] for alerts in products.values() for alert in alerts}
    assert {"load_balancing_health_alert", "load_balancing_pool_enablement_alert"} <= types


@row(
    "alerting.destinations.webhooks.create", "alerting.destinations.webhooks.get",
    "alerting.destinations.webhooks.list", "alerting.destinations.webhooks.update",
    "alerting.destinations.webhooks.delete",
)  # fmt: skip
async def _(world: World):
    webhooks, where = world.sdk.alerting.destinations.webhooks, {"account_id": ACCOUNT}
    wanted = {"name": unique("hook"), "url": "https://hooks.example.com/a"}
    made = await webhooks.create(**where, **wanted, secret="do not tell")
    got = await document(webhooks.with_raw_response.get(made.id, **where))
    assert got.items() >= (wanted | {"id": made.id, "type": "generic"}).items()
    assert "do not tell" not in str(got) and "secret" not in got
    assert made.id in {hook.id for hook in (await webhooks.list(**where)).result}
    changed = wanted | {"url": "https://hooks.example.com/b"}
    assert (await webhooks.update(made.id, **where, **changed)).id == made.id
    assert (await webhooks.get(made.id, **where)).url == changed["url"]
    await webhooks.delete(made.id, **where)
    await is_gone(webhooks.get(made.id, **where))
    with pytest.raises(cloudflare.BadRequestError):
        await webhooks.create(**where, name="x", url="not a url")


@row(
    "alerting.policies.create", "alerting.policies.get", "alerting.policies.list",
    "alerting.policies.update", "alerting.policies.delete",
)  # fmt: skip
async def _(world: World):
    policies, where = world.sdk.alerting.policies, {"account_id": ACCOUNT}
    pool = await world.pool()
    hook = await world.sdk.alerting.destinations.webhooks.create(
        **where, name=unique("hook"), url="https://hooks.example.com/a"
    )
    wanted = {
        "name": unique("policy"),
        "alert_type": "load_balancing_health_alert",
        "enabled": True,
        "mechanisms": {"webhooks": [{"id": hook.id}], "email": [{"id": "ops@example.com"}]},
        "filters": {
            "pool_id": [pool.id],
            "new_health": ["Healthy", "Unhealthy"],
            "event_source": ["pool", "origin"],
        },
    }
    made = await policies.create(**where, **wanted)
    got = await document(policies.with_raw_response.get(made.id, **where))
    assert got["id"] == made.id and got["created"] and got["modified"]
    assert {name: got[name] for name in ("name", "alert_type", "enabled", "filters")} == {
        name: wanted[name] for name in ("name", "alert_type", "enabled", "filters")
    }
    assert got["mechanisms"]["email"] == [{"id": "ops@example.com"}]
    assert [mechanism["id"] for mechanism in got["mechanisms"]["webhooks"]] == [hook.id]
    assert made.id in {policy.id for policy in (await policies.list(**where)).result}
    assert (await policies.update(made.id, **where, **wanted | {"enabled": False})).id == made.id
    assert (await policies.get(made.id, **where)).enabled is False
    await policies.delete(made.id, **where)
    await is_gone(policies.get(made.id, **where))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("story", stories())
def test_neighbour(edge, story, flavour):
    drive(edge, flavour, story)
