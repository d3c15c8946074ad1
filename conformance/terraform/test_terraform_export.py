"""What `evenkeel export --terraform` writes, taken over by the provider: imports, nothing else."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from reach import AS_WHOM, TOKEN, managed, plain, provider
from tofu import Plan, Run, Tofu

from harness.control import unique
from harness.evenkeel import ACCOUNT, Evenkeel, finish

FILES = Path(__file__).parent / "v5"

# Zones stay whose they are: load balancers and records name them by id.
NOT_EXPORTED = {"cloudflare_zone"}

# The configuration is written as an account has it; who runs it says where that is.
SETTINGS = """terraform {
  required_providers {
    cloudflare = {
      source = "cloudflare/cloudflare"
    }
  }
}

"""

pytestmark = pytest.mark.timeout(600)


@dataclass
class Takeover:
    """Everything that was seen while a server's documents were taken over."""

    made: Counter[str]
    planned: Plan
    applied: Run
    after: Plan


@pytest.fixture(scope="module", params=["false", "true"], ids=["first", "changed"])
def taken_over(
    request: pytest.FixtureRequest, server: Evenkeel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Takeover]:
    """Every shape of the provider's documentation, made by one folder, exported, and taken over by
    another whose state is empty."""
    binary, where, folder = provider("v5"), plain(server) | AS_WHOM, tmp_path_factory.mktemp("v5")
    zone = managed(server).zone()
    variables = {"account_id": ACCOUNT, "zone_id": zone.id, "zone": zone.name}
    variables |= {"run": unique("export"), "changed": request.param}
    maker = Tofu(folder / "maker", binary, variables, **where)
    for file in FILES.glob("*.tf"):
        shutil.copy(file, maker.folder)
    assert maker.apply().errors == {}
    made = Counter(address.split(".")[0] for address in maker.resources())

    taker = Tofu(folder / "taker", binary, {}, **where)
    api = f"http://127.0.0.1:{server.api}"
    named = {"EVENKEEL_SERVER": api, "EVENKEEL_API_TOKEN": TOKEN}
    done = finish("export", "--terraform", within=30.0, **named)
    assert done.returncode == 0, done.stderr
    (taker.folder / "main.tf").write_text(SETTINGS + done.stdout)
    planned, applied, after = taker.plan(), taker.apply(), taker.plan()
    yield Takeover(made, planned, applied, after)
    assert maker.destroy().errors == {}


def test_everything_is_imported(taken_over: Takeover) -> None:
    changes = taken_over.planned.changes
    assert all(change.is_import for change in changes.values()), changes
    imported = Counter(address.split(".")[0] for address in changes)
    made = {kind: count for kind, count in taken_over.made.items() if kind not in NOT_EXPORTED}
    assert imported == made


def test_the_plan_has_imports_and_nothing_else(taken_over: Takeover) -> None:
    changes = taken_over.planned.changes
    drifts = {name: change for name, change in changes.items() if change.actions != ("no-op",)}
    assert not drifts


def test_the_plan_after_apply_is_empty(taken_over: Takeover) -> None:
    assert taken_over.applied.errors == {}
    assert taken_over.after.is_empty, taken_over.after.changes
