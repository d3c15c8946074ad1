"""Fixtures of every suite: the balancer, endpoints, the SDK."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.control import Control
from harness.endpoint import Endpoint
from harness.evenkeel import Evenkeel

pytest_plugins = ["harness.edge.fixtures"]


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evenkeel]:
    """One balancer for all tests that neither stop nor restart it."""
    server = Evenkeel(tmp_path_factory.mktemp("edge"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def control(edge: Evenkeel) -> Control:
    """The control plane of that balancer."""
    return Control(edge)


@pytest.fixture
def own_edge(tmp_path: Path) -> Iterator[Evenkeel]:
    """A balancer of the test's own, started, to be stopped and started at will."""
    server = Evenkeel(tmp_path / "own")
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def own_control(own_edge: Evenkeel) -> Control:
    """The control plane of that balancer."""
    return Control(own_edge)


@pytest.fixture
def endpoints(tmp_path: Path) -> Iterator[Callable[..., list[Endpoint]]]:
    """Starts endpoints of these names; they end with the test."""
    started: list[Endpoint] = []

    def start(*names: str) -> list[Endpoint]:
        new = [Endpoint(name, tmp_path / "endpoints") for name in names]
        started.extend(new)
        return [endpoint.start() for endpoint in new]

    yield start
    for endpoint in started:
        endpoint.kill()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Shows the end of the balancer's log beside a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for name in ("edge", "own_edge"):
        server = item.funcargs.get(name)
        if isinstance(server, Evenkeel) and server.log.exists():
            tail = server.log.read_text(errors="replace")[-3000:]
            report.sections.append((f"log of {name}", tail))
