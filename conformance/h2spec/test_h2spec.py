"""h2spec, all 146 cases, on both listeners: `main.go` beside this file says how it is run.

`EVENKEEL_H2SPEC` is the program. An endpoint behind the load balancer answers, so that what h2spec
talks to is whole exchanges.
"""

import os
import subprocess
import xml.etree.ElementTree as Xml

import pytest

from harness.endpoint import Endpoint

CASES = 146
SKIPPED_MAX = 1

# Seconds at most: a case that is right takes milliseconds, and one that is wrong waits for three.
LIMIT_SECONDS = 100


@pytest.fixture(scope="module")
def host(secure, zones, tmp_path_factory):
    """A host name whose answers have a body: h2spec leaves cases out otherwise."""
    endpoint = Endpoint("a", tmp_path_factory.mktemp("h2spec")).start()
    name = zones.site(zones.pool(endpoint))
    secure.await_answer(name, "a")
    yield name
    endpoint.kill()


@pytest.mark.timeout(LIMIT_SECONDS + 10)
@pytest.mark.parametrize("listener", ["tls", "plain"])
def test_h2spec(secure, host, tmp_path, listener):
    port = secure.https if listener == "tls" else secure.http
    report = tmp_path / "report.xml"
    done = subprocess.run(
        [os.environ["EVENKEEL_H2SPEC"], host, str(port), listener, str(report)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0
    cases = Xml.parse(report).getroot().findall(".//testcase")
    failed = [case.get("classname") for case in cases if case.find("failure") is not None]
    failed += [case.get("classname") for case in cases if case.find("error") is not None]
    skipped = [case.get("classname") for case in cases if case.find("skipped") is not None]
    assert failed == []
    assert len(cases) == CASES
    assert len(skipped) <= SKIPPED_MAX, skipped
    assert secure.get("/", host).status == 200
