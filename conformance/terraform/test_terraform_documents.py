"""The configurations that users read: of the how-to and of the examples, word by word."""

import re
from pathlib import Path

import pytest
from reach import AS_WHOM, managed, plain, provider
from tofu import Tofu

from harness.evenkeel import ACCOUNT, Evenkeel

ROOT = Path(__file__).resolve().parents[2]
HOWTO = ROOT / "docs" / "howto" / "terraform.md"
EXAMPLES = sorted(file.parent for file in ROOT.glob("examples/*/main.tf"))

# What was built here has no version, and the API is not where a reader's is.
ELSEWHERE = re.compile(r"^ +(version|base_url) +=.*\n", re.MULTILINE)


def holds(tofu: Tofu, configuration: str) -> None:
    """What it makes is what it says; made, left alone by the next plan, and destroyed."""
    (tofu.folder / "main.tf").write_text(ELSEWHERE.sub("", configuration))
    assert tofu.apply().errors == {}
    plan = tofu.plan()
    assert plan.is_empty, plan.changes
    assert tofu.destroy().errors == {}


def test_the_howto_works(server: Evenkeel, tmp_path: Path) -> None:
    blocks = re.findall(r"^```hcl\n(.*?)^```", HOWTO.read_text(), re.MULTILINE | re.DOTALL)
    [settings] = [block for block in blocks if "required_providers" in block]
    [example] = [block for block in blocks if 'resource "cloudflare_zone"' in block]
    where = plain(server) | AS_WHOM
    holds(Tofu(tmp_path, provider("v5"), {"account_id": ACCOUNT}, **where), settings + example)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_works(server: Evenkeel, tmp_path: Path, example: Path) -> None:
    zone = managed(server).zone()
    variables = {"account_id": ACCOUNT, "zone_id": zone.id, "zone_name": zone.name}
    where = plain(server) | AS_WHOM
    holds(Tofu(tmp_path, provider("v5"), variables, **where), (example / "main.tf").read_text())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8
