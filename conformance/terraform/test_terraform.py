"""Terraform against Evenkeel: apply, plan, update, import and destroy of every documented shape.

Each provider lives through one course (`course.py`); the tests look at what it saw, resource by
resource, so that one drift hides no other.
"""

import re
from pathlib import Path

import course
import pytest
from course import Block, Course
from reach import AS_WHOM, REACHES, managed, provider
from tofu import UNKNOWN, Change

from harness.control import unique
from harness.evenkeel import Evenkeel

HERE = Path(__file__).parent

SESSIONS = {"session_affinity_attributes", "session_affinity_ttl"}

# What a provider makes of an import whatever is answered: the members that it does not read, or
# reads and then plans back to a default of its own. One apply settles them. docs/howto/terraform.md
# says how to write each so that there is nothing to settle.
SETTLED_BY_APPLY = {
    # The policy that the service chose is planned back to the "" that the file does not say.
    ("v5", "cloudflare_load_balancer.minimal"): {"steering_policy"},
    ("v5", "cloudflare_load_balancer.geo_implied"): {"steering_policy"},
    # The same, and the places that rules got in the list.
    ("v5", "cloudflare_load_balancer.rules"): {"steering_policy", "rules"},
    # What is empty or zero is not answered, and not taken for empty or zero.
    ("v5", "cloudflare_load_balancer.rules_removed"): {"rules"},
    ("v5", "cloudflare_load_balancer_monitor.zeros"): {
        "consecutive_up",
        "consecutive_down",
        "port",
    },
    # Endpoints are sorted by name.
    ("v5", "cloudflare_load_balancer_pool.order"): {"origins"},
    # Read only where the state has them, which a new one has not.
    ("v4", "cloudflare_load_balancer.adaptive"): {"adaptive_routing"},
    ("v4", "cloudflare_load_balancer.location"): {"location_strategy"},
    ("v4", "cloudflare_load_balancer.random"): {"random_steering"},
    ("v4", "cloudflare_load_balancer.cookie"): SESSIONS,
    ("v4", "cloudflare_load_balancer.header"): SESSIONS,
}

PROVIDERS = ("v5", "v4")

# The first test of a provider waits for its whole course.
pytestmark = pytest.mark.timeout(600)


_courses: dict[str, Course] = {}


@pytest.fixture
def lived(server: Evenkeel, version: str, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The course of this provider, run once."""
    binary = provider(version)
    if version not in _courses:
        folder, files, word = tmp_path_factory.mktemp(version), HERE / version, unique(version)
        where, zone = REACHES[version](server) | AS_WHOM, managed(server).zone()
        _courses[version] = course.run(files, folder, binary, zone, word, **where)
    return _courses[version]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test for every provider, and for every resource where it asks for one."""
    if "block" in metafunc.fixturenames:
        rows = [
            (version, block) for version in PROVIDERS for block in course.blocks(HERE / version)
        ]
        names = [f"{version}-{block.address}" for version, block in rows]
        metafunc.parametrize(("version", "block"), rows, ids=names)
    elif "lived" in metafunc.fixturenames:
        metafunc.parametrize("version", PROVIDERS)


def of(block: Block, by_address: dict) -> dict:
    """The part that is about a resource, or about each of those that `for_each` made of it."""
    return {
        address: value
        for address, value in by_address.items()
        if address == block.address or address.startswith(f"{block.address}[")
    }


def is_empty(change: Change, settled: set[str] = frozenset()) -> bool:
    """Whether nothing would be done, or only what one apply settles.

    Where anything is to do, the providers expect new values of all that the service computes.
    """
    if not settled:
        return change.actions == ("no-op",)
    planned = {path for path in change.paths if not path.endswith(UNKNOWN)}
    return change.actions == ("update",) and {name_of(path) for path in planned} == settled


def name_of(path: str) -> str:
    """The member that a path leads into."""
    return re.split(r"[.:\[]", path, maxsplit=1)[0]


def test_it_is_created(lived: Course, block: Block) -> None:
    assert not of(block, lived.created.errors)
    assert of(block, lived.ids[0])


def test_the_plan_after_apply_is_empty(lived: Course, block: Block) -> None:
    changes = of(block, lived.after_create.changes)
    assert changes
    assert all(is_empty(change) for change in changes.values()), changes


def test_it_is_updated_in_place(lived: Course, block: Block) -> None:
    wanted = ("update",) if block.has_change else ("no-op",)
    planned = of(block, lived.to_update.changes)
    assert planned
    assert all(change.actions == wanted for change in planned.values()), planned
    assert not of(block, lived.updated.errors)
    assert of(block, lived.ids[0]) == of(block, lived.ids[1])


def test_the_plan_after_update_is_empty(lived: Course, block: Block) -> None:
    changes = of(block, lived.after_update.changes)
    assert changes
    assert all(is_empty(change) for change in changes.values()), changes


def test_the_plan_of_an_import_is_empty(lived: Course, version: str, block: Block) -> None:
    changes = of(block, lived.to_import.changes)
    assert changes
    assert all(change.is_import for change in changes.values()), changes
    settled = SETTLED_BY_APPLY.get((version, block.address), frozenset())
    assert all(is_empty(change, settled) for change in changes.values()), changes


def test_the_plan_after_import_is_empty(lived: Course, block: Block) -> None:
    assert not of(block, lived.imported.errors)
    changes = of(block, lived.after_import.changes)
    assert changes
    assert all(is_empty(change) for change in changes.values()), changes


def test_scripts_see_empty_plans(lived: Course, version: str) -> None:
    assert lived.after_create.is_empty
    assert lived.after_update.is_empty
    assert lived.after_import.is_empty


def test_data_sources_agree_with_resources(lived: Course, version: str) -> None:
    agree = lived.outputs.get("agree", {})
    assert all(agree.values()), agree


def test_everything_is_destroyed(lived: Course, version: str) -> None:
    assert lived.destroyed.code == 0, lived.destroyed.errors
