"""Zones for secondary name servers, as dnspython, dig and a real secondary (NSD) get them."""

import shutil
import signal
import socket
import subprocess
import threading

import dns.exception
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.zone
import pytest

from harness import waiting
from harness.control import Control
from harness.evenkeel import ACCOUNT, Evenkeel
from harness.named import V4, NameServer
from harness.ports import free_port

KEY, SECRET = "axfr-key.test", "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZyE="
RING = dns.tsigkeyring.from_text({f"{KEY}.": ("hmac-sha256", SECRET)})


class Told(threading.Thread):
    """A secondary that hears notifications and answers them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((V4, 0))
        self.port = self.socket.getsockname()[1]
        self.serials: list[int] = []
        self.signed: list[bool] = []
        self.start()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            message = dns.message.from_wire(data, keyring=RING)
            assert message.opcode() == dns.opcode.NOTIFY
            self.serials.append(message.answer[0][0].serial)
            self.signed.append(message.had_tsig)
            self.socket.sendto(dns.message.make_response(message).to_wire(), peer)


class Site:
    """A zone with a secondary that has a key, and one that is known by its address."""

    def __init__(self, folder):
        self.server = Evenkeel(folder)
        self.names = NameServer(self.server)
        self.server.flags |= {"--name-server": "ns1.example.net", "--advertise": "198.51.100.7"}
        self.control = Control(self.server.start())
        self.sdk = self.control.sdk
        self.told = Told()
        secondary = self.sdk.dns.zone_transfers
        key = secondary.tsigs.create(
            account_id=ACCOUNT, name=f"{KEY}.", algo="hmac-sha256.", secret=SECRET
        )
        self.with_key = secondary.peers.create(account_id=ACCOUNT, name="with key").id
        secondary.peers.update(
            self.with_key,
            account_id=ACCOUNT,
            name="with key",
            ip=V4,
            port=self.told.port,
            tsig_id=key.id,
            ixfr_enable=True,
        )

    def zone(self) -> tuple[str, str]:
        """A new zone with some records, handed to the secondary."""
        zone = self.control.zone()
        for name, kind, content, more in [
            ("a", "A", "192.0.2.1", {}),
            ("edge", "A", "192.0.2.66", {"proxied": True}),
            ("text", "TXT", '"hello"', {}),
        ]:
            self.record(zone.id, f"{name}.{zone.name}", kind, content, **more)
        self.sdk.dns.zone_transfers.outgoing.create(
            zone_id=zone.id, name=f"{zone.name}.", peers=[self.with_key]
        )
        self.sdk.dns.zone_transfers.outgoing.enable(zone_id=zone.id)
        waiting.until("a live", lambda: self.names.data(f"a.{zone.name}"))
        return zone.id, zone.name

    def record(self, zone: str, name: str, kind: str, content: str, **more: object) -> str:
        """A new record's id."""
        made = self.sdk.dns.records.create(
            zone_id=zone, name=name, type=kind, content=content, ttl=300, **more
        )
        return made.id

    def serial(self, name: str) -> int:
        """The serial that is served."""
        return self.names.ask(name, "SOA").answer[0][0].serial

    def copy(self, name: str, **options: object) -> dns.zone.Zone:
        """The zone as a secondary gets it."""
        options = {"keyring": RING, "keyname": f"{KEY}."} | options
        options |= {"port": self.names.port, "lifetime": 20, "relativize": False}
        return dns.zone.from_xfr(dns.query.xfr(V4, f"{name}.", **options), relativize=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("transfer"))
    yield site
    site.told.socket.close()
    site.server.kill()


def test_a_whole_zone_is_handed_to_who_has_the_key(site):
    _, name = site.zone()
    copy = site.copy(name)

    def data(host: str, kind: str) -> list[str]:
        return sorted(item.to_text() for item in copy.get_rdataset(f"{host}.{name}.", kind))

    assert data("a", "A") == ["192.0.2.1"] and data("text", "TXT") == ['"hello"']
    # Nobody is shown the endpoint behind the proxy.
    assert data("edge", "A") == ["198.51.100.7"]
    assert copy.get_rdataset(f"{name}.", "SOA")[0].serial == site.serial(name)


def test_nobody_else_gets_it(site):
    _, name = site.zone()
    other = "b3RoZXIgc2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXM="
    ring = dns.tsigkeyring.from_text({f"{KEY}.": ("hmac-sha256", other)})
    for options in ({"keyring": None, "keyname": None}, {"keyring": ring}):
        with pytest.raises((dns.exception.DNSException, EOFError)):
            site.copy(name, **options)
    query = dns.message.make_query(name, "AXFR")
    assert site.names.exchange(query, tcp=True).rcode() == dns.rcode.REFUSED


def test_differences_follow_each_change(site):
    zone, name = site.zone()
    start = site.serial(name)
    record = site.record(zone, f"b.{name}", "A", "192.0.2.2")
    site.sdk.dns.records.delete(record, zone_id=zone)
    site.record(zone, f"c.{name}", "A", "192.0.2.3")
    waiting.until("c live", lambda: site.names.data(f"c.{name}"))
    messages = dns.query.xfr(
        V4, name, dns.rdatatype.IXFR, port=site.names.port, serial=start, keyring=RING, lifetime=20
    )
    sent = [rrset for message in messages for rrset in message.answer]
    kinds = [rrset.rdtype for rrset in sent for _ in rrset]
    # Begins with the newest SOA record, then one difference after the other.
    assert kinds[:2] == [dns.rdatatype.SOA, dns.rdatatype.SOA] and kinds[-1] == dns.rdatatype.SOA
    told = [item.to_text() for rrset in sent for item in rrset if rrset.rdtype == dns.rdatatype.A]
    assert "192.0.2.3" in told and "192.0.2.1" not in told


def test_secondaries_are_told_of_changes_and_on_demand(site):
    zone, name = site.zone()
    waiting.until("told of the zone", lambda: site.serial(name) in site.told.serials)
    site.record(zone, f"new.{name}", "A", "192.0.2.9")
    waiting.until("told of the change", lambda: site.serial(name) in site.told.serials)
    assert all(site.told.signed)
    before = site.told.serials.count(site.serial(name))
    site.sdk.dns.zone_transfers.outgoing.force_notify(zone_id=zone)
    waiting.until("told again", lambda: site.told.serials.count(site.serial(name)) > before)


def test_signed_questions_get_signed_answers(site):
    _, name = site.zone()
    query = dns.message.make_query(name, "SOA")
    query.use_tsig(RING, keyname=f"{KEY}.")
    for tcp in (False, True):
        assert site.names.exchange(query, tcp=tcp).had_tsig
    other = dns.tsigkeyring.from_text({"nobody.test.": ("hmac-sha256", SECRET)})
    query = dns.message.make_query(name, "SOA")
    query.use_tsig(other, keyname="nobody.test.")
    with pytest.raises(dns.tsig.PeerBadKey):
        site.names.exchange(query)


def test_a_signed_zone_is_not_handed_out(site):
    zone, name = site.zone()
    site.sdk.dns.dnssec.edit(zone_id=zone, status="active")
    waiting.until("signed", lambda: site.names.data(name, "DNSKEY"))
    with pytest.raises(dns.exception.DNSException):
        site.copy(name)


def test_nsd_keeps_a_copy_up_to_date(site, tmp_path):
    zone, name = site.zone()
    port = free_port()
    config = tmp_path / "nsd.conf"
    config.write_text(
        f"""server:
  ip-address: {V4}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{tmp_path}"
  pidfile: "{tmp_path}/nsd.pid"
  xfrdfile: "{tmp_path}/xfrd.state"
  xfrdir: "{tmp_path}"
  zonelistfile: "{tmp_path}/zone.list"
remote-control:
  control-enable: no
key:
  name: "{KEY}"
  algorithm: hmac-sha256
  secret: "{SECRET}"
zone:
  name: {name}
  zonefile: copy.zone
  request-xfr: {V4}@{site.names.port} {KEY}
  allow-notify: {V4} {KEY}
  min-refresh-time: 1
  max-refresh-time: 1
  min-retry-time: 1
  max-retry-time: 1
"""
    )
    program = shutil.which("nsd") or "/usr/sbin/nsd"
    with (tmp_path / "nsd.log").open("w") as log:
        nsd = subprocess.Popen([program, "-d", "-c", str(config)], stdout=log, stderr=log)
        try:
            waiting.until("copied", lambda: ask(port, f"a.{name}") == ["192.0.2.1"], 30)
            site.record(zone, f"later.{name}", "A", "192.0.2.44")
            waiting.until("followed", lambda: ask(port, f"later.{name}") == ["192.0.2.44"], 30)
        finally:
            nsd.send_signal(signal.SIGTERM)
            nsd.wait(timeout=20)


def ask(port: int, name: str) -> list[str] | None:
    """The addresses that a secondary has of a name; `None` when it does not answer."""
    try:
        answer = dns.query.udp(dns.message.make_query(name, "A"), V4, timeout=1, port=port)
    except (dns.exception.Timeout, OSError):
        return None
    return [item.to_text() for rrset in answer.answer for item in rrset]
