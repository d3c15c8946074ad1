"""The official Go SDKs: the `*_test.go` beside this file against the balancer of this run, and the
example of the how-to.

`EVENKEEL_GO_TESTS` is what `go test -c` made of them, `EVENKEEL_GO` the command that did.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.control import Control
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel

HERE = Path(__file__).parent
HOWTO = HERE.parents[1] / "docs" / "howto" / "sdks.md"
# The example is compiled anew; what it imports has been already.
LIMIT_SECONDS = 300


def run(edge: Evenkeel, *command: str) -> str:
    """Runs a program to its end, with the variables that the how-to asks for; what it printed."""
    variables = {
        "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{edge.api}/client/v4",
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "ACCOUNT_ID": ACCOUNT,
    }
    done = subprocess.run(
        command,
        cwd=HERE,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, "the output above says what failed"
    return done.stdout


@pytest.mark.timeout(LIMIT_SECONDS + 30)
def test_the_go_sdks(edge: Evenkeel) -> None:
    run(edge, os.environ["EVENKEEL_GO_TESTS"], "-test.v")


@pytest.mark.timeout(LIMIT_SECONDS + 30)
def test_the_howto_works(edge: Evenkeel, control: Control, tmp_path: Path) -> None:
    [example] = re.findall(r"^```go\n(.*?)^```", HOWTO.read_text(), re.MULTILINE | re.DOTALL)
    program = tmp_path / "main.go"
    program.write_text(example)
    pool = control.sdk.load_balancers.pools.get(control.nobody(), account_id=ACCOUNT)
    assert pool.name in run(edge, os.environ["EVENKEEL_GO"], "run", str(program)).splitlines()
