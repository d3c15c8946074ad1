"""TLS towards clients: versions, names, certificates, what a zone demands, who is told of it."""

import contextlib
import shutil
import socket
import ssl

import pytest

from harness import http1, waiting
from harness.edge import http2
from harness.edge.authority import Authority
from harness.edge.secure import Secure, Zones, zone_name
from harness.endpoint import Endpoint, seen_headers, values

# A file is looked at every now and then, and a document is live within a second.
RELOAD_SECONDS = 8.0


@pytest.fixture(scope="module")
def target(secure, zones, tmp_path_factory):
    """An endpoint, and the pool around it."""
    endpoint = Endpoint("target", tmp_path_factory.mktemp("tls")).start()
    yield endpoint, zones.pool(endpoint)
    endpoint.kill()


@pytest.fixture(scope="module")
def host(secure, zones, target):
    """A host name in a zone without settings of its own."""
    name = zones.site(target[1])
    secure.await_answer(name, "target")
    return name


def shown(server: Secure, name: str | None, tls: ssl.SSLContext | None = None) -> dict:
    """The certificate that a client is shown who asks for that name."""
    tls = tls or server.client()
    tls.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", server.https), 10) as plain,
        tls.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.getpeercert()


def names(certificate: dict) -> list[str]:
    """DNS names in a certificate."""
    return [name for kind, name in certificate["subjectAltName"] if kind == "DNS"]


def only(version: ssl.TLSVersion, tls: ssl.SSLContext) -> ssl.SSLContext:
    """That context, for one version."""
    if version < ssl.TLSVersion.TLSv1_2:
        tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = version
    return tls


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["h2", "http/1.1"], "h2"),
        (["http/1.1", "h2"], "h2"),
        (["http/1.1"], "http/1.1"),
        ([], None),
    ],
    ids=str,
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_and_protocols(secure, host, version, offered, chosen):
    tls = only(version, secure.client(*offered))
    with (
        socket.create_connection(("127.0.0.1", secure.https), 10) as plain,
        tls.wrap_socket(plain, server_hostname=host) as secured,
    ):
        assert secured.selected_alpn_protocol() == chosen
        assert secured.version() == version.name.replace("v1_", "v1.")
        if chosen != "h2":
            secured.sendall(http1.request("GET", "/", host))
            assert http1.read_response(secured.makefile("rb")).endpoint == "target"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(secure, host, version):
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        secure.connect_securely(host, tls=only(version, secure.client()))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(secure, host, version):
    tls = only(version, secure.client("http/1.1"))
    session = None
    for turn in range(3):
        plain = socket.create_connection(("127.0.0.1", secure.https), 10)
        with tls.wrap_socket(plain, server_hostname=host, session=session) as secured:
            secured.sendall(http1.request("GET", "/", host))
            assert http1.read_response(secured.makefile("rb")).status == 200
            assert secured.session_reused == (turn > 0)
            session = secured.session


def test_what_endpoints_and_cookies_learn_of_https(secure, zones, target, host):
    """Section 11.1: X-Forwarded-Proto, CF-Visitor. U1: the cookie's Auto under HTTPS."""
    with secure.connect_securely(host) as connection:
        seen = seen_headers(connection.get("/", host, [("X-Forwarded-Proto", "http")]))
    assert values(seen, "x-forwarded-proto") == ["https"]
    assert values(seen, "cf-visitor") == ['{"scheme":"https"}']
    sticky = zones.site(target[1], session_affinity="cookie")
    secure.await_answer(sticky, "target")
    with secure.connect_securely(sticky) as connection:
        [cookie] = connection.get("/", sticky).all("set-cookie")
    assert "SameSite=None" in cookie and "Secure" in cookie
    [cookie] = secure.get("/", sticky).all("set-cookie")
    assert "SameSite=Lax" in cookie and "Secure" not in cookie


def test_always_use_https_redirects(secure, zones, target):
    host = zones.site(target[1], kind="https", session_affinity="cookie")
    waiting.until("it redirects", lambda: secure.get("/", host).status == 301)
    mark = target[0].mark()
    for path in ("/", "/a/b?c=d&e=%20f", "//x"):
        answer = secure.get(path, host)
        assert answer.status == 301
        assert answer.header("location") in (
            f"https://{host}{path}",
            f"https://{host}:{secure.https}{path}",
        )
    assert target[0].requests(mark) == []
    with secure.connect_securely(host) as connection:
        answer = connection.get("/", host)
        assert answer.status == 200
        [cookie] = answer.all("set-cookie")
    assert "SameSite=Lax" in cookie and "Secure" in cookie


def test_a_zone_may_demand_tls_1_3(secure, zones, target):
    host = zones.site(target[1], kind="tls13")

    def accepts(version: ssl.TLSVersion) -> bool:
        try:
            with secure.connect_securely(host, tls=only(version, secure.client())) as connection:
                return connection.get("/", host).status == 200
        except (ssl.SSLError, OSError, http1.Closed):
            return False

    waiting.until("TLS 1.3", lambda: accepts(ssl.TLSVersion.TLSv1_3))
    waiting.until("no TLS 1.2", lambda: not accepts(ssl.TLSVersion.TLSv1_2))


def test_a_zone_may_do_without_http2(secure, zones, target):
    host = zones.site(target[1], kind="http1")
    secure.await_answer(host, "target")
    tls = secure.client("h2", "http/1.1")

    def chosen() -> str | None:
        with secure.connect_securely(host, tls=tls) as connection:
            return connection.socket.selected_alpn_protocol()

    waiting.until("HTTP/1.1", lambda: chosen() == "http/1.1")


@pytest.mark.parametrize("name", [None, "nobody.example", "127.0.0.1", "a" * 63 + ".example"])
def test_an_unknown_name_gets_the_first_certificate(secure, host, name):
    assert f"*.{zone_name('off')}" in names(shown(secure, name))


def test_a_certificate_of_a_zone_goes_before_the_files(secure, zones, target, authority):
    """Uploaded, shown by name and by wildcard, replaced, deleted."""
    zone = zones.zone()
    host = zones.balancer(target[1], zone=zone.id).host
    own = authority.issue(f"own.{zone.name}", f"*.{zone.name}")
    texts = {"certificate": own.certificate.read_text(), "private_key": own.key.read_text()}
    made = zones.sdk.custom_certificates.create(zone_id=zone.id, **texts)
    for name in (host, f"any.{zone.name}", f"ANY.{zone.name.upper()}"):
        waiting.until(name, lambda n=name: f"*.{zone.name}" in names(shown(secure, n)))
    # One label only.
    assert f"*.{zone.name}" not in names(shown(secure, f"a.b.{zone.name}"))
    with secure.connect_securely(host) as connection:
        assert connection.get("/", host).status == 200
    zones.sdk.custom_certificates.delete(made.id, zone_id=zone.id)
    waiting.until("it is gone", lambda: f"*.{zone.name}" not in names(shown(secure, host)))


def test_a_key_of_another_certificate_is_refused(zones, authority):
    zone = zones.zone()
    one, other = authority.issue(f"*.{zone.name}"), authority.issue(f"*.{zone.name}")
    texts = {"certificate": one.certificate.read_text(), "private_key": other.key.read_text()}
    with pytest.raises(Exception, match="400"):
        zones.sdk.custom_certificates.create(zone_id=zone.id, **texts)


def test_certificate_files_are_read_again(tmp_path, authority, endpoints):
    server = Secure(tmp_path / "own", authority)
    try:
        server.start()
        Zones(server)
        new = authority.issue("renewed.example")
        for flag, source in (("--tls-key", new.key), ("--tls-cert", new.certificate)):
            # As tools do it: written beside, then moved over.
            beside = tmp_path / "beside"
            shutil.copy(source, beside)
            beside.rename(server.flags[flag])
        waiting.until(
            "the new certificate",
            lambda: "renewed.example" in names(shown(server, "renewed.example")),
            RELOAD_SECONDS,
        )
        # One half alone is no certificate: the one that works stays.
        with open(server.flags["--tls-cert"], "w") as broken:
            broken.write("no certificate")
        for _ in range(20):
            assert "renewed.example" in names(shown(server, "renewed.example"))
    finally:
        server.kill()


def test_without_a_certificate_one_is_made(tmp_path, authority, endpoints):
    server = Secure(tmp_path / "own", authority)
    del server.flags["--tls-cert"], server.flags["--tls-key"]
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        server.start()
        zones = Zones(server)
        (a,) = endpoints("a")
        host = zones.site(zones.pool(a))
        server.await_answer(host, "a")
        with server.connect_securely(host, tls=tls) as connection:
            assert connection.get("/", host).endpoint == "a"
    finally:
        server.kill()


@pytest.mark.parametrize("demand", ["request", "require"])
def test_client_certificates(tmp_path, authority, endpoints, demand):
    """Mutual TLS on the listeners: wrong ones never get in, none only where none is demanded."""
    server = Secure(tmp_path / "own", authority)
    own = Authority(tmp_path / "clients", "Authority of clients")
    right, wrong = own.issue("client"), authority.issue("client")
    server.flags |= {"--client-ca": str(own.certificate), "--client-auth": demand}

    def asks(pair) -> int | None:
        tls = authority.client("http/1.1", pair=pair)
        try:
            with server.connect_securely(host, tls=tls) as connection:
                return connection.get("/", host).status
        except (ssl.SSLError, ConnectionError, http1.Closed):
            return None

    try:
        server.start()
        zones = Zones(server)
        (a,) = endpoints("a")
        host = zones.site(zones.pool(a))
        server.await_answer(host, "a")
        assert asks(right) == 200
        assert asks(wrong) is None
        assert asks(None) == (200 if demand == "request" else None)
    finally:
        server.kill()


def test_http_on_the_tls_port_is_told_so(secure, host):
    with (
        http1.Connection(secure.https) as connection,
        contextlib.suppress(http1.Closed, ConnectionError),
    ):
        assert connection.get("/", host).status == 400
    with http2.Connection(secure.https, secure.client("h2"), host) as connection:
        assert connection.get(host).status == 200
