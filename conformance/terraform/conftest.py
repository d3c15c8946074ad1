"""The balancer of these tests."""

from collections.abc import Iterator

import pytest
from reach import TOKEN

from harness.evenkeel import Evenkeel


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evenkeel]:
    """A balancer whose token is as long as the providers want it."""
    server = Evenkeel(tmp_path_factory.mktemp("edge"))
    server.variables["EVENKEEL_API_TOKEN"] = TOKEN
    try:
        yield server.start()
    finally:
        server.kill()
