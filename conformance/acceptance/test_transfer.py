"""Moving in and out: export, import, check, from a live account, to Terraform."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.control import Control, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel, finish

# Of the second server: another account, as every server makes its own.
OTHER_ACCOUNT = "0123456789abcdef0123456789abcdef"


def run(server: Evenkeel, *arguments: str, code: int = 0, **variables: str) -> str:
    """`evenkeel …` against a server; what it prints, or says when it has to fail."""
    named = {"EVENKEEL_SERVER": f"http://127.0.0.1:{server.api}", "EVENKEEL_API_TOKEN": TOKEN}
    done = finish(*arguments, within=30.0, **(named | variables))
    assert done.returncode == code, done
    return done.stdout if code == 0 else done.stderr


def exported(server: Evenkeel, *flags: str) -> dict:
    """Everything that a server has."""
    return json.loads(run(server, "export", *flags))


@pytest.fixture
def furnished(own_edge, own_control: Control) -> Control:
    """A server with something of every kind, of which some is unusual."""
    run(own_edge, "monitor", "create", "live", "--type", "tcp", "--port", "80")
    run(own_edge, "group", "create", "both", "--member", "live,must_be_healthy")
    run(
        own_edge,
        "pool",
        "create",
        "eu",
        "--origin",
        "a=192.0.2.1,host=a.example",
        "--monitor",
        "live",
    )
    run(own_edge, "pool", "create", "us", "--origin", "b=192.0.2.2:81", "--group", "both")
    run(own_edge, "zone", "create", "shop.example")
    run(own_edge, "zone", "settings", "shop.example", "ssl=full", "max_upload=100")
    run(
        own_edge,
        *("lb", "create", "www.shop.example", "--pool", "eu", "--pool", "us", "--proxied"),
        *("--region", "WEU=eu", "--pool-weight", "us=0.25", "--affinity", "cookie"),
        *("--set", 'rules=[{"name":"${x} \\"quoted\\"","condition":"http.host eq \\"a\\""}]'),
    )
    run(own_edge, "dns", "create", "mail.shop.example", "A", "192.0.2.9", "--ttl", "300")
    run(own_edge, "dns", "create", "shop.example", "MX", "mail.shop.example", "--priority", "10")
    alerting = own_control.sdk.alerting
    webhook = alerting.destinations.webhooks.create(
        account_id=ACCOUNT, name="pager", url="https://192.0.2.50/x", secret="hush"
    )
    alerting.policies.create(
        account_id=ACCOUNT,
        name="tell",
        alert_type="load_balancing_health_alert",
        enabled=True,
        mechanisms={"webhooks": [{"id": webhook.id}]},
    )
    return own_control


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Evenkeel]:
    """A second server, with an account of its own."""
    server = Evenkeel(tmp_path / "elsewhere")
    server.variables["EVENKEEL_ACCOUNT_ID"] = OTHER_ACCOUNT
    try:
        yield server.start()
    finally:
        server.kill()


def settled(file: dict) -> dict:
    """An export without what every server has of its own."""
    text = json.dumps(file).replace(OTHER_ACCOUNT, ACCOUNT)
    file = json.loads(text)
    for part in file["accounts"]:
        part.pop("account")
        for zone in part["zones"]:
            for member in ("activated_on", "owner", "account"):
                zone["zone"].pop(member)
    return file


def test_everything_moves_with_its_ids_and_moving_again_changes_nothing(
    own_edge, furnished, elsewhere, tmp_path
):
    file = tmp_path / "all.json"
    assert run(own_edge, "export", str(file)) == ""
    before = json.loads(file.read_text())
    assert before == exported(own_edge), "the same order every time"
    (part,) = before["accounts"]
    assert [pool["name"] for pool in part["pools"]] == ["eu", "us"]
    assert len(part["zones"][0]["dns_records"]) == 2
    assert len(part["notification_policies"]) == len(part["notification_webhooks"]) == 1
    assert "hush" not in file.read_text(), "no secret leaves"
    lb = furnished.sdk.load_balancers.get(
        part["zones"][0]["load_balancers"][0]["id"], zone_id=part["zones"][0]["zone"]["id"]
    )
    assert lb.name == "www.shop.example", "the API's own ids"
    told = run(elsewhere, "import", str(file), "--dry-run")
    assert '+ pool "eu"' in told and "11 to add, 0 to change, 0 to remove" in told
    assert exported(elsewhere)["accounts"][0]["pools"] == [], "a dry run writes nothing"
    assert "11 added, 0 changed" in run(elsewhere, "import", str(file))
    assert settled(exported(elsewhere)) == settled(before)
    for server in (own_edge, elsewhere):
        again = run(server, "import", str(file), "--prune")
        assert again == "0 added, 0 changed, 0 removed, 11 unchanged\n"
    assert settled(exported(elsewhere)) == settled(before), "dates included"
    moved = Control(elsewhere).sdk.load_balancers.pools.get(
        part["pools"][0]["id"], account_id=OTHER_ACCOUNT
    )
    assert moved.name == "eu"


def test_a_dry_run_tells_field_by_field_and_prune_lets_go(own_edge, furnished, tmp_path):
    file = tmp_path / "all.json"
    run(own_edge, "export", str(file))
    wanted = json.loads(file.read_text())
    (part,) = wanted["accounts"]
    part["pools"][0]["origins"][0]["weight"] = 0.5
    part["pools"][0]["origins"].insert(0, {"name": "new", "address": "192.0.2.7"})
    part["zones"][0]["dns_records"] = []
    file.write_text(json.dumps(wanted))
    told = run(own_edge, "import", str(file), "--dry-run", "--prune")
    assert "    origins.a.weight: 1 → 0.5\n" in told
    assert "    origins.new: (absent) → {" in told
    assert told.count("- dns record") == 2
    assert told.endswith("0 to add, 1 to change, 2 to remove, 8 unchanged\n")
    assert "0 to remove" in run(own_edge, "import", str(file), "--dry-run")
    answer = json.loads(run(own_edge, "import", str(file), "--prune", "--json"))
    assert (answer["changed"], answer["removed"], answer["dry_run"]) == (1, 2, False)
    (after,) = exported(own_edge)["accounts"]
    assert [origin["name"] for origin in after["pools"][0]["origins"]] == ["new", "a"]
    assert after["zones"][0]["dns_records"] == []
    assert after["pools"][0]["created_on"] == part["pools"][0]["created_on"]


def test_a_file_is_taken_whole_or_not_at_all(own_edge, furnished, tmp_path):
    file = tmp_path / "all.json"
    run(own_edge, "export", str(file))
    before = exported(own_edge)
    wrong = json.loads(file.read_text())
    (part,) = wrong["accounts"]
    part["monitors"][0]["description"] = "renamed"
    part["pools"][0]["origins"][0]["weight"] = 7
    part["zones"][0]["load_balancers"][0]["fallback_pool"] = "f" * 32
    file.write_text(json.dumps(wrong))
    expected = (
        '/accounts/0/pools/0/origins/0/weight (pool "eu"): weight is not in range [0, 1]',
        '/accounts/0/zones/0/load_balancers/0/fallback_pool (load balancer "www.shop.example"): ',
    )
    refused = run(own_edge, "import", str(file), code=1)
    checked = run(own_edge, "check", str(file), code=78)
    for said in (refused, checked):
        assert all(line in said for line in expected), said
    assert len(checked.strip().splitlines()) == 2, "each problem on a line of its own"
    assert exported(own_edge) == before
    part["pools"] = []
    part["zones"] = []
    del part["monitor_groups"]
    file.write_text(json.dumps(wrong))
    left = run(own_edge, "import", str(file), code=0)
    assert "0 removed" in left, "nothing goes unless it is asked for"


def test_check_needs_no_server(tmp_path):
    file = tmp_path / "a.json"
    account = {"account": {"id": ACCOUNT}}
    file.write_text(json.dumps({"format": 1, "accounts": [account]}))
    done = finish("check", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file}: nothing is in it\n")
    monitor = {"id": "1" * 32, "type": "tcp", "port": 80, "interval": 5, "timeout": 1, "retries": 0}
    file.write_text(json.dumps({"format": 1, "accounts": [account | {"monitors": [monitor]}]}))
    done = finish("check", str(file))
    assert done.returncode == 78 and "interval is not in range [10, 3600]" in done.stderr
    assert finish("check", str(file), "--monitor-interval-min", "5").returncode == 0
    for text, said in (
        ("{", "no JSON"),
        ("[]", "JSON object"),
        ("{}", "/format: format must be 1"),
    ):
        file.write_text(text)
        done = finish("check", str(file))
        assert done.returncode == 78 and said in done.stderr, done


def test_a_live_account_is_read_through_the_public_api(own_edge, furnished, elsewhere):
    source = {"CLOUDFLARE_API_TOKEN": TOKEN}
    flags = (
        "import",
        "--from-cloudflare",
        "--api-url",
        f"http://127.0.0.1:{own_edge.api}/client/v4",
    )
    told = run(elsewhere, *flags, "--dry-run", **source)
    assert "9 to add" in told
    assert "9 added" in run(elsewhere, *flags, **source)
    read = settled(exported(own_edge))
    for list_ in ("notification_webhooks", "notification_policies"):
        read["accounts"][0][list_] = []
    assert settled(exported(elsewhere)) == read
    assert "0 added, 0 changed, 0 removed" in run(elsewhere, *flags, "--prune", **source)
    run(own_edge, "zone", "create", "other.example")
    told = run(elsewhere, *flags, "--zone", "other.example", "--dry-run", **source)
    assert "1 to add, 0 to change, 0 to remove, 4 unchanged" in told
    refused = run(elsewhere, *flags, code=78)
    assert "CLOUDFLARE_API_TOKEN" in refused
    refused = run(elsewhere, *flags, "--zone", "nowhere.example", code=2, **source)
    assert '--zone: no zone is called "nowhere.example"' in refused


def test_terraform_gets_resources_that_name_each_other_and_import_blocks(own_edge, furnished):
    (part,) = exported(own_edge)["accounts"]
    hcl = run(own_edge, "export", "--terraform")
    assert hcl.count("import {") == hcl.count("resource ") == 9
    eu, lb = part["pools"][0], part["zones"][0]["load_balancers"][0]
    assert f'to = cloudflare_load_balancer_pool.eu\n  id = "{ACCOUNT}/{eu["id"]}"' in hcl
    zone = part["zones"][0]["zone"]["id"]
    assert f'to = cloudflare_load_balancer.www_shop_example\n  id = "{zone}/{lb["id"]}"' in hcl
    assert f'to = cloudflare_zone_setting.shop_example_ssl\n  id = "{zone}/ssl"' in hcl
    assert 'setting_id = "ssl"\n  value      = "full"' in hcl
    assert 'setting_id = "max_upload"\n  value      = 100' in hcl
    assert "= cloudflare_load_balancer_monitor.live.id\n" in hcl
    assert "(cloudflare_load_balancer_pool.us.id) = 0.25" in hcl
    assert r'= "$${x} \"quoted\""' in hcl
    assert "= cloudflare_load_balancer_monitor_group.both.id\n" in hcl


def test_the_documents_are_an_administrators(own_edge):
    url = f"http://127.0.0.1:{own_edge.api}/evenkeel/v1/documents"
    for headers in ({}, {"Authorization": "Bearer someone-elses-token-1234567890"}):
        assert httpx.get(url, headers=headers).status_code == 401
        assert httpx.put(url, headers=headers, json={"format": 1}).status_code == 401
    name = unique("reader")
    told = run(own_edge, "token", "create", name, "--permission", "Zone Read")
    reader = {"Authorization": f"Bearer {told.splitlines()[-1]}"}
    assert httpx.get(url, headers=reader).status_code == 403
    assert httpx.put(url, headers=reader, json={"format": 1}).status_code == 403
    admin = {"Authorization": f"Bearer {TOKEN}"}
    for body in (b"{", b"[]", b"7", b"", b'{"format":1,"accounts":[[]]}'):
        refused = httpx.put(url, headers=admin, content=body)
        assert refused.status_code == 400 and refused.json()["success"] is False
    assert httpx.put(url, headers=admin, json={"format": 1, "accounts": []}).status_code == 200
