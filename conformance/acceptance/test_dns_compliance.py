"""What DNS compliance checks ask of every server (ISC's EDNS compliance list, RFC 6891), with dig
over both transports and both families; and a validating resolver that believes what is signed."""

import re
import shutil
import signal
import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from harness import waiting
from harness.control import Control
from harness.evenkeel import Evenkeel
from harness.named import V4, V6, NameServer
from harness.ports import free_port


class Site:
    """A signed zone with a load balancer, a wildcard, an alias and a delegation."""

    def __init__(self, folder):
        self.server = Evenkeel(folder)
        self.names = NameServer(self.server)
        self.server.flags |= {"--advertise": "198.51.100.7", "--name-server": "ns1.example.net"}
        control = Control(self.server.start())
        weights = {"192.0.2.1": 1, "192.0.2.2": 0.5}
        origins = [
            {"name": address, "address": address, "weight": weight}
            for address, weight in weights.items()
        ]
        pool = control.pool(origins=origins)
        zone = control.zone()
        self.zone = zone.name
        self.one = control.balancer(pool, zone=zone.id, proxied=False).host
        self.edge = control.balancer(pool, zone=zone.id, proxied=True).host
        records = control.sdk.dns.records
        for name, kind, content in [
            ("alias", "CNAME", self.one),
            ("*.wild", "TXT", '"any"'),
            ("plain", "NS", "ns.elsewhere.test"),
            ("mail", "MX", "alias." + zone.name),
            ("six", "AAAA", "2001:db8::1"),
        ]:
            priority = {"priority": 10} if kind == "MX" else {}
            full = f"{name}.{zone.name}"
            records.create(
                zone_id=zone.id, name=full, type=kind, content=content, ttl=60, **priority
            )
        signed = control.sdk.dns.dnssec.edit(zone_id=zone.id, status="active")
        self.ds = signed.ds
        waiting.until("signed", lambda: self.names.ask(self.zone, "DNSKEY").answer)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("compliance"))
    yield site
    site.server.kill()


# Options of dig; then what has to be found in its output, and what must not be.
EDNS = [
    ("+noedns", ["status: NOERROR", "SOA"], ["OPT PSEUDOSECTION"]),
    ("+edns=0", ["status: NOERROR", "EDNS: version: 0", "SOA"], []),
    ("+edns=100 +noednsneg", ["status: BADVERS", "EDNS: version: 0"], ["IN\tSOA"]),
    ("+ednsopt=100", ["status: NOERROR", "EDNS: version: 0", "SOA"], ["OPT=100"]),
    ("+ednsopt=65001:0102", ["status: NOERROR", "EDNS: version: 0", "SOA"], ["OPT=65001"]),
    ("+ednsflags=0x80", ["status: NOERROR", "flags:;", "SOA"], ["MBZ"]),
    ("+edns=100 +noednsneg +ednsopt=100", ["status: BADVERS"], ["OPT=100", "IN\tSOA"]),
    ("+edns=100 +noednsneg +ednsflags=0x80", ["status: BADVERS", "flags:;"], ["IN\tSOA"]),
    ("+edns=100 +noednsneg +dnssec", ["status: BADVERS"], ["IN\tSOA"]),
    ("+dnssec", ["status: NOERROR", "flags: do;", "RRSIG"], []),
    (
        "+nsid +subnet=0.0.0.0/0 +expire +cookie=0102030405060708",
        ["status: NOERROR", "SOA"],
        ["BADCOOKIE"],
    ),
    ("+edns=100 +noednsneg +nsid +subnet=0.0.0.0/0 +expire", ["status: BADVERS"], ["IN\tSOA"]),
    ("+padding=128", ["status: NOERROR", "SOA"], []),
    ("+bufsize=512", ["status: NOERROR", "SOA"], []),
    ("+bufsize=0", ["status: NOERROR", "SOA"], []),
    ("+keepalive +tcp", ["status: NOERROR", "SOA"], []),
    ("+header-only +nocookie", ["status: FORMERR"], []),
    ("+header-only", ["status: NOERROR", "QUERY: 0", "COOKIE"], []),
    ("+adflag +cdflag +zflag", ["status: NOERROR", " cd", "SOA"], [" ad"]),
    ("+aaflag +rdflag", ["status: NOERROR", " aa", " rd", "SOA"], [" ra;", " ra "]),
    ("+opcode=15", ["status: NOTIMP"], ["IN\tSOA"]),
    ("+opcode=4", ["status: NOTIMP"], ["IN\tSOA"]),
    ("+opcode=5", ["status: NOTIMP"], ["IN\tSOA"]),
    ("-t TYPE666", ["status: NOERROR", "AUTHORITY: 1"], ["ANSWER: 1"]),
    ("-t TYPE1000", ["status: NOERROR", "AUTHORITY: 1"], ["ANSWER: 1"]),
    ("-c CH", ["status: REFUSED"], ["IN\tSOA"]),
    ("-c TYPE77", [], ["IN\tSOA"]),
]


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize("options,has,lacks", EDNS, ids=[row[0] for row in EDNS])
def test_edns_compliance(site, options, has, lacks, transport):
    if options == "-c TYPE77":
        query = dns.message.make_query(site.zone, "SOA", rdclass=77)
        assert site.names.exchange(query).rcode() == dns.rcode.REFUSED
        return
    words = [transport, *options.split()]
    if "+rdflag" not in words:
        words.append("+norec")
    kind = [] if "-t" in words else ["SOA"]
    said = site.names.dig(*words, site.zone, *kind)
    asked = f";{site.zone}"
    lines = said.splitlines()
    header = "\n".join(line for line in lines if not line.startswith(("; <<>>", ";; Got", asked)))
    for text in has:
        assert text in header, f"{options}: {text!r} is missing in\n{header}"
    for text in lacks:
        assert text not in header, f"{options}: {text!r} is in\n{header}"


def test_truncated_answers_keep_their_opt_record(site):
    said = site.names.dig(
        "+ignore", "+dnssec", "+bufsize=512", "+norec", "+notcp", site.zone, "DNSKEY"
    )
    assert "EDNS: version: 0, flags: do" in said
    assert int(re.search(r"MSG SIZE  rcvd: (\d+)", said)[1]) <= 512


@pytest.mark.parametrize("where", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_kdig_agrees_in_both_families(site, where, tcp):
    command = ["kdig", f"@{where}", "-p", str(site.names.port), site.one, "A", "+short"]
    command += ["+tcp"] if tcp else []
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert said.strip() in {"192.0.2.1", "192.0.2.2"}


class Unbound:
    """A validating resolver on loopback that asks the balancer for the zone and trusts its key."""

    def __init__(self, site: Site, folder):
        self.port = free_port()
        config = folder / "unbound.conf"
        config.write_text(
            f"""server:
  interface: {V4}
  port: {self.port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  do-not-query-localhost: no
  use-syslog: no
  module-config: "validator iterator"
  trust-anchor: "{site.ds}"
  root-hints: ""
stub-zone:
  name: "{site.zone}"
  stub-addr: {V4}@{site.names.port}
remote-control:
  control-enable: no
"""
        )
        program = shutil.which("unbound") or "/usr/sbin/unbound"
        self.log = (folder / "unbound.log").open("w")
        self.process = subprocess.Popen(
            [program, "-d", "-c", str(config)], stdout=self.log, stderr=self.log
        )
        waiting.until("unbound answers", lambda: self.ask(site.zone, "SOA") is not None)

    def ask(self, name: str, kind: str) -> dns.message.Message | None:
        query = dns.message.make_query(name, kind, want_dnssec=True)
        query.flags |= dns.flags.AD
        try:
            return dns.query.udp(query, V4, timeout=3, port=self.port)
        except (dns.exception.Timeout, OSError):
            return None

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self.log.close()


@pytest.fixture(scope="module")
def unbound(site, tmp_path_factory):
    resolver = Unbound(site, tmp_path_factory.mktemp("unbound"))
    yield resolver
    resolver.end()


VALIDATED = [
    ("ONE", "A", dns.rcode.NOERROR, 1),
    ("ONE", "AAAA", dns.rcode.NOERROR, 0),
    ("ONE", "TXT", dns.rcode.NOERROR, 0),
    ("EDGE", "A", dns.rcode.NOERROR, 1),
    ("alias", "A", dns.rcode.NOERROR, 2),
    ("any.wild", "TXT", dns.rcode.NOERROR, 1),
    ("wild", "TXT", dns.rcode.NOERROR, 0),
    ("six", "AAAA", dns.rcode.NOERROR, 1),
    ("mail", "MX", dns.rcode.NOERROR, 1),
    ("nothing-here", "A", dns.rcode.NXDOMAIN, 0),
    ("", "SOA", dns.rcode.NOERROR, 1),
    ("", "NS", dns.rcode.NOERROR, 1),
    ("", "DNSKEY", dns.rcode.NOERROR, 1),
    ("", "CDS", dns.rcode.NOERROR, 1),
]


@pytest.mark.parametrize(
    "name,kind,code,sets", VALIDATED, ids=[f"{n or '@'}-{k}" for n, k, _, _ in VALIDATED]
)
def test_a_validating_resolver_believes_every_answer(site, unbound, name, kind, code, sets):
    known = {"ONE": site.one, "EDGE": site.edge, "": site.zone}
    answer = unbound.ask(known.get(name, f"{name}.{site.zone}"), kind)
    assert answer.flags & dns.flags.AD, answer.to_text()
    found = [rrset for rrset in answer.answer if rrset.rdtype != dns.rdatatype.RRSIG]
    # Older resolvers show an absent name as one without records (RFC 9824 section 3.1).
    assert answer.rcode() in {code, dns.rcode.NOERROR} and len(found) == sets, answer.to_text()


def test_a_delegation_that_is_not_signed_is_proven_so(site):
    query = dns.message.make_query(f"host.plain.{site.zone}", "A", want_dnssec=True)
    answer = site.names.exchange(query)
    kinds = {dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.authority}
    assert kinds == {"NS", "NSEC", "RRSIG"} and not answer.flags & dns.flags.AA


def test_what_was_never_signed_is_bogus_to_a_resolver_with_another_key(site, tmp_path):
    key, algorithm, digest_type, digest = site.ds.split()[-4:]
    wrong = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    ours = site.ds
    site.ds = f"{site.zone}. 3600 IN DS {key} {algorithm} {digest_type} {wrong}"
    try:
        resolver = Unbound(site, tmp_path)
        try:
            assert resolver.ask(site.one, "A").rcode() == dns.rcode.SERVFAIL
        finally:
            resolver.end()
    finally:
        site.ds = ours
