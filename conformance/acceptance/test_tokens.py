"""Tokens: what they may do is what their policies say, in every place and over restarts."""

import cloudflare
import httpx
import pytest

from harness.control import Control, client, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel


def policy(control: Control, effect: str, group: str, *resources: str) -> dict:
    """A policy about one permission group, by its name."""
    groups = control.sdk.user.tokens.permission_groups.list(name=group).result
    return {
        "effect": effect,
        "permission_groups": [{"id": groups[0].id}],
        "resources": {f"com.cloudflare.api.{name}": "*" for name in resources},
    }


def token(control: Control, *policies: dict, **fields: object):
    """A new token of the user."""
    return control.sdk.user.tokens.create(name=unique("token"), policies=list(policies), **fields)


def holder(server: Evenkeel, value: str) -> Control:
    """The control plane as whoever holds that token has it."""
    control = Control(server)
    control.sdk = client(server, value)
    return control


def test_a_token_of_one_zone_sees_and_changes_nothing_else(control, edge):
    mine, other = control.zone(), control.zone()
    pool = control.nobody()
    zone = f"account.zone.{mine.id}"
    made = token(
        control,
        policy(control, "allow", "Load Balancers Write", zone),
        policy(control, "allow", "Zone Read", zone),
    )
    sdk = client(edge, made.value)
    assert [zone.id for zone in sdk.zones.list()] == [mine.id]
    wanted = {"default_pools": [pool], "fallback_pool": pool}
    sdk.load_balancers.create(zone_id=mine.id, name=f"www.{mine.name}", **wanted)
    for refused in (
        lambda: sdk.load_balancers.create(zone_id=other.id, name=f"www.{other.name}", **wanted),
        lambda: sdk.load_balancers.list(zone_id=other.id),
        lambda: sdk.zones.get(zone_id=other.id),
        lambda: sdk.zones.delete(zone_id=mine.id),
        lambda: sdk.load_balancers.pools.list(account_id=ACCOUNT),
        sdk.user.tokens.list,
        lambda: sdk.zones.create(account={"id": ACCOUNT}, name=f"{unique('zone')}.example"),
    ):
        with pytest.raises(cloudflare.PermissionDeniedError) as refusal:
            refused()
        assert refusal.value.errors[0].code == 10000


def test_an_address_and_a_time_can_be_demanded(control, edge):
    read = policy(control, "allow", "Zone Read", "account.*")
    refused = cloudflare.PermissionDeniedError
    unknown = cloudflare.AuthenticationError
    for fields, error in [
        ({"condition": {"request_ip": {"in": ["127.0.0.0/8"]}}}, None),
        ({"condition": {"request_ip": {"in": ["192.0.2.0/24"]}}}, refused),
        (
            {"condition": {"request_ip": {"not_in": ["127.0.0.1"]}}},
            refused,
        ),
        ({"expires_on": "2001-01-01T00:00:00Z"}, unknown),
        ({"not_before": "2999-01-01T00:00:00Z"}, unknown),
    ]:
        sdk = client(edge, token(control, read, **fields).value)
        if error is None:
            sdk.zones.list()
            continue
        with pytest.raises(error):
            sdk.zones.list()


def test_a_token_gives_no_more_than_its_maker_has(control, edge):
    user = control.sdk.user.get().id
    maker = token(
        control,
        policy(control, "allow", "API Tokens Write", f"user.{user}"),
        policy(control, "allow", "Zone Read", f"account.{ACCOUNT}"),
    )
    maker = holder(edge, maker.value)
    token(maker, policy(control, "allow", "Zone Read", f"account.{ACCOUNT}"))
    for group in ["Zone Edit", "Load Balancers Read"]:
        with pytest.raises(cloudflare.PermissionDeniedError):
            token(maker, policy(control, "allow", group, f"account.{ACCOUNT}"))


def test_tokens_are_hashed_at_rest_and_last_over_restarts(own_control, own_edge):
    made = token(own_control, policy(own_control, "allow", "Zone Read", "account.*"))
    sdk = client(own_edge, made.value)
    sdk.zones.list()
    used = own_control.sdk.user.tokens.get(made.id).last_used_on
    assert used
    own_edge.stop()
    for file in own_edge.data.iterdir():
        content = file.read_bytes()
        assert made.value.encode() not in content and TOKEN.encode() not in content, file
    own_edge.start()
    sdk.zones.list()
    with pytest.raises(cloudflare.PermissionDeniedError):
        sdk.load_balancers.pools.list(account_id=ACCOUNT)
    assert own_control.sdk.user.tokens.get(made.id).last_used_on >= used


def test_many_tokens_slow_nobody_down(own_control, own_edge):
    base = f"http://127.0.0.1:{own_edge.api}/client/v4"
    body = {"name": "many", "policies": [policy(own_control, "allow", "Zone Read", "account.*")]}
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10.0) as http:

        def ask(count: int) -> float:
            times = [http.get(f"{base}/user").elapsed.total_seconds() for _ in range(count)]
            return sorted(times)[count // 2]

        for _ in range(300):
            assert http.post(f"{base}/user/tokens", json=body).status_code == 200
        assert ask(50) < 0.1


def test_the_legacy_pair_of_headers_is_taken(control, edge):
    email = control.sdk.user.get().email
    url = f"http://127.0.0.1:{edge.api}/client/v4/user"
    for headers, status in [
        ({"X-Auth-Email": email, "X-Auth-Key": TOKEN}, 200),
        ({"X-Auth-Email": "nobody@example.com", "X-Auth-Key": TOKEN}, 401),
        ({"X-Auth-Email": email, "X-Auth-Key": "someone-elses"}, 401),
        ({"X-Auth-Email": email, "X-Auth-Key": "not a key"}, 400),
    ]:
        assert httpx.get(url, headers=headers).status_code == status, headers
