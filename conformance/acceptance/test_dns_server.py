"""The name server's sockets: both transports in both families, limits, cookies, hostile messages
(row 38 of the hostile inputs), the log, and how it ends."""

import contextlib
import json
import random
import re
import signal
import socket
import stat
import struct
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from harness import http1, named, waiting
from harness.control import Control
from harness.evenkeel import Evenkeel, finish
from harness.named import V4, V6, NameServer, framed

# What a connection may be silent for, and what a busy machine may add.
IDLE_SECONDS_MAX = 10.0


class Site:
    """A balancer with a name server, and a zone with a load balancer and some records."""

    def __init__(self, server: Evenkeel, names: NameServer):
        self.server, self.names = server, names
        control = Control(server)
        pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
        balancer = control.balancer(pool, proxied=False)
        self.host, self.zone = balancer.host, balancer.host.split(".", 1)[1]
        self.many = f"many.{self.zone}"
        for number in range(40):
            control.sdk.dns.records.create(
                zone_id=balancer.zone,
                name=self.many,
                type="TXT",
                content=f'"{number} {"x" * 200}"',
                ttl=300,
            )
        waiting.until("records live", lambda: self.answers(self.many, "TXT"))
        waiting.until("balancer live", lambda: self.answers(self.host, "A"))

    def answers(self, name: str, kind: str) -> bool:
        """Whether a name has such records."""
        return bool(self.names.ask(name, kind, tcp=True).answer)

    def is_served(self) -> bool:
        """Whether the load balancer's name is answered by UDP and by TCP."""
        return all(self.names.data(self.host, tcp=tcp) == ["192.0.2.1"] for tcp in (False, True))

    def metric(self, sample: str) -> float:
        """The value of a sample of the metrics page."""
        page = http1.get(self.server.api, "/metrics", "localhost").body.decode()
        found = re.search(rf"^{re.escape(sample)} (\S+)$", page, re.MULTILINE)
        assert found, f"{sample} is missing"
        return float(found[1])


def started(folder, **flags: str) -> tuple[Evenkeel, NameServer]:
    """A balancer with a name server and these flags."""
    server = Evenkeel(folder)
    names = NameServer(server)
    server.flags |= {f"--{flag.replace('_', '-')}": value for flag, value in flags.items()}
    return server.start(), names


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    server, names = started(
        tmp_path_factory.mktemp("named"),
        dns_nsid="node one",
        dns_log="queries.log",
    )
    yield Site(server, names)
    server.kill()


@pytest.fixture
def own(tmp_path):
    """Starts balancers with name servers of the test's own."""
    servers = []

    def start(**flags: str) -> Site:
        server, names = started(tmp_path / str(len(servers)), **flags)
        servers.append(server)
        return Site(server, names)

    yield start
    for server in servers:
        server.kill()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("where", [V4, V6], ids=["v4", "v6"])
def test_both_transports_and_both_families_answer(site, where, tcp):
    assert site.names.data(site.host, where=where, tcp=tcp) == ["192.0.2.1"]


def test_the_letters_of_the_question_come_back(site):
    asked = site.host.swapcase()
    answer = site.names.ask(asked)
    assert answer.question[0].name.to_text() == f"{asked}."
    assert answer.answer[0].name.to_text() == f"{asked}."


def test_any_free_port_may_be_chosen_and_is_printed(tmp_path):
    server = Evenkeel(tmp_path / "any")
    server.flags["--dns"] = "127.0.0.1:0"
    try:
        server.start()
        port = re.search(r"^DNS +127\.0\.0\.1:(\d+)$", server.log.read_text(), re.MULTILINE)
        query = dns.message.make_query("example.com", "A")
        answer = dns.query.udp(query, V4, timeout=named.PATIENCE, port=int(port[1]))
        assert answer.rcode() == dns.rcode.REFUSED
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--dns", "localhost:53"),
        ("--advertise", "0.0.0.0"),
        ("--name-server", "192.0.2.1"),
        ("--dns-cookie-secret", "0123"),
        ("--dns-rate-limit", "-1"),
        ("--dns-rate-limit-exempt", "10.0.0.0/40"),
        ("--dns-resolvers", "resolver.example"),
    ],
)
def test_values_that_cannot_be_used_are_named(tmp_path, flag, value):
    done = finish("serve", "--data-dir", str(tmp_path / "data"), f"{flag}={value}")
    assert done.returncode == 78
    assert done.stderr.startswith(f"{flag}:"), done.stderr


def test_long_answers_are_truncated_by_udp_and_whole_by_tcp(site):
    for payload, limit in [(None, 512), (512, 512), (1232, 1232), (4096, 1232), (100, 512)]:
        options = {} if payload is None else {"use_edns": 0, "payload": payload}
        query = dns.message.make_query(site.many, "TXT", **options)
        wire = site.names.send(query.to_wire())
        assert len(wire) <= limit
        assert dns.message.from_wire(wire).flags & dns.flags.TC
    whole = site.names.ask(site.many, "TXT", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert sum(len(rrset) for rrset in whole.answer) == 40


def test_the_tools_of_operators_agree(site):
    assert site.names.dig("+short", site.host, "A").split() == ["192.0.2.1"]
    assert len(site.names.dig("+short", site.many, "TXT").splitlines()) == 40
    assert "node one" in site.names.dig("+nsid", site.host)
    assert site.names.dig("+short", "+tcp", site.host, tool="kdig").split() == ["192.0.2.1"]
    keepalive = site.names.dig("+tcp", "+keepalive", site.host)
    seconds = float(re.search(r"TCP KEEPALIVE: ([\d.]+) secs", keepalive)[1])
    assert 0 < seconds <= IDLE_SECONDS_MAX


def with_cookie(name: str, cookie: bytes) -> dns.message.Message:
    option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
    return dns.message.make_query(name, "A", use_edns=0, options=[option])


def cookie_of(answer: dns.message.Message) -> bytes:
    """The COOKIE option of an answer."""
    found = [o for o in answer.options if o.otype == dns.edns.OptionType.COOKIE]
    assert len(found) == 1
    return found[0].to_wire()


def test_cookies_are_given_and_kept_over_a_restart(own):
    site = own()
    first = cookie_of(site.names.exchange(with_cookie(site.host, b"12345678")))
    assert first[:8] == b"12345678" and len(first) == 24
    # RFC 9018 section 4: version 1, reserved zeroes, the time.
    assert first[8:12] == b"\x01\0\0\0"
    assert abs(struct.unpack("!I", first[12:16])[0] - time.time()) < 60
    secret = site.server.data / "dns-cookie-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    assert site.server.stop() == 0
    site.server.start()
    assert cookie_of(site.names.exchange(with_cookie(site.host, first))) == first
    assert site.metric('evenkeel_dns_cookies_total{cookie="known"}') == 1
    bent = first[:-1] + bytes([first[-1] ^ 1])
    answer = site.names.exchange(with_cookie(site.host, bent))
    assert answer.rcode() == dns.rcode.NOERROR and cookie_of(answer) != bent
    assert "(good)" in site.names.dig("+cookie", site.host)


def test_networks_that_ask_too_much_are_limited_by_udp_alone(own):
    site = own(dns_rate_limit="5", dns_rate_limit_exempt="192.0.2.0/24")
    query = dns.message.make_query(site.host, "A").to_wire()
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((V4, site.names.port))
        client.settimeout(named.SILENCE)
        for _ in range(200):
            client.send(query)
        try:
            while True:
                answers.append(client.recv(1232))
        except TimeoutError:
            pass
    truncated = [answer for answer in answers if answer[2] & 0x02]
    assert all(len(answer) <= len(query) for answer in truncated)
    assert 5 <= len(answers) - len(truncated) <= 20
    assert 40 <= len(truncated) <= 160
    for _ in range(30):
        assert site.names.data(site.host, tcp=True) == ["192.0.2.1"]
    cookie = cookie_of(site.names.exchange(with_cookie(site.host, b"12345678"), tcp=True))
    for _ in range(30):
        answer = site.names.exchange(with_cookie(site.host, cookie))
        assert answer.answer and not answer.flags & dns.flags.TC


def header(flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", 0x1234, flags, *counts)


def opt(data: bytes = b"", version: int = 0, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return b"\0" + struct.pack("!HHBBHH", 41, 1232, 0, version, 0, size) + data


def option(code: int, data: bytes) -> bytes:
    return struct.pack("!HH", code, len(data)) + data


def subnet(family: int, source: int, scope: int, address: bytes) -> bytes:
    return option(8, struct.pack("!HBB", family, source, scope) + address)


QUESTION = b"\x07example\x03com\0\0\x01\0\x01"
EDNS = (1, 0, 0, 1)

# A message, and the code of its answer, if it has one.
HOSTILE = {
    "a response": (header(0x8000) + QUESTION, None),
    "a response with an error": (header(0x8001) + QUESTION, None),
    "nothing": (b"", None),
    "half a header": (header()[:7], None),
    "no question": (header(counts=(0, 0, 0, 0)), "FORMERR"),
    "two questions": (header(counts=(2, 0, 0, 0)) + QUESTION * 2, "FORMERR"),
    "65535 questions": (header(counts=(65535, 0, 0, 0)) + QUESTION, "FORMERR"),
    "a header alone": (header(), "FORMERR"),
    "a name that points at itself": (header() + b"\xc0\x0c\0\x01\0\x01", "FORMERR"),
    "names that point at each other": (
        header() + b"\x01a\xc0\x10\x01b\xc0\x0c\0\x01\0\x01",
        "FORMERR",
    ),
    "a pointer ahead": (header() + b"\xc0\xff\0\x01\0\x01", "FORMERR"),
    "a label of 64": (header() + b"\x40" + b"a" * 64 + b"\0\0\x01\0\x01", "FORMERR"),
    "a label of 128": (header() + b"\x80" + b"a" * 128 + b"\0\0\x01\0\x01", "FORMERR"),
    "a name of 256": (
        header() + (b"\x3f" + b"a" * 63) * 3 + b"\x3f" + b"a" * 63 + b"\0\0\x01\0\x01",
        "FORMERR",
    ),
    "a name without an end": (header() + b"\x07example", "FORMERR"),
    "no class": (header() + QUESTION[:-2], "FORMERR"),
    "more than was announced": (header() + QUESTION + b"\0", "FORMERR"),
    "an answer in a question": (
        header(counts=(1, 1, 0, 0)) + QUESTION + b"\0\0\x01\0\x01\0\0\0\0\0\x04abcd",
        "FORMERR",
    ),
    "half an OPT": (header(counts=EDNS) + QUESTION + opt()[:5], "FORMERR"),
    "an OPT longer than the message": (header(counts=EDNS) + QUESTION + opt(length=9), "FORMERR"),
    "half an option": (header(counts=EDNS) + QUESTION + opt(b"\0\x0a\0\x08abc"), "FORMERR"),
    "two OPTs": (header(counts=(1, 0, 0, 2)) + QUESTION + opt() * 2, "FORMERR"),
    "an OPT with a name": (header(counts=EDNS) + QUESTION + b"\x01a" + opt(), "FORMERR"),
    "EDNS version 1": (header(counts=EDNS) + QUESTION + opt(version=1), "BADVERS"),
    "an unknown option": (header(counts=EDNS) + QUESTION + opt(option(65001, b"x")), "REFUSED"),
    "a cookie of 7": (header(counts=EDNS) + QUESTION + opt(option(10, b"1234567")), "FORMERR"),
    "a cookie of 15": (header(counts=EDNS) + QUESTION + opt(option(10, b"1" * 15)), "FORMERR"),
    "a cookie of 41": (header(counts=EDNS) + QUESTION + opt(option(10, b"1" * 41)), "FORMERR"),
    "a subnet of 33 bits": (
        header(counts=EDNS) + QUESTION + opt(subnet(1, 33, 0, b"\x7f\0\0\x01\0")),
        "FORMERR",
    ),
    "a subnet of family 3": (
        header(counts=EDNS) + QUESTION + opt(subnet(3, 8, 0, b"\x7f")),
        "FORMERR",
    ),
    "a subnet with bits behind": (
        header(counts=EDNS) + QUESTION + opt(subnet(1, 8, 0, b"\x7f\x01")),
        "FORMERR",
    ),
    "a status query": (header(0x1000) + QUESTION, "NOTIMP"),
    "an update": (header(0x2800) + b"\x07example\x03com\0\0\x06\0\x01", "NOTIMP"),
    "an unknown opcode": (header(0x7800) + QUESTION, "NOTIMP"),
    "class CHAOS": (header() + QUESTION[:-2] + b"\0\x03", "REFUSED"),
    "an unknown class": (header() + QUESTION[:-2] + b"\x12\x34", "REFUSED"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_messages_are_refused_or_passed_over(site, what):
    message, expected = HOSTILE[what]
    answer = site.names.send(message, named.PATIENCE if expected else named.SILENCE)
    if expected is None:
        assert answer is None
    else:
        assert answer[:2] == b"\x12\x34" and answer[2] & 0x80
        assert named.rcode(answer) == expected
        assert len(answer) <= 1232
    if message:
        with site.names.connect() as connection:
            connection.sendall(framed(message) + framed(header() + QUESTION))
            codes = [named.rcode(named.read(connection)) for _ in range(2 if expected else 1)]
        assert codes == ([expected] if expected else []) + ["REFUSED"]
    assert site.is_served()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_zones_are_not_handed_to_strangers(site, tcp):
    axfr = dns.message.make_query(site.zone, "AXFR")
    answer = dns.message.from_wire(exchange_raw(site, axfr.to_wire(), tcp))
    assert answer.rcode() in (dns.rcode.REFUSED, dns.rcode.NOTAUTH) and not answer.answer
    ixfr = dns.message.make_query(site.zone, "IXFR")
    ixfr.authority.append(dns.rrset.from_text(f"{site.zone}.", 0, "IN", "SOA", ". . 1 2 3 4 5"))
    answer = dns.message.from_wire(exchange_raw(site, ixfr.to_wire(), tcp))
    assert answer.rcode() in (dns.rcode.REFUSED, dns.rcode.NOTAUTH) and not answer.answer


def exchange_raw(site: Site, message: bytes, tcp: bool) -> bytes:
    if not tcp:
        return site.names.send(message)
    with site.names.connect() as connection:
        connection.sendall(framed(message))
        return named.read(connection)


def test_a_question_for_everything_gets_little(site):
    for name in (site.host, site.many, site.zone):
        wire = site.names.send(dns.message.make_query(name, "ANY", use_edns=0).to_wire())
        answer = dns.message.from_wire(wire)
        assert sum(len(rrset) for rrset in answer.answer) == 1, name
        assert len(wire) < 200


def test_mutations_are_survived(site):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    wholes = [message for message, expected in HOSTILE.values() if message and expected]
    wholes.append(dns.message.make_query(site.host, "A", use_edns=0).to_wire())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((V4, site.names.port))
        client.setblocking(False)
        for _ in range(50_000):
            bent = bytearray(chance.choice(wholes))
            for _ in range(chance.randrange(1, 5)):
                bent[chance.randrange(len(bent))] = chance.randrange(256)
            try:
                client.send(bent[: chance.randrange(1, len(bent) + 1)])
                client.recv(65535)
            except BlockingIOError:
                pass

    def is_served() -> bool:
        # What waits may have left no room for one more.
        with contextlib.suppress(dns.exception.Timeout):
            return site.is_served()
        return False

    waiting.until("served", is_served, 30.0)
    assert "could not be answered" not in site.server.log.read_text()


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_queries_of_one_connection_are_pipelined(site):
    query = dns.message.make_query(site.host, "A", id=0)
    with site.names.connect() as connection:
        for number in range(200):
            query.id = number
            connection.sendall(framed(query.to_wire()))
        ids = [dns.message.from_wire(named.read(connection)).id for _ in range(200)]
    assert ids == list(range(200))


def test_a_length_of_nothing_ends_the_connection(site):
    with site.names.connect() as connection:
        connection.sendall(b"\0\0")
        assert is_closed(connection)


def test_silent_connections_are_closed_and_keep_nobody_out(site):
    began = time.monotonic()
    promised = site.names.connect(2 * IDLE_SECONDS_MAX)
    promised.sendall(b"\0\x40")
    dripping = site.names.connect(2 * IDLE_SECONDS_MAX)
    dripping.sendall(framed(dns.message.make_query(site.host, "A").to_wire())[:-1])
    idle = [site.names.connect(2 * IDLE_SECONDS_MAX) for _ in range(1000)]
    assert site.is_served()
    assert site.names.data(site.host, tcp=True, where=V6) == ["192.0.2.1"]
    assert is_closed(promised) and is_closed(dripping)
    assert all(is_closed(connection) for connection in idle)
    assert time.monotonic() - began <= IDLE_SECONDS_MAX + 2
    for connection in (promised, dripping, *idle):
        connection.close()
    waiting.until("no connection", lambda: site.metric("evenkeel_dns_tcp_connections") == 0)


def test_clients_that_do_not_read_harm_nobody(site):
    query = framed(dns.message.make_query(site.many, "TXT").to_wire())
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.5)
        deaf.connect((V4, site.names.port))
        try:
            while True:
                deaf.sendall(query * 100)
        except (TimeoutError, ConnectionError):
            pass
        assert site.is_served()
        slow = "evenkeel_dns_tcp_connections_slow_total"
        waiting.until("closed", lambda: site.metric(slow) == 1, 15.0)


def test_the_log_tells_what_was_asked_and_why_it_was_answered_so(site):
    site.names.ask(site.host, use_edns=0)
    log = site.server.folder / "queries.log"

    def line():
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return next((line for line in reversed(lines) if line["name"] == site.host), None)

    found = waiting.until("a line", line)
    assert (found["type"], found["code"], found["answers"]) == ("A", "NOERROR", 1)
    assert found["trail"].startswith(f"lb={site.host} ")


def test_metrics_count_queries_and_responses(site):
    sample = 'evenkeel_dns_queries_total{transport="tcp",type="CAA"}'
    before = site.metric(sample)
    site.names.ask(site.host, "CAA", tcp=True)
    assert site.metric(sample) == before + 1


def test_the_end_waits_for_nobody_who_is_silent(own):
    site = own()
    with site.names.connect() as idle, site.names.connect() as asking:
        asking.sendall(framed(dns.message.make_query(site.host, "A").to_wire()))
        assert named.rcode(named.read(asking)) == "NOERROR"
        site.server.signal(signal.SIGTERM)
        assert is_closed(idle) and is_closed(asking)
    assert site.server.wait() == 0
