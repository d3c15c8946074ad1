"""Fixtures of what needs TLS: one balancer for all tests that neither stop nor flood it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.edge.authority import Authority
from harness.edge.endpoints import ModernEndpoint, ServerEndpoint
from harness.edge.secure import Secure, Zones

HANDSHAKE_SECONDS = 6.0


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who issues the certificates of this run."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Secure]:
    """One balancer with a TLS listener."""
    server = Secure(tmp_path_factory.mktemp("secure"), authority)
    # Shorter than the default, for the sake of those tests that wait for it.
    server.limit(handshake=HANDSHAKE_SECONDS)
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def zones(secure: Secure) -> Zones:
    """The control plane of that balancer."""
    return Zones(secure)


@pytest.fixture
def modern_endpoints(tmp_path: Path) -> Iterator[Callable[..., ModernEndpoint]]:
    """Starts endpoints that speak TLS and HTTP/2; they end with the test."""
    started: list[ModernEndpoint] = []

    def start(name: str, **options: object) -> ModernEndpoint:
        endpoint = ModernEndpoint(name, tmp_path / "endpoints", **options)
        started.append(endpoint)
        return endpoint.start()

    yield start
    for endpoint in started:
        endpoint.kill()


@pytest.fixture
def upgrading(tmp_path: Path) -> Iterator[Callable[..., ServerEndpoint]]:
    """Starts endpoints of these classes that change protocols; they end with the test."""
    started: list[ServerEndpoint] = []

    def start(kind: type[ServerEndpoint], name: str) -> ServerEndpoint:
        endpoint = kind(name, tmp_path / "endpoints")
        started.append(endpoint)
        return endpoint.start()

    yield start
    for endpoint in started:
        endpoint.kill()
