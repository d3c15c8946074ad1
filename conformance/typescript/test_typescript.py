"""The official TypeScript SDK over every load-balancing method that it has: `node --test` on the
`*.test.mjs` beside this file, against the balancer of this run.

`EVENKEEL_NODE_MODULES` is a folder made by `npm ci` from the lock file here. The tests are run from
a copy inside it, which is where Node looks for the SDK.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.evenkeel import ACCOUNT, TOKEN

HERE = Path(__file__).parent
LIMIT_SECONDS = 120


@pytest.mark.timeout(LIMIT_SECONDS + 30)
def test_the_typescript_sdk(edge):
    folder = Path(os.environ["EVENKEEL_NODE_MODULES"])
    for source in HERE.glob("*.mjs"):
        shutil.copy(source, folder)
    variables = {
        "EVENKEEL_URL": f"http://127.0.0.1:{edge.api}/client/v4",
        "EVENKEEL_TOKEN": TOKEN,
        "EVENKEEL_ACCOUNT": ACCOUNT,
    }
    run = subprocess.run(
        ["node", "--test", "--test-reporter", "spec", "methods.test.mjs"],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, "the output above says what failed"
