"""DNS records as the official SDK sees them: every type, filters, pages, batches, zone files."""

import json

import cloudflare
import pytest

from harness.control import unique


@pytest.fixture
def zone(control):
    return control.zone()


@pytest.fixture
def records(control):
    return control.sdk.dns.records


# Every type with what makes one, and the content that comes back.
TYPES = [
    ("A", {"content": "192.0.2.1"}, "192.0.2.1"),
    ("AAAA", {"content": "2001:db8::1"}, "2001:db8::1"),
    ("CAA", {"data": {"flags": 0, "tag": "issue", "value": "ca.example"}}, '0 issue "ca.example"'),
    (
        "CERT",
        {"data": {"type": 1, "key_tag": 2, "algorithm": 8, "certificate": "AQID"}},
        "1 2 8 AQID",
    ),
    ("CNAME", {"content": "target.example"}, "target.example"),
    (
        "DNSKEY",
        {"data": {"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "AQID"}},
        "257 3 13 AQID",
    ),
    (
        "DS",
        {"data": {"key_tag": 42, "algorithm": 13, "digest_type": 2, "digest": "abcd"}},
        "42 13 2 abcd",
    ),
    ("HTTPS", {"data": {"priority": 1, "target": ".", "value": 'alpn="h2"'}}, '1 . alpn="h2"'),
    (
        "LOC",
        {
            "data": {
                "lat_degrees": 37, "lat_minutes": 46, "lat_seconds": 46, "lat_direction": "N",
                "long_degrees": 122, "long_minutes": 23, "long_seconds": 35,
                "long_direction": "W", "altitude": 0, "size": 100, "precision_horz": 0,
                "precision_vert": 0,
            }
        },
        "37 46 46.000 N 122 23 35.000 W 0.00m 100.00m 0.00m 0.00m",
    ),
    ("MX", {"content": "mail.example", "priority": 10}, "mail.example"),
    (
        "NAPTR",
        {
            "data": {
                "order": 100, "preference": 10, "flags": "S", "service": "SIP+D2U",
                "regex": "", "replacement": "_sip._udp.example.com.",
            }
        },
        '100 10 "S" "SIP+D2U" "" _sip._udp.example.com.',
    ),
    ("NS", {"content": "ns1.example"}, "ns1.example"),
    ("OPENPGPKEY", {"content": "AQID"}, "AQID"),
    ("PTR", {"content": "host.example"}, "host.example"),
    (
        "SMIMEA",
        {"data": {"usage": 3, "selector": 0, "matching_type": 1, "certificate": "abcd"}},
        "3 0 1 abcd",
    ),
    (
        "SRV",
        {"data": {"priority": 5, "weight": 0, "port": 5060, "target": "sip.example"}},
        "5 0 5060 sip.example",
    ),
    ("SSHFP", {"data": {"algorithm": 4, "type": 2, "fingerprint": "abcd"}}, "4 2 abcd"),
    ("SVCB", {"data": {"priority": 2, "target": "a.example.", "value": ""}}, "2 a.example."),
    (
        "TLSA",
        {"data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "abcd"}},
        "3 1 1 abcd",
    ),
    ("TXT", {"content": '"v=spf1 -all"'}, '"v=spf1 -all"'),
    (
        "URI",
        {"data": {"weight": 1, "target": "https://a.example/"}, "priority": 10},
        '1 "https://a.example/"',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "sent", "content"), TYPES, ids=[case[0] for case in TYPES])
def test_every_type_is_taken_and_comes_back(records, zone, kind, sent, content):
    name = f"{kind.lower()}.{zone.name}"
    created = records.create(zone_id=zone.id, type=kind, name=name, ttl=300, **sent)
    assert (created.type, created.name, created.ttl) == (kind, name, 300)
    assert created.content == content
    for member, value in sent.items():
        got = getattr(created, member)
        assert (got.to_dict() if member == "data" else got) == value
    assert records.get(created.id, zone_id=zone.id) == created
    # What comes back can be sent again, in either form, and changes nothing.
    body = {"content": content} | ({"priority": sent["priority"]} if "priority" in sent else {})
    again = records.update(created.id, zone_id=zone.id, type=kind, name=name, ttl=300, **body)
    assert (again.content, again.created_on) == (content, created.created_on)
    if "data" in sent:
        assert again.data == created.data
    edited = records.edit(created.id, zone_id=zone.id, type=kind, name=name, ttl=1, comment="why")
    assert (edited.content, edited.ttl, edited.comment) == (content, 1, "why")
    assert records.delete(created.id, zone_id=zone.id).id == created.id
    with pytest.raises(cloudflare.NotFoundError) as refused:
        records.get(created.id, zone_id=zone.id)
    assert refused.value.errors[0].code == 81044


def test_names_are_full_wherever_they_were_cut(records, zone):
    for sent, stored in [("@", ""), ("www", "www."), (f"A.{zone.name}", "a."), ("*.dev", "*.dev.")]:
        created = records.create(
            zone_id=zone.id, type="TXT", name=sent, ttl=1, content=unique("text")
        )
        assert created.name == f"{stored}{zone.name}"


def test_proxied_records_are_automatic(records, zone):
    created = records.create(
        zone_id=zone.id, type="A", name="www", ttl=300, content="192.0.2.1", proxied=True
    )
    assert (created.proxied, created.proxiable, created.ttl) == (True, True, 1)
    with pytest.raises(cloudflare.BadRequestError) as refused:
        records.create(zone_id=zone.id, type="TXT", name="a", ttl=1, content="x", proxied=True)
    assert refused.value.errors[0].source.pointer == "/proxied"


def test_a_host_has_addresses_or_another_name(records, zone):
    records.create(zone_id=zone.id, type="A", name="www", ttl=1, content="192.0.2.1")
    for sent, code in [
        ({"type": "A", "content": "192.0.2.1"}, 81057),
        ({"type": "CNAME", "content": "a.example"}, 81053),
        ({"type": "A", "content": "a.example"}, 9005),
    ]:
        with pytest.raises(cloudflare.BadRequestError) as refused:
            records.create(zone_id=zone.id, name="www", ttl=1, **sent)
        assert refused.value.errors[0].code == code
    records.create(zone_id=zone.id, type="CNAME", name="@", ttl=1, content="a.example")


def test_lists_are_filtered_and_end(records, zone):
    for number in range(7):
        records.create(
            zone_id=zone.id, type="A", name=f"host{number}", ttl=60 + number,
            content=f"192.0.2.{number}", tags=[f"number:{number}"],
            comment="even" if number % 2 == 0 else "",
        )  # fmt: skip

    def found(**query):
        return [record.name.split(".")[0] for record in records.list(zone_id=zone.id, **query)]

    # The pager asks for one page more than there is, and must find it empty.
    assert found(per_page=3) == [f"host{number}" for number in range(7)]
    assert found(name={"exact": f"host3.{zone.name}"}) == ["host3"]
    assert found(name={"startswith": "HOST4"}) == ["host4"]
    assert found(content={"endswith": ".5"}) == ["host5"]
    assert found(comment={"present": "true"}, direction="desc") == [
        "host6",
        "host4",
        "host2",
        "host0",
    ]
    assert found(tag={"exact": "number:1"}) == ["host1"]
    assert found(order="ttl", direction="desc")[0] == "host6"
    assert found(type="MX") == [] and found(proxied=True) == []
    assert found(search="192.0.2.6") == ["host6"]
    assert found(match="any", name={"contains": "host1"}, content={"contains": "2.2"}) == [
        "host1", "host2",
    ]  # fmt: skip


def test_a_batch_is_all_or_nothing(records, zone):
    old = records.create(zone_id=zone.id, type="A", name="old", ttl=1, content="192.0.2.1")
    kept = records.create(zone_id=zone.id, type="A", name="kept", ttl=1, content="192.0.2.2")
    new = {"type": "CNAME", "name": "old", "ttl": 1, "content": "kept.example"}
    with pytest.raises(cloudflare.BadRequestError):
        records.batch(zone_id=zone.id, deletes=[{"id": old.id}], posts=[new, new])
    assert records.get(old.id, zone_id=zone.id) == old
    done = records.batch(
        zone_id=zone.id,
        deletes=[{"id": old.id}],
        patches=[{"id": kept.id, "ttl": 120}],
        posts=[new],
    )
    assert [record.id for record in done.deletes] == [old.id]
    assert (done.patches[0].ttl, done.posts[0].name) == (120, f"old.{zone.name}")
    assert len(list(records.list(zone_id=zone.id))) == 2


def test_a_zone_moves_as_a_file(control, records, zone):
    records.create(zone_id=zone.id, type="A", name="www", ttl=300, content="192.0.2.1")
    records.create(zone_id=zone.id, type="MX", name="@", ttl=1, content="m.example", priority=5)
    text = records.export(zone_id=zone.id)
    other = control.zone()
    moved = text.replace(zone.name, other.name)
    imported = records.import_(zone_id=other.id, file=moved, proxied="false")
    assert (imported.recs_added, imported.total_records_parsed) == (2, 2)
    brought = {(record.type, record.name, record.ttl) for record in records.list(zone_id=other.id)}
    assert brought == {("A", f"www.{other.name}", 300), ("MX", other.name, 1)}
    assert records.import_(zone_id=other.id, file=moved).recs_added == 0


def test_a_zone_takes_its_records_along(control, records):
    zone = control.zone()
    records.create(zone_id=zone.id, type="A", name="www", ttl=1, content="192.0.2.1")
    control.sdk.zones.delete(zone_id=zone.id)
    with pytest.raises(cloudflare.NotFoundError):
        list(records.list(zone_id=zone.id))
    again = control.sdk.zones.create(account=zone.account.to_dict(), name=zone.name)
    assert list(records.list(zone_id=again.id)) == []


def test_records_outlive_a_kill_9(own_edge, own_control):
    zone = own_control.zone()
    created = own_control.sdk.dns.records.create(
        zone_id=zone.id, type="SRV", name="_sip._tcp", ttl=60,
        data={"priority": 1, "weight": 2, "port": 3, "target": "a.example"},
    )  # fmt: skip
    own_edge.kill()
    own_edge.start()
    raw = own_control.sdk.dns.records.with_raw_response.get(created.id, zone_id=zone.id)
    assert json.loads(raw.read())["result"]["content"] == "1 2 3 a.example"
