"""Every type of monitor against servers on loopback, and the words for what they find."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from harness import probed, waiting
from harness.api import MONITORS, POOLS, Api
from harness.control import unique
from harness.evenkeel import Evenkeel
from harness.ports import free_port
from harness.receivers import MailServer

HEALTHY = "No failures"
REFUSED = "TCP connection failed"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> probed.Authority:
    """Whom the balancer trusts."""
    return probed.Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def trusting(
    tmp_path_factory: pytest.TempPathFactory, authority: probed.Authority
) -> Iterator[Evenkeel]:
    """A balancer that trusts it, and nobody else."""
    server = Evenkeel(tmp_path_factory.mktemp("trusting"))
    server.variables["SSL_CERT_FILE"] = str(authority.certificate)
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def started() -> Iterator[ExitStack]:
    """Keeps servers until the test ends."""
    with ExitStack() as stack:
        yield stack


@dataclass
class Case:
    """What a monitor of that type finds at a port of 127.0.0.1."""

    type: str
    port: int
    reason: str
    code: int
    monitor: dict[str, object] = field(default_factory=dict)
    origin: dict[str, object] = field(default_factory=dict)

    def pool(self, api: Api) -> str:
        """A pool that is probed so."""
        monitor = {"type": self.type, "interval": 2, "timeout": 1, "retries": 0}
        if self.type in {"http", "https"}:
            monitor["expected_codes"] = "200"
        elif self.type != "icmp_ping":
            monitor["port"] = self.port
        monitor = api.post(MONITORS, monitor | self.monitor)["id"]
        origin = {"name": "a", "address": "127.0.0.1", "port": self.port} | self.origin
        pool = {"name": unique("pool"), "monitor": monitor, "origins": [origin]}
        return api.post(POOLS, pool)["id"]

    @property
    def found(self) -> tuple[bool, str, int]:
        """What is published."""
        return self.reason == HEALTHY, self.reason, self.code


def check(server: Evenkeel, cases: list[Case]) -> None:
    """Has all of them probed at once, and compares."""
    with Api(server) as api:
        pools = [case.pool(api) for case in cases]

        def found() -> list[tuple[bool, str, int]] | None:
            seen = []
            for pool in pools:
                if "healthy" not in api.get(f"{POOLS}/{pool}")["origins"][0]:
                    return None
                (site,) = api.get(f"{POOLS}/{pool}/health")["pop_health"].values()
                (health,) = site["origins"][0].values()
                seen.append((health["healthy"], health["failure_reason"], health["response_code"]))
            return seen

        seen = waiting.until("all verdicts", found, 10.0)
    assert dict(enumerate(seen)) == dict(enumerate(case.found for case in cases))


def test_http_and_the_words_for_its_failures(edge, started):
    def at(answer: bytes = probed.OK) -> int:
        return started.enter_context(probed.serving(probed.http(answer)))

    silent = started.enter_context(probed.serving(probed.silent))
    reset = started.enter_context(probed.serving(probed.reset))
    wrong_code = "Response code mismatch error"
    moved = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    nobody = {"address": "nobody.invalid"}
    check(
        edge,
        [
            Case("http", at(), HEALTHY, 200),
            Case("http", at(), HEALTHY, 200, {"method": "HEAD"}),
            Case("http", at(), HEALTHY, 200, {"expected_body": "OK"}),
            Case("http", at(), "Response body mismatch error", 200, {"expected_body": "fine"}),
            Case("http", at(), wrong_code, 200, {"expected_codes": "201,3xx"}),
            Case("http", at(moved), wrong_code, 302),
            Case("http", at(moved), HEALTHY, 302, {"expected_codes": "3xx"}),
            Case("http", at(moved), wrong_code, 302, {"follow_redirects": True}),
            Case("http", at(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "HTTP Invalid Response", 0),
            Case("http", silent, "HTTP timeout occurred", 0),
            Case("http", silent, "HTTP timeout occurred", 0, {"retries": 1, "interval": 3}),
            Case("http", reset, "Connection Reset by Peer", 0),
            Case("http", free_port(), REFUSED, 0),
            Case("http", at(), "DNS Unknown Host", 0, origin=nobody),
        ],
    )


def test_https_and_the_words_for_certificates(trusting, authority, started):
    ours = "IP:127.0.0.1,DNS:shop.example"

    def at(tls) -> int:
        return started.enter_context(probed.serving(probed.http(), tls))

    good = at(authority.context("good", ours))
    expired = at(authority.context("expired", ours, probed.LONG_AGO))
    other = at(authority.context("other", "DNS:other.example"))
    own = at(authority.self_signed("own", ours))
    plain = started.enter_context(probed.serving(probed.http()))
    garbage = started.enter_context(probed.serving(lambda peer: peer.sendall(probed.OK)))
    untrusted, misnamed = "TLS untrusted certificate error", "TLS name mismatch error"
    lax = {"allow_insecure": True}
    shop = {"header": {"Host": ["shop.example"]}}
    check(
        trusting,
        [
            Case("https", good, HEALTHY, 200),
            Case("https", good, HEALTHY, 200, shop),
            Case("https", other, misnamed, 0),
            Case("https", other, misnamed, 0, shop),
            Case("https", other, HEALTHY, 200, {"header": {"Host": ["other.example"]}}),
            Case("https", expired, untrusted, 0),
            Case("https", own, untrusted, 0),
            Case("https", expired, HEALTHY, 200, lax),
            Case("https", other, HEALTHY, 200, lax),
            Case("https", own, HEALTHY, 200, lax),
            Case("https", garbage, "TLS protocol error", 0),
            Case("https", garbage, "TLS protocol error", 0, lax),
            Case("https", free_port(), REFUSED, 0),
            Case("http", plain, HEALTHY, 200),
        ],
    )


def test_other_types(trusting, authority, started):
    silent = started.enter_context(probed.serving(probed.silent))
    mail = started.enter_context(MailServer())
    rude = started.enter_context(probed.serving(lambda peer: peer.sendall(b"554 go away\r\n")))
    deaf = started.enter_context(probed.udp())
    services = {b"": probed.SERVING, b"a.Shop": probed.SERVING, b"a.Bank": probed.NOT_SERVING}
    talk = probed.health(services)
    rpc = started.enter_context(probed.serving(talk))
    tls = authority.context("rpc", "IP:127.0.0.1", alpn=("h2",))
    rpcs = started.enter_context(probed.serving(talk, tls))
    wrong_code, wrong_body = "Response code mismatch error", "Response body mismatch error"
    check(
        trusting,
        [
            Case("tcp", silent, HEALTHY, 0),
            Case("tcp", free_port(), REFUSED, 0),
            Case("smtp", mail.port, HEALTHY, 221),
            Case("smtp", rude, wrong_code, 554),
            Case("smtp", silent, "HTTP timeout occurred", 0),
            Case("udp_icmp", deaf, HEALTHY, 0),
            Case("udp_icmp", free_port(), "Other Failure", 0),
            Case("icmp_ping", 0, HEALTHY, 0),
            Case("grpc", rpc, HEALTHY, 200),
            Case("grpc", rpc, HEALTHY, 200, {"path": "/a.Shop"}),
            Case("grpc", rpc, wrong_body, 200, {"path": "/a.Bank"}),
            Case("grpc", rpc, wrong_code, 5, {"path": "/a.Nobody"}),
            Case("grpc", free_port(), REFUSED, 0),
            Case("grpcs", rpcs, HEALTHY, 200),
            Case("grpcs", rpcs, HEALTHY, 200, {"path": "/a.Shop"}),
        ],
    )
