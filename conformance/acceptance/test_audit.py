"""The audit log: every change that was acknowledged, and nothing else."""

from datetime import UTC, datetime, timedelta

import httpx

from harness.control import Control, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel


def lines(control: Control, **query: object) -> list:
    """The newest page of the log."""
    return control.sdk.audit_logs.list(account_id=ACCOUNT, **query).result


def test_a_pools_life_is_told(control):
    began = datetime.now(UTC) - timedelta(seconds=1)
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    control.edit_pool(pool, description="changed")
    control.sdk.load_balancers.pools.delete(pool, account_id=ACCOUNT)
    told = [line for line in lines(control, since=began) if line.resource.id == pool]
    assert [line.action.type for line in told] == ["delete", "update", "create"]
    user = control.sdk.user.get()
    for line in told:
        assert (line.action.result, line.resource.type) == (True, "pool")
        actor = (line.actor.id, line.actor.email, line.actor.ip)
        assert actor == (user.id, user.email, "127.0.0.1")
        assert began <= line.when <= datetime.now(UTC)
        assert (line.interface, line.owner.id) == ("API", ACCOUNT)
    assert '"description":"changed"' in told[1].new_value
    assert '"description":""' in told[1].old_value
    assert (told[0].new_value, told[2].old_value) == ("", "")


def test_lines_are_asked_for_by_zone_and_person_and_page(control):
    zone = control.zone()
    control.sdk.zones.edit(zone_id=zone.id, paused=True)
    found = lines(control, zone={"name": zone.name})
    assert [line.action.type for line in found] == ["update", "create"]
    oldest = lines(control, zone={"name": zone.name}, direction="asc", per_page=1)
    assert [line.id for line in oldest] == [found[1].id]
    assert lines(control, zone={"name": zone.name}, page=2) == []
    email = control.sdk.user.get().email
    assert lines(control, zone={"name": zone.name}, actor={"email": email}) == found
    assert lines(control, zone={"name": zone.name}, actor={"ip": "192.0.2.0/24"}) == []
    assert lines(control, id=found[0].id) == found[:1]
    # The pager of the SDK ends by itself.
    every = control.sdk.audit_logs.list(account_id=ACCOUNT, zone={"name": zone.name}, per_page=1)
    assert [line.id for line in every] == [line.id for line in found]


def test_secrets_are_not_told(control, edge):
    header = {"Authorization": ["Bearer very-secret-indeed"]}
    control.sdk.load_balancers.monitors.create(
        account_id=ACCOUNT, type="http", expected_codes="200", header=header
    )
    url = f"http://127.0.0.1:{edge.api}/client/v4/accounts/{ACCOUNT}/audit_logs"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.get(url, params={"per_page": 1}, headers=headers)
    assert answer.status_code == 200 and "very-secret-indeed" not in answer.text
    exported = httpx.get(url, params={"per_page": 1, "export": "true"}, headers=headers)
    assert exported.headers["content-type"].startswith("text/csv")
    assert exported.text.startswith("id,when,")


def test_the_log_holds_what_was_acknowledged_over_a_crash(own_control, own_edge: Evenkeel):
    pools = [own_control.pool(origins=[{"name": "a", "address": "192.0.2.1"}]) for _ in range(20)]
    own_edge.kill()
    own_edge.start()
    told = {line.resource.id for line in lines(own_control, action={"type": "create"})}
    assert set(pools) <= told


def test_the_log_is_bounded(tmp_path):
    server = Evenkeel(tmp_path / "bounded")
    server.flags["--audit-entries-max"] = "5"
    try:
        server.start()
        control = Control(server)
        names = [unique("zone") + ".example" for _ in range(8)]
        for name in names:
            control.sdk.zones.create(account={"id": ACCOUNT}, name=name)
        told = lines(control)
        kept = [name for name in reversed(names) if any(name in line.new_value for line in told)]
        assert (len(told), kept) == (5, names[:2:-1])
    finally:
        server.kill()
