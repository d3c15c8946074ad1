"""The examples do what they say: with curl and with the SDK they leave the same behind.

With Terraform they are run by the suite `terraform`, which is opt-in.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.control import client
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel, environment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
ZONE = "example.com"
# What differs between any two objects, or with the moment.
OWN = ("id", "created_on", "modified_on", "disabled_at", "healthy", "failure_reason")


def run(name: str, command: list[str], folder: Path) -> dict:
    """Runs one form of an example on a server of its own; returns what is there afterwards."""
    server = Evenkeel(folder / "server")
    try:
        sdk = client(server.start())
        zone = sdk.zones.create(account={"id": ACCOUNT}, name=ZONE)
        variables = environment(
            EVENKEEL_URL=str(sdk.base_url).rstrip("/"),
            EVENKEEL_API_TOKEN=TOKEN,
            ACCOUNT_ID=ACCOUNT,
            ZONE_ID=zone.id,
            ZONE_NAME=ZONE,
        )
        ended = subprocess.run(
            command,
            cwd=EXAMPLES / name,
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}\n{ended.stderr}"
        return left_behind(sdk, zone.id)
    finally:
        server.kill()


def left_behind(sdk, zone: str) -> dict:
    """Every object, with names in place of ids."""
    objects = {
        "monitors": sdk.load_balancers.monitors.list(account_id=ACCOUNT).result,
        "pools": sdk.load_balancers.pools.list(account_id=ACCOUNT).result,
        "load_balancers": sdk.load_balancers.list(zone_id=zone).result,
    }
    names, found = {}, {}
    for kind, items in objects.items():
        found[kind] = [item.to_dict() for item in items]
        for item in found[kind]:
            names[item["id"]] = item.get("name") or item["description"]
    return named(found, names)


def named(value, names: dict[str, str]):
    """The value without what differs by nature, ids replaced by names."""
    if isinstance(value, dict):
        kept = {key: member for key, member in value.items() if key not in OWN}
        return {names.get(key, key): named(member, names) for key, member in kept.items()}
    if isinstance(value, list):
        return [named(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", NAMES)
def test_curl_and_the_sdk_leave_the_same_behind(name, tmp_path):
    by_curl = run(name, ["sh", "curl.sh"], tmp_path / "curl")
    by_sdk = run(name, [sys.executable, "python.py"], tmp_path / "sdk")
    assert by_curl == by_sdk
    assert len(by_curl["load_balancers"]) == 1 and by_curl["load_balancers"][0]["enabled"]
    assert all(pool["enabled"] for pool in by_curl["pools"])


def test_every_example_has_all_forms_and_a_line_in_the_readme():
    assert len(NAMES) >= 8
    readme = (EXAMPLES / "README.md").read_text()
    for name in NAMES:
        assert f"]({name})" in readme
        for form in ("curl.sh", "python.py", "main.tf"):
            assert (EXAMPLES / name / form).is_file(), f"{name}: no {form}"
