"""Names of load balancers as resolvers see them (behaviour.md 8.1 to 8.7 and its traps), with dig
and dnspython, over UDP and TCP, IPv4 and IPv6."""

import itertools

import dns.edns
import dns.flags
import dns.rcode
import pytest

from harness import waiting
from harness.control import Control
from harness.evenkeel import Evenkeel
from harness.named import V4, V6, NameServer

EDGE = ["198.51.100.7"]


class Site:
    """A balancer with a name server; each test makes zones of its own."""

    def __init__(self, folder):
        self.server = Evenkeel(folder)
        self.names = NameServer(self.server)
        self.server.flags |= {"--advertise": "198.51.100.7,2001:db8::7"}
        self.control = Control(self.server.start())
        self.sdk = self.control.sdk

    def pool(self, *addresses: str, **fields: object) -> str:
        """A pool's id; an address may have a weight behind `=`."""
        origins = []
        for number, text in enumerate(addresses):
            address, _, weight = text.partition("=")
            origin = {"name": f"e{number}", "address": address, "weight": float(weight or 1)}
            origins.append(origin | fields.pop(address, {}))
        return self.control.pool(origins=origins, **fields)

    def balancer(self, pool: str, zone: str, name: str, **fields: object) -> str:
        """A load balancer's id, unproxied unless said."""
        wanted = {"default_pools": [pool], "fallback_pool": pool, "proxied": False} | fields
        return self.sdk.load_balancers.create(zone_id=zone, name=name, **wanted).id

    def record(self, zone: str, name: str, kind: str, content: str, **more: object) -> None:
        """A record of the zone."""
        self.sdk.dns.records.create(
            zone_id=zone, name=name, type=kind, content=content, ttl=300, **more
        )

    def serves(self, name: str, wanted: list[str], kind: str = "A") -> None:
        """Waits until a name is answered like this; over both transports and families."""
        waiting.until(f"{kind} of {name}", lambda: self.names.data(name, kind) == wanted)
        for where, tcp in itertools.product((V4, V6), (False, True)):
            assert self.names.data(name, kind, where=where, tcp=tcp) == wanted
        said = self.names.dig("+short", name, kind).split()
        assert sorted(said) == wanted

    def lacks(self, name: str, code: dns.rcode.Rcode, kind: str = "A") -> None:
        """Waits until a name has nothing of the kind, with the SOA record beside it."""
        waiting.until(f"no {name}", lambda: self.names.ask(name, kind).rcode() == code)
        answer = self.names.ask(name, kind)
        assert not answer.answer and answer.authority[0].rdtype == dns.rdatatype.SOA
        assert answer.flags & dns.flags.AA

    def ttl(self, name: str, kind: str = "A") -> int:
        """The time to live of an answer."""
        return self.names.ask(name, kind).answer[0].ttl


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("answers"))
    yield site
    site.server.kill()


@pytest.fixture
def zone(site):
    return site.control.zone()


def test_trap_t21_equal_weights_answer_with_all_and_others_with_one(site, zone):
    three = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    pool = site.pool(*three)
    host = f"www.{zone.name}"
    site.balancer(pool, zone.id, host)
    site.serves(host, three)
    firsts = {site.names.ask(host).answer[0][0].to_text() for _ in range(60)}
    assert firsts == set(three), "the order is drawn for each answer"
    origins = [
        {"name": f"e{n}", "address": address, "weight": 0.9 if n == 0 else 1}
        for n, address in enumerate(three)
    ]
    site.control.edit_pool(pool, origins=origins)
    waiting.until("one", lambda: len(site.names.data(host)) == 1)
    answers = [site.names.data(host) for _ in range(60)]
    assert all(len(answer) == 1 for answer in answers)
    assert {answer[0] for answer in answers} == set(three)


def test_families_are_filtered_after_the_pool_is_chosen(site, zone):
    host = f"www.{zone.name}"
    site.balancer(site.pool("192.0.2.1", "2001:db8::1"), zone.id, host)
    site.serves(host, ["192.0.2.1"])
    site.serves(host, ["2001:db8::1"], "AAAA")
    only = f"v4.{zone.name}"
    site.balancer(site.pool("192.0.2.1"), zone.id, only)
    site.serves(only, ["192.0.2.1"])
    site.lacks(only, dns.rcode.NOERROR, "AAAA")


def test_trap_t35_a_wildcard_load_balancer_yields_to_any_existing_name(site, zone):
    site.record(zone.id, f"a.{zone.name}", "TXT", '"here"')
    site.record(zone.id, f"x.deep.{zone.name}", "TXT", '"there"')
    site.record(zone.id, f"exact.{zone.name}", "A", "192.0.2.200")
    site.balancer(site.pool("192.0.2.1"), zone.id, f"*.{zone.name}")
    site.serves(f"any.{zone.name}", ["192.0.2.1"])
    site.serves(f"more.than.one.{zone.name}", ["192.0.2.1"])
    site.serves(f"exact.{zone.name}", ["192.0.2.200"])
    site.lacks(f"a.{zone.name}", dns.rcode.NOERROR)
    site.lacks(f"deep.{zone.name}", dns.rcode.NOERROR)
    site.lacks(f"below.a.{zone.name}", dns.rcode.NXDOMAIN)


def test_trap_t36_other_types_at_the_name_are_still_answered(site, zone):
    host = f"www.{zone.name}"
    site.record(zone.id, host, "TXT", '"still here"')
    site.record(zone.id, host, "A", "192.0.2.200")
    site.balancer(site.pool("192.0.2.1"), zone.id, host)
    site.serves(host, ["192.0.2.1"])
    assert site.names.data(host, "TXT") == ['"still here"']


def test_trap_t37_names_instead_of_addresses_but_not_at_the_apex(site, zone):
    pool = site.pool("localhost", localhost={"flatten_cname": False})
    host = f"www.{zone.name}"
    site.balancer(pool, zone.id, host)
    site.balancer(pool, zone.id, zone.name)
    waiting.until("named", lambda: site.names.data(host, "CNAME") == ["localhost."])
    answer = site.names.ask(host, "A").answer
    assert [rrset.rdtype for rrset in answer] == [dns.rdatatype.CNAME]
    assert answer[0].ttl == 30
    assert not site.names.data(zone.name, "CNAME")


@pytest.mark.parametrize("has_record", [True, False])
def test_trap_t38_a_disabled_load_balancer_hands_its_name_back(site, zone, has_record):
    host = f"www.{zone.name}"
    if has_record:
        site.record(zone.id, host, "A", "192.0.2.200")
    made = site.balancer(site.pool("192.0.2.1"), zone.id, host)
    site.serves(host, ["192.0.2.1"])
    site.sdk.load_balancers.edit(made, zone_id=zone.id, enabled=False)
    if has_record:
        site.serves(host, ["192.0.2.200"])
    else:
        site.lacks(host, dns.rcode.NXDOMAIN)


def test_trap_t41_a_fixed_response_answers_with_no_records(site, zone):
    host = f"www.{zone.name}"
    rules = [
        {
            "name": "closed",
            "condition": "true",
            "fixed_response": {"status_code": 503, "message_body": "closed"},
        }
    ]
    site.balancer(site.pool("192.0.2.1"), zone.id, host, rules=rules)
    site.lacks(host, dns.rcode.NOERROR)


def test_times_to_live(site, zone):
    pool = site.pool("192.0.2.1")
    plain, long, edge = (f"{word}.{zone.name}" for word in ("plain", "long", "edge"))
    site.balancer(pool, zone.id, plain)
    site.balancer(pool, zone.id, long, ttl=600)
    site.balancer(pool, zone.id, edge, proxied=True)
    site.record(zone.id, f"auto.{zone.name}", "TXT", '"x"')
    waiting.until("live", lambda: site.names.data(edge) == EDGE)
    assert (site.ttl(plain), site.ttl(long), site.ttl(edge)) == (30, 600, 300)
    assert site.names.data(edge, "AAAA") == ["2001:db8::7"]
    negative = site.names.ask(f"nothing.{zone.name}").authority[0]
    assert negative.ttl == min(negative.ttl, negative[0].minimum) == 1800


def test_the_subnet_of_a_client_decides_and_is_told(site, zone):
    here, there = site.pool("192.0.2.1"), site.pool("192.0.2.2")
    host = f"www.{zone.name}"
    site.balancer(
        there,
        zone.id,
        host,
        steering_policy="geo",
        country_pools={"DE": [here]},
        location_strategy={"mode": "resolver_ip", "prefer_ecs": "always"},
    )
    waiting.until("live", lambda: site.names.data(host) == ["192.0.2.2"])
    for subnet, wanted in [("78.46.0.0", "192.0.2.1"), ("8.8.8.0", "192.0.2.2")]:
        option = dns.edns.ECSOption(subnet, 24)
        answer = site.names.ask(host, use_edns=0, options=[option])
        assert answer.answer[0][0].to_text() == wanted
        told = next(o for o in answer.options if isinstance(o, dns.edns.ECSOption))
        assert told.scopelen == 24 and told.address == subnet
    # Who does not look at subnets says so.
    plain = f"plain.{zone.name}"
    site.balancer(there, zone.id, plain)
    waiting.until("plain live", lambda: site.names.data(plain) == ["192.0.2.2"])
    answer = site.names.ask(plain, use_edns=0, options=[dns.edns.ECSOption("78.46.0.0", 24)])
    told = next(o for o in answer.options if isinstance(o, dns.edns.ECSOption))
    assert told.scopelen == 0


def test_who_asks_gets_the_same_answer_each_time_where_the_pool_hashes(site, zone):
    addresses = [f"192.0.2.{n}" for n in range(1, 6)]
    pool = site.pool(
        *addresses,
        origin_steering={"policy": "hash"},
        load_shedding={"default_percent": 0, "default_policy": "hash"},
    )
    host = f"www.{zone.name}"
    site.balancer(pool, zone.id, host, location_strategy={"prefer_ecs": "always"})
    waiting.until("live", lambda: site.names.data(host))
    asked = [
        tuple(site.names.data(host, use_edns=0, options=[dns.edns.ECSOption(subnet, 24)]))
        for subnet in ("203.0.113.0",) * 10
    ]
    assert len(set(asked)) == 1


def test_a_shared_name_leads_on_to_its_load_balancer(site, zone):
    host = f"lb.{zone.name}"
    site.balancer(site.pool("192.0.2.1"), zone.id, host)
    site.record(zone.id, f"shop.{zone.name}", "CNAME", host)
    waiting.until("live", lambda: site.names.data(f"shop.{zone.name}") == ["192.0.2.1"])
    said = site.names.dig("+short", f"shop.{zone.name}").split()
    assert said == [f"{host}.", "192.0.2.1"]


def test_the_letters_of_the_question_come_back(site, zone):
    host = f"www.{zone.name}"
    site.balancer(site.pool("192.0.2.1"), zone.id, host)
    site.serves(host, ["192.0.2.1"])
    asked = host.swapcase()
    assert asked in site.names.dig("+noall", "+answer", asked)
