"""What zones are set to and the certificates they are given, through the official SDK and our own
commands. What both do to traffic is in `test_edge_tls.py`."""

import json
from pathlib import Path

import cloudflare
import httpx
import pytest

from harness.control import Control
from harness.edge.authority import Authority, Pair
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel, finish
from harness.sdk import FLAVOURS, World, document, drive

NAMES = [
    *("always_use_https", "http2", "max_upload", "min_tls_version", "origin_max_http_version"),
    *("proxy_read_timeout", "ssl", "tls_1_3", "tls_client_auth", "websockets"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def sent(pair: Pair) -> dict[str, str]:
    """A certificate and its key as the API takes them."""
    return {"certificate": pair.certificate.read_text(), "private_key": pair.key.read_text()}


def secret(pair: Pair) -> str:
    """A line that only the key has."""
    return pair.key.read_text().splitlines()[1]


def ask(server: Evenkeel, method: str, path: str, body: object = None) -> httpx.Response:
    url = f"http://127.0.0.1:{server.api}{path}"
    return httpx.request(method, url, json=body, headers={"authorization": f"Bearer {TOKEN}"})


def run(server: Evenkeel, *arguments: str, code: int = 0) -> str:
    """`evenkeel …` against a server; what it prints, or says when it has to fail."""
    named = {"EVENKEEL_SERVER": f"http://127.0.0.1:{server.api}", "EVENKEEL_API_TOKEN": TOKEN}
    done = finish(*arguments, within=30.0, **named)
    assert done.returncode == code, done
    return done.stdout if code == 0 else done.stderr


async def refused(awaitable, kind: type[cloudflare.APIStatusError], code: int) -> str:
    with pytest.raises(kind) as refusal:
        await awaitable
    assert refusal.value.errors[0].code == code
    return refusal.value.errors[0].message


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_settings_are_set_one_by_one(edge, flavour):
    async def story(world: World):
        zone, settings = await world.zone(), world.sdk.zones.settings
        where = {"zone_id": zone.id}
        for name, value in [
            ("ssl", "strict"),
            ("always_use_https", "on"),
            ("min_tls_version", "1.3"),
            ("tls_1_3", "zrt"),
            ("http2", "off"),
            ("websockets", "off"),
            ("origin_max_http_version", "1"),
            ("tls_client_auth", "on"),
            ("max_upload", 200),
            ("proxy_read_timeout", 900),
        ]:
            made = await settings.edit(name, **where, value=value)
            assert (made.id, made.value) == (name, value)
            assert made.modified_on is not None
            assert (await settings.get(name, **where)).to_dict() == made.to_dict()
        changed = await settings.edit("http2", **where, enabled=True)
        assert changed.value == "on"
        bad = cloudflare.BadRequestError
        message = await refused(settings.get("rocket_loader", **where), bad, 1003)
        assert message == "Undefined zone setting: rocket_loader"
        await refused(settings.edit("rocket_loader", **where, value="on"), bad, 1006)
        message = await refused(settings.edit("ssl", **where, value="best"), bad, 1007)
        assert "off, flexible, full, strict" in message

    drive(edge, flavour, story)


def test_settings_are_listed_and_set_together(edge: Evenkeel, control: Control):
    """The way of the older clients, and of `cloudflare_zone_settings_override`."""
    path = f"/client/v4/zones/{control.zone().id}/settings"
    listed = ask(edge, "GET", path).json()["result"]
    assert [setting["id"] for setting in listed] == NAMES
    assert all(setting["modified_on"] is None and setting["editable"] for setting in listed)
    items = [{"id": "ssl", "value": "full"}, {"id": "min_tls_version", "value": "1.3"}]
    changed = ask(edge, "PATCH", path, {"items": items}).json()["result"]
    assert [(setting["id"], setting["value"]) for setting in changed] == [
        ("ssl", "full"),
        ("min_tls_version", "1.3"),
    ]
    # All or nothing.
    items = [{"id": "ssl", "value": "off"}, {"id": "mirage", "value": "on"}]
    answer = ask(edge, "PATCH", path, {"items": items})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1006)
    assert ask(edge, "GET", f"{path}/ssl").json()["result"]["value"] == "full"
    # What is not acted on is said.
    told = ask(edge, "PATCH", f"{path}/tls_1_3", {"value": "off"}).json()
    assert "kept, not acted on" in told["messages"][0]["message"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_certificates_live_through_all_methods(edge, authority, flavour):
    async def story(world: World):
        zone, certificates = await world.zone(), world.sdk.custom_certificates
        where = {"zone_id": zone.id}
        pair = authority.issue(zone.name, f"*.{zone.name}")
        made = await certificates.create(**where, **sent(pair), bundle_method="force")
        assert made.hosts == [zone.name, f"*.{zone.name}"]
        assert (made.status, made.issuer, made.zone_id) == ("active", "Test authority", zone.id)
        assert (made.signature, made.bundle_method) == ("ECDSAWithSHA256", "force")
        assert made.expires_on > made.uploaded_on and made.uploaded_on == made.modified_on
        assert await certificates.get(made.id, **where) == made
        raw = await document(certificates.with_raw_response.get(made.id, **where))
        assert "private_key" not in raw and secret(pair) not in json.dumps(raw)

        newer = await certificates.create(**where, **sent(authority.issue(zone.name)))
        listed = (await certificates.list(**where, status="active")).result
        assert [certificate.id for certificate in listed] == [newer.id, made.id]
        assert (await certificates.list(**where, status="expired")).result == []
        wanted = [{"id": made.id, "priority": 100}]
        moved = (await certificates.prioritize.update(**where, certificates=wanted)).result
        assert [certificate.id for certificate in moved] == [made.id, newer.id]

        renewed = await certificates.edit(made.id, **where, **sent(authority.issue(zone.name)))
        assert (renewed.id, renewed.hosts, renewed.priority) == (made.id, [zone.name], 100)
        for gone in (made, newer):
            assert (await certificates.delete(gone.id, **where)).id == gone.id
            await refused(certificates.get(gone.id, **where), cloudflare.NotFoundError, 1001)

    drive(edge, flavour, story)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_certificates_that_could_not_serve_are_refused(edge, authority, flavour):
    async def story(world: World):
        zone, bad = await world.zone(), cloudflare.BadRequestError
        pair, other = authority.issue(zone.name), authority.issue(zone.name)
        create = world.sdk.custom_certificates.create
        for certificate, key, code, says in [
            (pair.certificate, other.key, 2200, "not that of the certificate"),
            (pair.certificate, pair.certificate, 2106, "no PEM"),
            (pair.key, pair.key, 1002, "nothing but certificates"),
            (authority.issue(zone.name, days=-1).certificate, pair.key, 1002, "expired on"),
            (authority.issue("elsewhere.test").certificate, pair.key, 2103, "elsewhere.test"),
        ]:
            sending = create(
                zone_id=zone.id,
                certificate=certificate.read_text(),
                private_key=key.read_text(),
            )
            assert says in await refused(sending, bad, code)
        made = await create(zone_id=zone.id, **sent(pair))
        message = await refused(create(zone_id=zone.id, **sent(pair)), bad, 1220)
        assert made.id in message

    drive(edge, flavour, story)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_client_certificates_live_through_all_methods(edge, authority, flavour):
    async def story(world: World):
        zone, pulls = await world.zone(), world.sdk.origin_tls_client_auth
        where, clients = {"zone_id": zone.id}, pulls.zone_certificates
        pair = authority.issue("client.test")
        made = await clients.create(**where, **sent(pair))
        assert made.certificate == pair.certificate.read_text()
        assert (made.status, made.private_key) == ("active", None)
        assert made.issuer == "CN=Test authority"
        assert (await clients.get(made.id, **where)).to_dict() == made.to_dict()
        assert [one.id for one in (await clients.list(**where)).result] == [made.id]
        assert (await pulls.settings.get(**where)).enabled is False
        assert (await pulls.settings.update(**where, enabled=True)).enabled is True
        assert (await world.sdk.zones.settings.get("tls_client_auth", **where)).value == "on"
        gone = await clients.delete(made.id, **where)
        assert (gone.id, gone.status) == (made.id, "deleted")
        await refused(clients.get(made.id, **where), cloudflare.NotFoundError, 1001)

    drive(edge, flavour, story)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_trusted_authorities_live_through_all_methods(edge, authority, flavour):
    async def story(world: World):
        zone, store = await world.zone(), world.sdk.acm.custom_trust_store
        where = {"zone_id": zone.id}
        root = authority.certificate.read_text()
        made = await store.create(**where, certificate=root)
        assert (made.certificate, made.status) == (root, "active")
        assert await store.get(made.id, **where) == made
        assert (await store.list(**where)).result == [made]
        assert (await store.list(**where, offset=1)).result == []
        leaf = authority.issue(zone.name, self_signed=True).certificate.read_text()
        adding = store.create(**where, certificate=leaf)
        await refused(adding, cloudflare.BadRequestError, 1411)
        assert (await store.delete(made.id, **where)).id == made.id
        await refused(store.get(made.id, **where), cloudflare.NotFoundError, 1001)

    drive(edge, flavour, story)


def test_no_key_leaves_the_server(own_edge: Evenkeel, own_control: Control, authority: Authority):
    zone, sdk = own_control.zone(), own_control.sdk
    pair, client = authority.issue(zone.name), authority.issue("client.test")
    made = sdk.custom_certificates.create(zone_id=zone.id, **sent(pair))
    sdk.origin_tls_client_auth.zone_certificates.create(zone_id=zone.id, **sent(client))
    sdk.custom_certificates.delete(made.id, zone_id=zone.id)
    sdk.custom_certificates.create(zone_id=zone.id, **sent(pair))
    told = ask(own_edge, "GET", f"/client/v4/accounts/{ACCOUNT}/audit_logs").text
    assert "custom_certificate" in told
    told += run(own_edge, "export") + run(own_edge, "certificate", "list", "--json")
    told += own_edge.log.read_text(errors="replace")
    for key in (pair, client):
        assert secret(key) not in told
    assert "PRIVATE KEY" not in told


def test_both_outlive_a_restart(own_edge: Evenkeel, own_control: Control, authority: Authority):
    zone, sdk = own_control.zone(), own_control.sdk
    sdk.zones.settings.edit("ssl", zone_id=zone.id, value="full")
    made = sdk.custom_certificates.create(zone_id=zone.id, **sent(authority.issue(zone.name)))
    own_edge.kill()
    own_edge.start()
    assert sdk.zones.settings.get("ssl", zone_id=zone.id).value == "full"
    assert sdk.custom_certificates.get(made.id, zone_id=zone.id) == made


def test_settings_move_and_certificates_are_said_to_stay(
    own_edge: Evenkeel, own_control: Control, authority: Authority, tmp_path: Path
):
    zone, sdk = own_control.zone(), own_control.sdk
    run(own_edge, "zone", "settings", zone.name, "ssl=full", "max_upload=100")
    sdk.acm.custom_trust_store.create(
        zone_id=zone.id, certificate=authority.certificate.read_text()
    )
    file = tmp_path / "all.json"
    named = {"EVENKEEL_SERVER": f"http://127.0.0.1:{own_edge.api}", "EVENKEEL_API_TOKEN": TOKEN}
    done = finish("export", str(file), within=30.0, **named)
    assert done.returncode == 0 and "Certificates left out: 1." in done.stderr
    exported = json.loads(file.read_text())
    assert exported["certificates_left_out"] == 1
    part = exported["accounts"][0]["zones"][0]
    assert {item["id"]: item["value"] for item in part["settings"]} == {
        "ssl": "full",
        "max_upload": 100,
    }
    part["settings"][0]["value"] = 200
    file.write_text(json.dumps(exported))
    assert "max_upload" in run(own_edge, "import", str(file))
    assert sdk.zones.settings.get("max_upload", zone_id=zone.id).value == 200


def test_commands_speak_of_settings_and_certificates(
    own_edge: Evenkeel, own_control: Control, authority: Authority
):
    zone = own_control.zone()
    shown = run(own_edge, "zone", "settings", zone.name)
    assert all(name in shown for name in NAMES)
    shown = run(own_edge, "zone", "settings", zone.name, "min_tls_version=1.3", "max_upload=50")
    assert "1.3" in shown and "50" in shown and "websockets" not in shown
    assert "there are always_use_https" in run(
        own_edge, "zone", "settings", zone.name, "mirage=on", code=2
    )
    assert "off, flexible" in run(own_edge, "zone", "settings", zone.name, "ssl=best", code=1)

    pair, renewed = authority.issue(zone.name), authority.issue(zone.name)
    files = (str(pair.certificate), str(pair.key))
    assert "uploaded" in run(own_edge, "certificate", "upload", *files)
    listed = run(own_edge, "certificate", "list")
    assert zone.name in listed and "active" in listed
    files = (str(renewed.certificate), str(renewed.key))
    replacing = ("certificate", "upload", *files, "--replace", zone.name)
    assert "replaced" in run(own_edge, *replacing)
    wrong = ("certificate", "upload", str(pair.certificate), str(renewed.key))
    assert "KEY: The private key is not that of the certificate" in run(own_edge, *wrong, code=1)
    assert "deleted" in run(own_edge, "certificate", "delete", zone.name)
    assert "there is none yet" in run(own_edge, "certificate", "delete", zone.name, code=2)
    own_control.zone()
    missing = run(own_edge, "certificate", "upload", *files, code=2)
    assert "--zone is missing" in missing and zone.name in missing
