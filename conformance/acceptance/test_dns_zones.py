"""Zones as they are kept: changes that are served once they are answered, serials, zone files,
DNSSEC, and name servers elsewhere; through the official SDK, the commands and dnspython."""

import dns.dnssec
import dns.flags
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.zone
import pytest

from harness import waiting
from harness.cli import Cli
from harness.control import Control, unique
from harness.evenkeel import ACCOUNT, Evenkeel
from harness.named import NameServer

# Within so many seconds of its answer a change is served; mostly it is already.
LIVE = 1.0
# Serials of RFC 1982: later is up to half of all numbers ahead.
HALF = 2**31


class Site:
    """A balancer with a name server."""

    def __init__(self, folder):
        self.server = Evenkeel(folder)
        self.names = NameServer(self.server)
        self.server.flags["--name-server"] = "ns1.example.net"
        self.server.flags["--advertise"] = "198.51.100.7"
        self.control = Control(self.server.start())
        self.sdk, self.cli = self.control.sdk, Cli(self.server)

    def serves(self, name: str, wanted: list[str], kind: str = "A") -> None:
        """Waits, a second at most, until a name is answered like this."""
        waiting.until(f"{kind} of {name}", lambda: self.names.data(name, kind) == wanted, LIVE)

    def lacks(self, name: str, code: dns.rcode.Rcode = dns.rcode.NXDOMAIN) -> None:
        """The same for a name that is not there."""
        waiting.until(f"no {name}", lambda: self.names.ask(name).rcode() == code, LIVE)

    def serial(self, zone: str) -> int:
        """The serial that is served."""
        (answer,) = self.names.ask(zone, "SOA").answer
        return answer[0].serial


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("zones"))
    yield site
    site.server.kill()


@pytest.fixture
def zone(site):
    return site.control.zone()


def is_later(serial: int, than: int) -> bool:
    return 0 < (serial - than) % 2**32 < HALF


def test_a_new_zone_is_served_at_once(site, zone):
    site.serves(zone.name, ["ns1.example.net."], "NS")
    (soa,) = site.names.ask(zone.name, "SOA").answer
    assert soa[0].mname.to_text() == "ns1.example.net."
    assert soa[0].rname.to_text() == f"dns.{zone.name}."
    numbers = (soa[0].refresh, soa[0].retry, soa[0].expire, soa[0].minimum, soa.ttl)
    assert numbers == (10000, 2400, 604800, 1800, 3600)
    assert zone.name_servers == ["ns1.example.net"]
    site.sdk.zones.delete(zone_id=zone.id)
    site.lacks(zone.name, dns.rcode.REFUSED)


def test_every_change_is_served_when_it_is_answered_and_has_a_later_serial(site, zone):
    records, host = site.sdk.dns.records, f"www.{zone.name}"
    site.serves(zone.name, ["ns1.example.net."], "NS")
    serial = site.serial(zone.name)

    def moved() -> bool:
        nonlocal serial
        before, serial = serial, site.serial(zone.name)
        return is_later(serial, before)

    made = records.create(zone_id=zone.id, type="A", name=host, content="192.0.2.1", ttl=60)
    site.serves(host, ["192.0.2.1"])
    assert moved()
    for number in range(2, 12):
        content = f"192.0.2.{number}"
        records.edit(made.id, zone_id=zone.id, type="A", name=host, content=content, ttl=60)
        site.serves(host, [content])
        assert moved()
    records.edit(
        made.id,
        zone_id=zone.id,
        type="A",
        name=host,
        content="192.0.2.1",
        ttl=1,
        proxied=True,
    )
    site.serves(host, ["198.51.100.7"])
    assert moved()
    records.delete(made.id, zone_id=zone.id)
    site.lacks(host)
    assert moved()
    site.sdk.zones.edit(zone_id=zone.id, vanity_name_servers=[f"ns.{zone.name}"])
    site.serves(zone.name, [f"ns.{zone.name}."], "NS")
    assert moved()


def test_serials_outlive_a_restart(site, zone):
    host = f"a.{zone.name}"
    site.sdk.dns.records.create(zone_id=zone.id, type="TXT", name=host, content='"one"', ttl=60)
    site.serves(host, ['"one"'], "TXT")
    serial = site.serial(zone.name)
    site.server.stop()
    site.server.start()
    site.serves(host, ['"one"'], "TXT")
    assert site.serial(zone.name) == serial


def test_a_zone_file_goes_in_and_comes_out_as_a_whole_zone(site, zone, tmp_path):
    lines = """
$TTL 1h
@ IN SOA ns.elsewhere.example. admin.elsewhere.example. ( 1 2 3
    4 5 ) ; theirs
@       NS      ns.elsewhere.example.
@   300 A       192.0.2.1 ; the shop cf_tags=cf-proxied:true,team:web
www     CNAME   @
\\095dmarc TXT   ( "v=DMARC1; "
                 "p=none" )
@       MX      10 mail
mail    AAAA    2001:db8::25
_sip._tcp SRV   1 2 5060 mail
sub     NS      ns.sub
ns.sub  A       192.0.2.53
@       CAA     0 issue "ca.example"
@       HTTPS   1 . alpn="h2,h3" port=443
host    SSHFP   4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
place   LOC     52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
"""
    file = tmp_path / "zone"
    file.write_text(lines)
    told = site.cli("dns", "import", str(file), "--zone", zone.name)
    assert told.startswith(f"12 of 12 records were added to {zone.name}"), told
    again = site.cli("dns", "import", str(file), "--zone", zone.name)
    assert again.startswith("0 of 12 records were added"), again

    # Proxied, as its comment says.
    site.serves(zone.name, ["198.51.100.7"])
    assert site.names.data(zone.name, "NS") == ["ns1.example.net."], "not theirs"
    assert site.names.data(f"_dmarc.{zone.name}", "TXT") == ['"v=DMARC1; " "p=none"']
    (apex,) = site.sdk.dns.records.list(zone_id=zone.id, type="A", name={"exact": zone.name})
    assert (apex.comment, apex.tags, apex.proxied) == ("the shop", ["team:web"], True)

    text = site.cli("dns", "export", "--zone", zone.name)
    asked = site.sdk.dns.records.export(zone_id=zone.id)
    assert text.splitlines()[2:] == asked.splitlines()[2:], "but for the time of day"
    # It reads as a zone: with a SOA record and name servers.
    whole = dns.zone.from_text(text, zone.name, relativize=False)
    assert whole.get_soa().serial == site.serial(zone.name)
    for (name, kind), data in {
        (f"_sip._tcp.{zone.name}.", "SRV"): f"1 2 5060 mail.{zone.name}.",
        (f"{zone.name}.", "HTTPS"): '1 . alpn="h2,h3" port="443"',
        (
            f"place.{zone.name}.",
            "LOC",
        ): "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m",
    }.items():
        found = whole.get_rdataset(name, kind)
        wanted = dns.rdata.from_text("IN", kind, data)
        assert found is not None and wanted in found, (name, kind)
    for name, node in whole.items():
        for rdataset in node.rdatasets:
            is_own = rdataset.rdtype in {dns.rdatatype.SOA, dns.rdatatype.NS}
            if is_own or name.to_text() == f"ns.sub.{zone.name}.":
                continue
            if rdataset.rdtype == dns.rdatatype.A:
                continue  # proxied
            answer = site.names.ask(name.to_text(), dns.rdatatype.to_text(rdataset.rdtype)).answer
            assert set(answer[0]) == set(rdataset), (name, rdataset)

    bare = site.control.zone()
    file.write_text(text.replace(zone.name, bare.name))
    site.cli("dns", "import", str(file), "--zone", bare.name)
    left = site.cli("dns", "export", "--zone", bare.name).splitlines()
    is_told = [line for line in text.replace(zone.name, bare.name).splitlines() if "\t" in line]
    assert [line for line in left if "\t" in line and "SOA" not in line] == [
        line for line in is_told if "SOA" not in line
    ]


def test_a_file_that_is_wrong_is_refused_by_line_and_adds_nothing(site, zone, tmp_path):
    file = tmp_path / "zone"
    file.write_text("www A 192.0.2.1\nmail WKS 1\n")
    refused = site.cli.refused(1, "dns", "import", str(file), "--zone", zone.name)
    assert 'line 2: the type "WKS" is not supported' in refused
    assert site.names.ask(f"www.{zone.name}").rcode() == dns.rcode.NXDOMAIN


def test_a_signed_zone_tells_its_registrar_what_its_key_is(site, zone):
    dnssec = site.sdk.dns.dnssec
    assert dnssec.get(zone_id=zone.id).status == "disabled"
    assert "is not signed" in site.cli.refused(2, "dns", "ds", zone.name)
    on = dnssec.edit(zone_id=zone.id, status="active")
    assert (on.status, on.algorithm, on.flags, on.digest_type) == ("active", "13", 257, "2")
    assert site.cli("dns", "ds", zone.name).splitlines()[0] == on.ds

    owner = dns.name.from_text(zone.name)
    waiting.until("keys", lambda: site.names.data(zone.name, "DNSKEY") != [], LIVE)
    (keys,) = [
        found
        for found in site.names.ask(zone.name, "DNSKEY").answer
        if found.rdtype == dns.rdatatype.DNSKEY
    ]
    (key,) = keys
    assert dns.dnssec.key_id(key) == on.key_tag
    ds = dns.dnssec.make_ds(owner, key, "SHA256")
    assert ds.to_text().upper() == on.ds.split(" DS ")[1].upper()

    assert (
        site.cli("dns", "unsign", zone.name)
        == f"{zone.name} is signed no longer; its key is kept\n"
    )
    assert dnssec.get(zone_id=zone.id).ds is None
    site.serves(zone.name, [], "DNSKEY")
    assert site.cli.json("dns", "sign", zone.name)["ds"] == on.ds, "the same key again"
    dnssec.delete(zone_id=zone.id)
    site.serves(zone.name, [], "DNSKEY")
    assert dnssec.edit(zone_id=zone.id, status="active").ds != on.ds


def test_name_servers_elsewhere_are_kept_as_published(site, zone):
    transfers = site.sdk.dns.zone_transfers
    secret = "aHVzaCwgaXQgaXMgYSBzZWNyZXQ="
    name = f"{unique('key')}.example."
    tsig = transfers.tsigs.create(account_id=ACCOUNT, name=name, algo="hmac-sha256.", secret=secret)
    assert transfers.tsigs.get(tsig.id, account_id=ACCOUNT) == tsig
    assert tsig in list(transfers.tsigs.list(account_id=ACCOUNT))
    peer = transfers.peers.create(account_id=ACCOUNT, name="elsewhere")
    peer = transfers.peers.update(
        peer.id,
        account_id=ACCOUNT,
        name="elsewhere",
        ip="127.0.0.1",
        port=5353,
        ixfr_enable=True,
        tsig_id=tsig.id,
    )
    assert (peer.ip, peer.port, peer.ixfr_enable, peer.tsig_id) == (
        "127.0.0.1",
        5353,
        True,
        tsig.id,
    )

    outgoing = transfers.outgoing
    made = outgoing.create(zone_id=zone.id, name=zone.name, peers=[peer.id])
    assert (made.id, made.name, made.peers) == (zone.id, zone.name, [peer.id])
    assert made.soa_serial == site.serial(zone.name)
    assert outgoing.get(zone_id=zone.id).peers == [peer.id]
    assert outgoing.status.get(zone_id=zone.id) == "Enabled"
    assert outgoing.disable(zone_id=zone.id) == "Disabled"
    assert outgoing.status.get(zone_id=zone.id) == "Disabled"
    assert outgoing.enable(zone_id=zone.id) == "Enabled"
    assert outgoing.force_notify(zone_id=zone.id) == "OK"
    told = site.cli("dns", "notify", zone.name)
    assert told == f"the secondaries of {zone.name} are being notified\n"
    assert outgoing.update(zone_id=zone.id, name=zone.name, peers=[]).peers == []
    assert outgoing.delete(zone_id=zone.id).id == zone.id
    assert transfers.peers.delete(peer.id, account_id=ACCOUNT).id == peer.id
    assert transfers.tsigs.delete(tsig.id, account_id=ACCOUNT).id == tsig.id


def test_an_explanation_says_what_is_served(site):
    pool = site.control.pool(
        origins=[
            {"name": "one", "address": "192.0.2.1"},
            {"name": "six", "address": "2001:db8::1"},
        ]
    )
    balancer = site.control.balancer(pool, proxied=False, ttl=120, fallback_pool=pool)
    zone = balancer.host.split(".", 1)[1]
    create = site.sdk.dns.records.create
    create(zone_id=balancer.zone, type="CNAME", name="alias", content=balancer.host, ttl=300)
    create(zone_id=balancer.zone, type="TXT", name="*", content='"any"', ttl=60)
    create(zone_id=balancer.zone, type="A", name="shop", content="192.0.2.9", ttl=1, proxied=True)
    site.serves(f"shop.{zone}", ["198.51.100.7"])
    for name, kind in [
        (balancer.host, "A"),
        (balancer.host, "AAAA"),
        (balancer.host, "MX"),
        (f"alias.{zone}", "A"),
        (f"shop.{zone}", "A"),
        (f"shop.{zone}", "AAAA"),
        (f"other.{zone}", "TXT"),
        (f"other.{zone}", "A"),
        (zone, "SOA"),
        ("elsewhere.example.org", "A"),
    ]:
        answer = site.names.ask(name, kind)
        said = site.cli.json("explain", name, "--dns", kind)["outcome"]
        assert said["rcode"] == dns.rcode.to_text(answer.rcode()), name
        served = [
            f"{found.name} {found.ttl} IN {dns.rdatatype.to_text(found.rdtype)} {data.to_text()}"
            for found in answer.answer
            for data in found
        ]
        assert said["answer"] == served, (name, kind)
    assert "answer: 192.0.2.1" in site.cli("explain", f"alias.{zone}", "--dns", "A")
