"""The commands for people: tables for terminals, JSON for scripts, names wherever ids are."""

import json
import subprocess

import httpx
import pytest

from harness.cli import Cli
from harness.control import unique
from harness.evenkeel import ACCOUNT, TOKEN, binary, environment


@pytest.fixture
def cli(edge) -> Cli:
    """Commands against the shared balancer."""
    return Cli(edge)


def test_a_load_balancer_is_made_by_names_alone(cli, edge, endpoints):
    a, b = endpoints("a", "b")
    live, web, backup = unique("live"), unique("web"), unique("backup")
    zone = f"{unique('zone')}.example"
    cli(
        *("monitor", "create", live, "--type", "http", "--path", "/_probe"),
        *("--expected-codes", "200", "--interval", "2", "--timeout", "1", "--retries", "0"),
    )
    for name, endpoint in ((web, a), (backup, b)):
        origin = f"{endpoint.name}=127.0.0.1:{endpoint.port},weight=0.5"
        cli("pool", "create", name, "--origin", origin, "--monitor", live, "--minimum-origins", "1")
    cli("zone", "create", zone)
    host = f"www.{zone}"
    cli(
        *("lb", "create", host, "--pool", web, "--pool", backup, "--fallback", backup),
        *("--steering", "off", "--proxied", "--failover-across-pools"),
    )
    edge.await_answer(host, "a")
    pool = cli.json("pool", "get", web)
    assert pool["origins"][0]["weight"] == 0.5
    assert pool["monitor"] == cli.json("monitor", "get", live)["id"]
    (made,) = [lb for lb in cli.json("lb", "list") if lb["name"] == host]
    assert made["default_pools"] == [pool["id"], cli.json("pool", "get", backup)["id"]]
    cli("pool", "set", web, "--enabled=false")
    edge.await_answer(host, "b")
    for kind, name in (("pool", web), ("monitor", live)):
        refused = cli.refused(1, kind, "delete", name)
        assert "names it; take it out there first" in refused
    assert host in cli.refused(1, "pool", "delete", backup)
    for kind, name in (("lb", host), ("pool", web), ("pool", backup), ("monitor", live)):
        assert f"{name} deleted" in cli(kind, "delete", name)
    cli("zone", "delete", zone)
    assert cli.refused(2, "zone", "get", zone).startswith(f'error: no zone is called "{zone}"')


def test_a_change_touches_what_it_names_and_nothing_else(cli):
    name = unique("pool")
    before = cli.json("pool", "create", name, "--origin", "a=192.0.2.1", "--origin", "b=192.0.2.2")
    changed = cli.json(
        *("pool", "set", name, "--description", "new", "--add-origin", "c=192.0.2.3:81"),
        *("--remove-origin", "b", "--set", "origins.0.weight=0.25", "--steering", "hash"),
        *("--set", "load_shedding.default_percent=5", "--coordinates", "38.72/-9.14"),
    )
    kept = {key: before[key] for key in ("id", "name", "created_on", "enabled", "minimum_origins")}
    assert changed | kept == changed
    assert [origin["name"] for origin in changed["origins"]] == ["a", "c"]
    assert changed["origins"][0]["weight"] == 0.25 and changed["origins"][1]["port"] == 81
    assert changed["origin_steering"] == {"policy": "hash"}
    assert changed["load_shedding"]["default_percent"] == 5
    assert (changed["latitude"], changed["longitude"]) == (38.72, -9.14)
    reset = cli.json("pool", "set", changed["id"], "--set", "load_shedding=null")
    assert "load_shedding" not in reset and reset["description"] == "new"
    renamed = unique("pool")
    assert cli.json("pool", "set", name, "--rename", renamed)["id"] == changed["id"]
    assert f"pool {renamed} deleted" in cli("pool", "delete", renamed)


def test_everything_of_the_api_is_reached_by_body_and_set(cli, tmp_path):
    pool = unique("pool")
    body = tmp_path / "pool.json"
    body.write_text(
        json.dumps({"origins": [{"name": "a", "address": "192.0.2.1"}], "enabled": False})
    )
    made = cli.json("pool", "create", pool, "--body", str(body), "--set", "description=by file")
    assert (made["enabled"], made["description"]) == (False, "by file")
    piped = subprocess.run(
        [binary(), "pool", "set", pool, "--body", "-", "--json"],
        env=environment(**cli.variables),
        input=json.dumps({"notification_email": "a@example.com"}),
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    assert json.loads(piped.stdout)["notification_email"] == "a@example.com"
    zone = f"{unique('zone')}.example"
    cli("zone", "create", zone)
    other = unique("other")
    cli("pool", "create", other, "--origin", "192.0.2.2")
    made = cli.json(
        *("lb", "create", zone, "--pool", pool, "--pool", other, "--region", f"weu={other},{pool}"),
        *("--country", f"pt={other}", "--pool-weight", f"{other}=0.25", "--default-weight", "0.5"),
        *("--steering", "geo", "--affinity", "header", "--affinity-header", "x-user"),
        *("--drain", "60", "--ttl", "45"),
        *("--set", 'rules=[{"name":"r","condition":"","overrides":{"steering_policy":"off"}}]'),
    )
    ids = {name: cli.json("pool", "get", name)["id"] for name in (pool, other)}
    assert made["region_pools"] == {"WEU": [ids[other], ids[pool]]}
    assert made["country_pools"] == {"PT": [ids[other]]}
    assert made["random_steering"] == {"default_weight": 0.5, "pool_weights": {ids[other]: 0.25}}
    assert made["fallback_pool"] == ids[other], "the last one, unless another is named"
    assert made["session_affinity_attributes"]["headers"] == ["x-user"]
    assert made["session_affinity_attributes"]["drain_duration"] == 60
    assert (made["ttl"], made["rules"][0]["name"]) == (45, "r")
    kept = cli.json(
        "lb", "set", zone, "--country", "PT=", "--drain", "5", "--set", "rules.0.name=s"
    )
    assert kept["country_pools"] == {} and kept["region_pools"] == made["region_pools"]
    assert kept["session_affinity_attributes"]["headers"] == ["x-user"]
    assert kept["rules"][0] == made["rules"][0] | {"name": "s"}


def test_refusals_name_the_flag_and_the_way_out(cli):
    pool = unique("pool")
    cli("pool", "create", pool, "--origin", "192.0.2.1")
    for code, arguments, said in (
        (1, ("pool", "create", pool, "--origin", "192.0.2.1"), "NAME: value not unique"),
        (1, ("pool", "set", pool, "--steering", "sideways"), "--steering (origin_steering.policy)"),
        (1, ("pool", "set", pool, "--origin", "192.0.2.1,weight=2"), "--origin (origins.0.weight)"),
        (1, ("pool", "set", pool, "--set", "notification_filter=7"), "--set notification_filter=…"),
        (1, ("monitor", "create", unique("m"), "--type", "https"), "--expected-codes"),
        (
            2,
            ("pool", "set", pool, "--monitor", "nobody"),
            '--monitor: no monitor is called "nobody"',
        ),
        (2, ("pool", "set", pool), "nothing is to be changed"),
        (2, ("pool", "create", "x"), "--origin is missing"),
        (2, ("pool", "create", "x", "--origin", "a,heavy=1"), "weight, enabled, port"),
        (2, ("lb", "create", "www.nowhere.test", "--pool", pool), "evenkeel zone create"),
        (2, ("lb", "create", "www.nowhere.test"), "--pool is missing"),
        (2, ("pool", "get", "nobody"), 'no pool is called "nobody"'),
        (2, ("pool", "list", "--account", "nobody"), '--account: no account is called "nobody"'),
        (2, ("pool", "set", pool, "--set", "nonsense"), "PATH=VALUE"),
        (2, ("pool",), "Usage"),
    ):
        stderr = cli.refused(code, *arguments)
        assert said in stderr, (arguments, stderr)
        assert "validation failed" not in stderr
    for variables, code, said in (
        ({"EVENKEEL_API_TOKEN": ""}, 78, "EVENKEEL_API_TOKEN"),
        ({"EVENKEEL_API_TOKEN": "nobody-knows-this-token-1234567890"}, 1, "EVENKEEL_API_TOKEN"),
        ({"EVENKEEL_SERVER": "http://127.0.0.1:1"}, 1, "--server"),
    ):
        done = cli.run("pool", "list", **variables)
        assert (done.returncode, done.stdout) == (code, "") and said in done.stderr, done


def test_an_ambiguous_name_is_refused_and_an_id_is_not(cli):
    twin = unique("twin")
    flags = ("--type", "tcp", "--port", "80")
    ids = [cli.json("monitor", "create", twin, *flags)["id"] for _ in range(2)]
    refused = cli.refused(2, "monitor", "delete", twin)
    assert all(id in refused for id in ids) and "by its id" in refused
    for id in ids:
        assert cli.json("monitor", "delete", id) == {"id": id}


def test_tables_are_for_people_and_pipes(cli, edge):
    name = unique("pool")
    cli("pool", "create", name, "--origin", "192.0.2.1")
    table = cli("pool", "list").splitlines()
    assert table[0].split() == ["NAME", "HEALTHY", "ENABLED", "ORIGINS", "MONITOR", "ID"]
    (row,) = [line.split() for line in table if line.split()[0] == name]
    assert row[1:5] == ["-", "yes", "1", "-"]
    assert "\x1b" not in "".join(table), "no colours where nobody looks"
    details = dict(
        line.split(None, 1)
        for line in cli("pool", "get", name).splitlines()
        if len(line.split(None, 1)) == 2
    )
    assert details["origins.0.address"] == "192.0.2.1"
    command = f"{binary()} pool list | head -n 1"
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=environment(**cli.variables),
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    assert piped.stdout.startswith("NAME") and piped.stderr == ""
    assert cli("pool", "list", "--server", f"http://127.0.0.1:{edge.api}/client/v4") != ""


def on_a_terminal(cli: Cli, *arguments: str, **variables: str) -> str:
    """What a command prints on a terminal."""
    command = " ".join([str(binary()), *arguments])
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        env=environment(**cli.variables, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout


def test_headings_are_bold_on_a_terminal_unless_no_color_is_set(cli):
    assert "\x1b[1mNAME" in on_a_terminal(cli, "zone", "list")
    assert "\x1b" not in on_a_terminal(cli, "zone", "list", NO_COLOR="1")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_completions(cli, shell):
    script = cli("completions", shell)
    assert "evenkeel" in script and "minimum-origins" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, timeout=10, check=True)


def test_scripts_read_what_the_api_says(cli, control):
    api = f"{cli.variables['EVENKEEL_SERVER']}/client/v4/accounts/{ACCOUNT}/load_balancers"
    monitor = cli.json("monitor", "create", unique("live"), "--type", "tcp", "--port", "80")
    answer = httpx.get(
        f"{api}/monitors/{monitor['id']}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert monitor == answer.json()["result"] == cli.json("monitor", "get", monitor["id"])
    account = control.sdk.accounts.get(account_id=ACCOUNT)
    assert cli.json("pool", "list", "--account", account.name) == cli.json("pool", "list")
    assert cli.json("pool", "list", "--account", ACCOUNT) == cli.json("pool", "list")


def test_records_are_known_by_name_and_type(cli):
    zone = f"{unique('zone')}.example"
    cli("zone", "create", zone)
    host = f"www.{zone}"
    made = cli.json("dns", "create", host, "a", "192.0.2.1", "--ttl", "300")
    assert (made["type"], made["ttl"], made["proxied"]) == ("A", 300, False)
    cli("dns", "create", host, "AAAA", "2001:db8::1")
    cli("dns", "create", zone, "MX", host, "--priority", "10")
    assert f"{host} has 2 records; name one by type or id" in cli.refused(2, "dns", "delete", host)
    changed = cli.json("dns", "set", host, "A", "--content", "192.0.2.2", "--comment", "moved")
    assert changed | {"content": "192.0.2.2", "ttl": 300, "id": made["id"]} == changed
    assert cli.json("dns", "get", made["id"])["comment"] == "moved"
    rows = [line.split()[:4] for line in cli("dns", "list", "--zone", zone).splitlines()[1:]]
    assert [host, "AAAA", "2001:db8::1", "auto"] in rows and len(rows) == 3
    assert "CONTENT: " in cli.refused(1, "dns", "create", host, "A", "nonsense")
    assert "has no TXT record" in cli.refused(2, "dns", "get", host, "txt")
    cli("dns", "delete", host, "A")
    assert cli.json("dns", "get", host)["type"] == "AAAA"


def test_groups_name_their_monitors(cli):
    first, second, group = unique("one"), unique("two"), unique("group")
    for name in (first, second):
        cli("monitor", "create", name, "--type", "tcp", "--port", "80")
    made = cli.json(
        *("group", "create", group, "--member", f"{first},must_be_healthy"),
        *("--member", f"{second},monitoring_only,disabled"),
    )
    told = [(m["enabled"], m["must_be_healthy"], m["monitoring_only"]) for m in made["members"]]
    assert told == [(True, True, False), (False, False, True)]
    assert f"{first}, ({second})" in cli("group", "list")
    pool = unique("pool")
    cli("pool", "create", pool, "--origin", "192.0.2.1", "--group", group)
    assert f'pool "{pool}" names it' in cli.refused(1, "group", "delete", group)
    cli("pool", "set", pool, "--group", "")
    assert f"{group} deleted" in cli("group", "delete", group)


def test_a_token_may_do_what_it_was_made_for(cli, edge):
    zone = f"{unique('zone')}.example"
    cli("zone", "create", zone)
    assert "Load Balancers Write" in cli("token", "permissions")
    name = unique("reader")
    told = cli("token", "create", name, "--permission", "Zone Read", "--zone", zone)
    value = told.splitlines()[-1]
    reader = {"EVENKEEL_API_TOKEN": value}
    seen = cli.run("zone", "list", "--json", **reader)
    assert [each["name"] for each in json.loads(seen.stdout)] == [zone]
    refused = cli.run("zone", "delete", zone, **reader)
    assert refused.returncode == 1 and "evenkeel token create" in refused.stderr
    assert "Zone Read" in cli("token", "list") and value not in cli("token", "get", name)
    renamed = unique("reader")
    changed = cli.json("token", "set", name, "--rename", renamed, "--status", "disabled")
    assert (changed["name"], changed["status"]) == (renamed, "disabled")
    assert cli.run("zone", "list", **reader).returncode == 1
    cli("token", "delete", renamed)
    assert cli.refused(2, "token", "create", name).startswith("error: --permission is missing")
