"""Certificates by ACME, from an authority of the tests' own: proven by either challenge, renewed,
kept over restarts, and never in the way of traffic.
"""

import contextlib
import re
import socket
import ssl
import time

import pytest

from harness import http1, waiting
from harness.edge import pebble
from harness.edge.pebble import Pebble
from harness.edge.secure import Secure, Zones
from harness.evenkeel import finish

# From the load balancer's creation to its certificate: a second until it is live, the order itself,
# and now and then a nonce that is refused.
ORDER_SECONDS = 20.0

# Long enough for an order that should not be: a node orders what is due when it starts at once.
QUIET_SECONDS = 3.0


@pytest.fixture
def acme(tmp_path, authority):
    """Starts an authority, and a balancer that orders there by these challenges."""
    with contextlib.ExitStack() as ending:

        def start(*challenges: str, life: int = 90 * 86400, reachable: bool = True):
            pebble.build()
            server = Secure(tmp_path / "own", authority)
            ca = Pebble(tmp_path / "pebble", authority, life)
            if reachable:
                ca.http, ca.https = server.http, server.https
            ending.callback(ca.kill)
            ca.start()
            server.flags |= {
                "--acme-directory": ca.directory,
                "--acme-email": "ops@example.com",
                "--acme-agree-tos": "yes",
                "--acme-ca": str(authority.certificate),
                "--acme-challenge": ",".join(challenges),
            }
            ending.callback(server.kill)
            server.start()
            return ca, server

        yield start


def shown(server: Secure, ca: Pebble, host: str) -> dict | None:
    """The certificate for a host, when it is one by the authority."""
    try:
        with (
            socket.create_connection(("127.0.0.1", server.https), 10) as plain,
            ca.client().wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.getpeercert()
    except ssl.SSLCertVerificationError:
        return None


def metric(server: Secure, name: str) -> float:
    """A number of the metrics page."""
    page = http1.get(server.api, "/metrics", "localhost").body.decode()
    return float(re.search(rf"^{name} (.*)$", page, re.MULTILINE)[1])


def ordered(server: Secure, ca: Pebble, host: str) -> dict:
    """The certificate for a host, once there is one."""
    return waiting.until("a certificate", lambda: shown(server, ca, host), ORDER_SECONDS)


@pytest.mark.timeout(pebble.BUILD_SECONDS + 60)
@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_host_gets_its_certificate_and_keeps_it_over_a_restart(acme, endpoints, challenge):
    ca, server = acme(challenge)
    zones = Zones(server)
    (a,) = endpoints("a")
    balancer = zones.balancer(zones.pool(a))
    first = ordered(server, ca, balancer.host)
    assert ("DNS", balancer.host) in first["subjectAltName"]
    assert metric(server, "evenkeel_acme_orders_total") == 1
    waiting.until("nobody waits", lambda: metric(server, "evenkeel_acme_hosts_waiting") == 0)
    with server.connect_securely(balancer.host, tls=ca.client()) as connection:
        assert connection.get("/", balancer.host).endpoint == "a"
    # Answers are gone with the order; what else is asked for there is the endpoint's.
    answer = server.get("/.well-known/acme-challenge/nothing", balancer.host)
    assert (answer.status, answer.endpoint) == (200, "a")

    assert server.stop() == 0
    server.start()
    assert shown(server, ca, balancer.host)["serialNumber"] == first["serialNumber"]
    other = zones.balancer(zones.pool(a))
    ordered(server, ca, other.host)
    assert metric(server, "evenkeel_acme_orders_total") == 1
    assert server.log.read_text().count("Made an account") == 1


@pytest.mark.timeout(pebble.BUILD_SECONDS + 60)
def test_certificates_are_renewed_while_traffic_goes_on(acme, endpoints):
    ca, server = acme("tls-alpn-01", "http-01", life=24)
    zones = Zones(server)
    (a,) = endpoints("a")
    host = zones.balancer(zones.pool(a)).host
    serials = [ordered(server, ca, host)["serialNumber"]]
    deadline = time.monotonic() + 50
    while len(set(serials)) < 3 and time.monotonic() < deadline:
        certificate = shown(server, ca, host)
        assert certificate is not None, "a living certificate is shown all the time"
        serials.append(certificate["serialNumber"])
        assert server.get("/", host).status == 200
        time.sleep(0.2)
    assert len(set(serials)) == 3
    assert metric(server, "evenkeel_acme_orders_failed_total") == 0


@pytest.mark.timeout(pebble.BUILD_SECONDS + 60)
def test_what_cannot_be_proven_is_tried_again_later_and_harms_nobody(acme, endpoints):
    ca, server = acme("http-01", reachable=False)
    zones = Zones(server)
    (a,) = endpoints("a")
    host = zones.balancer(zones.pool(a)).host
    failed = "evenkeel_acme_orders_failed_total"
    waiting.until("a failure", lambda: metric(server, failed) == 1, ORDER_SECONDS)
    assert metric(server, "evenkeel_acme_hosts_waiting") == 1
    assert shown(server, ca, host) is None
    assert server.get("/", host).status == 200
    log = server.log.read_text()
    assert "No certificate was to be had by ACME." in log
    assert re.search(r"again_in_s.{0,12}=.{0,8}\d\d", log)
    # The pause is kept over a restart: a node that restarts all the time does not ask all the time.
    assert server.stop() == 0
    server.start()
    time.sleep(QUIET_SECONDS)
    assert metric(server, "evenkeel_acme_orders_total") == 0
    assert server.get("/", host).status == 200


@pytest.mark.timeout(pebble.BUILD_SECONDS + 60)
def test_wildcards_and_covered_hosts_are_not_ordered(acme, endpoints):
    ca, server = acme("http-01")
    zones = Zones(server)
    (a,) = endpoints("a")
    pool = zones.pool(a)
    covered = zones.site(pool)
    zone = zones.zone()
    wildcard = f"*.{zone.name}"
    fields = {"default_pools": [pool], "fallback_pool": pool, "proxied": True}
    zones.sdk.load_balancers.create(zone_id=zone.id, name=wildcard, **fields)
    plain = zones.balancer(pool)
    ordered(server, ca, plain.host)
    assert shown(server, ca, covered) is None
    assert metric(server, "evenkeel_acme_orders_total") == 1
    log = server.log.read_text()
    assert log.count("A wildcard gets no certificate by ACME.") == 1 and wildcard in log


def test_what_is_missing_is_said(tmp_path):
    folder = str(tmp_path / "data")
    done = finish("serve", "--data-dir", folder, "--acme-directory", "https://ca.example/dir")
    assert done.returncode == 78
    assert done.stderr.count("acme-agree-tos") == 1
