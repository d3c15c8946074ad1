"""The public OpenAPI document of load balancing, under schemathesis: whatever is sent to any of its
operations, the answer is none of a broken server and has the shape that the document promises.

One run makes more than 10,000 requests: the borders of every parameter, invented bodies right and
wrong, and chains of calls that hand on what earlier ones answered. `EVENKEEL_SCHEMATHESIS_CASES`
asks for more, `EVENKEEL_SCHEMATHESIS_SEED` for others.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.control import Control
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel
from harness.sdk import NOWHERE, member

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "data" / "api-schema.json"

CASES_MIN = 10_000
CASES = int(os.environ.get("EVENKEEL_SCHEMATHESIS_CASES", "0"))
SEED = os.environ.get("EVENKEEL_SCHEMATHESIS_SEED", "1")

# Invented requests per operation. The borders of the parameters come on top and are most of the
# 10,000.
OPERATIONS = 61
EXAMPLES = max(6, CASES // OPERATIONS)
# Chains of calls that hand on what earlier ones answered.
CHAINS = 4 * EXAMPLES

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
]


@pytest.fixture
def strict_edge(tmp_path):
    """A balancer with the limits of the document, which are those of the product's defaults."""
    server = Evenkeel(tmp_path / "strict")
    del server.flags["--monitor-interval-min"]
    try:
        yield server.start()
    finally:
        server.kill()


def existing(control: Control) -> dict[str, list[str] | str]:
    """Ids for the requests to use; something that the run cannot delete holds most of them."""
    monitors = [control.monitor(interval=60) for _ in "ab"]
    group = control.sdk.load_balancers.monitor_groups.create(
        account_id=ACCOUNT, description="of the run", members=[member(monitors[0])]
    )
    watched = [{}, {"monitor": monitors[0]}, {"monitor": monitors[1]}, {"monitor_group": group.id}]
    pools = [control.pool(origins=[NOWHERE], **by) for by in watched]
    control.balancer(*pools, fallback_pool=pools[0])
    zone = control.zone()
    mine = control.balancer(pools[0], zone=zone.id, fallback_pool=pools[0])
    return {
        "account": [ACCOUNT],
        "zone": [zone.id],
        "zone_name": zone.name,
        "pool": pools,
        "monitor": monitors,
        "monitor_group": [group.id],
        "load_balancer": [mine.id],
    }


@pytest.mark.timeout(3600)
def test_no_request_gets_an_answer_that_the_document_does_not_allow(strict_edge, tmp_path):
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT),
        "--url", f"http://127.0.0.1:{strict_edge.api}/client/v4",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES),
        "--seed", SEED,
        "--request-timeout", "10",
        "--continue-on-failure",
        "--warnings", "off",
    ]  # fmt: skip
    settings = f"[phases.stateful.generation]\nmax-examples = {CHAINS}\n"
    (tmp_path / "schemathesis.toml").write_text(settings)
    ids = json.dumps(existing(Control(strict_edge)))
    variables = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "EVENKEEL_SCHEMA_IDS": ids}
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(run.stdout)
    generated = re.search(r"(\d+) generated", run.stdout)
    assert run.returncode == 0, "the output above has the requests, as curl commands"
    assert generated and int(generated[1]) >= max(CASES, CASES_MIN)
    assert strict_edge.is_ready()
