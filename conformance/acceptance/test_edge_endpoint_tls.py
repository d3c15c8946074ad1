"""TLS towards endpoints: off, flexible, full and strict (behaviour.md 9.5), and our certificate."""

import time

import pytest

from harness import waiting
from harness.edge.authority import Authority
from harness.edge.secure import zone_name

PLAIN, SECURE = "http", "https"


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory) -> Authority:
    """One that nobody trusts unless told."""
    return Authority(tmp_path_factory.mktemp("other"), "Another authority")


def ask(secure, host: str, listener: str = SECURE, path: str = "/"):
    """One request over HTTP/1.1, with or without TLS."""
    if listener == PLAIN:
        return secure.get(path, host)
    with secure.connect_securely(host) as connection:
        return connection.get(path, host)


def settled(secure, host: str, listener: str = SECURE) -> int:
    """The status once the host is known."""
    waiting.until(host, lambda: ask(secure, host, listener).status != 409)
    return ask(secure, host, listener).status


def certificates(authority: Authority, other: Authority, names: list[str]) -> dict:
    """Right ones and wrong ones."""
    return {
        "right": authority.issue(*names),
        "expired": authority.issue(*names, days=-2),
        "another name": authority.issue("elsewhere.example"),
        "self-signed": authority.issue(*names, self_signed=True),
        "another authority": other.issue(*names),
    }


WRONG = ["expired", "another name", "self-signed", "another authority"]


@pytest.mark.parametrize("kind", ["right", *WRONG])
def test_full_accepts_any_certificate(
    secure, zones, authority, other_authority, modern_endpoints, kind
):
    pair = certificates(authority, other_authority, [f"*.{zone_name('full')}"])[kind]
    endpoint = modern_endpoints("a", pair=pair)
    host = zones.site(zones.pool(endpoint), kind="full")
    assert settled(secure, host) == 200
    opened = endpoint.events("open")[-1]
    assert (opened["sni"], opened["alpn"]) == (host, "h2")
    assert opened["tls"] in ("TLSv1.2", "TLSv1.3")


def trust(zones, kind: str, authority: Authority) -> None:
    """Puts the authority into the store of that zone, once."""
    store = zones.sdk.acm.custom_trust_store
    text = authority.certificate.read_text()
    zone = zones.of(kind)
    if not any(item.certificate.strip() == text.strip() for item in store.list(zone_id=zone)):
        store.create(zone_id=zone, certificate=text)


@pytest.mark.parametrize("kind", ["right", *WRONG])
def test_strict_accepts_the_right_certificate_alone(
    secure, zones, authority, other_authority, modern_endpoints, kind
):
    trust(zones, "strict", authority)
    pair = certificates(authority, other_authority, [f"*.{zone_name('strict')}"])[kind]
    endpoint = modern_endpoints("a", pair=pair)
    host = zones.site(zones.pool(endpoint), kind="strict")
    expected = 200 if kind == "right" else 526
    waiting.until(f"{expected}", lambda: ask(secure, host).status == expected)
    assert bool(endpoint.requests()) == (kind == "right")


def test_strict_accepts_a_certificate_for_the_endpoints_address(
    secure, zones, authority, modern_endpoints
):
    """Section 9.5: CN or SAN matches the requested or the target host."""
    trust(zones, "strict", authority)
    endpoint = modern_endpoints("a", pair=authority.issue("127.0.0.1"))
    host = zones.site(zones.pool(endpoint), kind="strict")
    waiting.until("200", lambda: ask(secure, host).status == 200)


def test_trap_t52_expired_is_fine_in_full_and_526_with_one_retry_in_strict(
    secure, zones, authority, modern_endpoints
):
    trust(zones, "strict", authority)
    names = [f"*.{zone_name(kind)}" for kind in ("full", "strict")]
    expired = authority.issue(*names, days=-2)
    a, b, c = (modern_endpoints(name, pair=expired) for name in "abc")
    pool = zones.pool(a, b, c)
    full, strict = zones.site(pool, kind="full"), zones.site(pool, kind="strict")
    assert settled(secure, full) == 200
    waiting.until("526", lambda: ask(secure, strict).status == 526)
    time.sleep(0.2)  # what was on its way has arrived
    before = sum(len(endpoint.events("open")) for endpoint in (a, b, c))
    assert ask(secure, strict).status == 526

    # A handshake that we break off does not reach the endpoint's `open`; the attempts are told by
    # who would have been next: a fit endpoint among three is found by one retry, not by none.
    assert sum(len(endpoint.events("open")) for endpoint in (a, b, c)) >= before
    right = modern_endpoints("right", pair=authority.issue(*names))
    pair = zones.site(
        zones.pool(origins=[c.origin(weight=1.0), right.origin(weight=0.01)]), kind="strict"
    )
    waiting.until("the retry", lambda: ask(secure, pair).endpoint == "right")
    assert all(ask(secure, pair).status == 200 for _ in range(20))


@pytest.mark.parametrize("kind", ["full", "strict"])
def test_a_broken_handshake_is_525(secure, zones, modern_endpoints, kind):
    """An endpoint that does not speak TLS at all."""
    host = zones.site(zones.pool(modern_endpoints("a")), kind=kind)
    waiting.until("525", lambda: ask(secure, host).status == 525)


@pytest.mark.parametrize("kind", ["off", "flexible", "full"])
def test_plain_to_the_endpoint(secure, zones, endpoints, authority, modern_endpoints, kind):
    """The visitor's scheme decides in `full`, and in `flexible` on ports other than 443 (9.5)."""
    (a,) = endpoints("a")
    b = modern_endpoints("b", pair=authority.issue("elsewhere.example"))
    host = zones.site(zones.pool(a if kind == "off" else b), kind=kind)
    assert settled(secure, host) == 200
    (c,) = endpoints("c")
    host = zones.site(zones.pool(c), kind=kind)
    assert settled(secure, host, PLAIN) == 200


def test_the_name_asked_for_is_the_effective_host(secure, zones, authority, modern_endpoints):
    """Section 9.5: an endpoint's Host override changes the name in TLS too."""
    endpoint = modern_endpoints("a", pair=authority.issue("elsewhere.example"))
    override = f"inner.{zone_name('full')}"
    origin = endpoint.origin(header={"Host": [override]})
    host = zones.site(zones.pool(origins=[origin]), kind="full")
    assert settled(secure, host) == 200
    assert endpoint.events("open")[-1]["sni"] == override


def test_connections_for_different_names_are_not_shared(secure, zones, authority, modern_endpoints):
    """Section 10, item 4: the name in TLS is part of what a connection is kept under."""
    endpoint = modern_endpoints("a", pair=authority.issue("x.example"), alpn="http/1.1")
    pool = zones.pool(endpoint)
    hosts = [zones.site(pool, kind="full") for _ in range(2)]
    for host in hosts * 3:
        assert settled(secure, host) == 200
    assert {opened["sni"] for opened in endpoint.events("open")} == set(hosts)


def test_endpoints_are_shown_our_certificate(
    secure, zones, authority, other_authority, modern_endpoints
):
    """Authenticated origin pulls: on for the zone, with a certificate of its own."""
    pair = other_authority.issue("evenkeel.client")
    zones.sdk.origin_tls_client_auth.zone_certificates.create(
        zone_id=zones.of("pulls"),
        certificate=pair.certificate.read_text(),
        private_key=pair.key.read_text(),
    ) if hasattr(zones.sdk.origin_tls_client_auth, "zone_certificates") else None
    endpoint = modern_endpoints(
        "a",
        pair=authority.issue("elsewhere.example"),
        client_authority=other_authority.certificate,
    )
    pool = zones.pool(endpoint)
    host, without = zones.site(pool, kind="pulls"), zones.site(pool, kind="full")
    assert settled(secure, host) == 200

    def subject() -> str | None:
        assert ask(secure, host).status == 200
        client = endpoint.events("open")[-1]["client"]
        return client and dict(pair for part in client["subject"] for pair in part)["commonName"]

    waiting.until("our certificate", lambda: subject() == "evenkeel.client")
    assert settled(secure, without) == 200
    assert endpoint.events("open")[-1]["client"] is None
