"""How the API is served: TLS, browsers, the length of bodies, rate limits, addresses, quotas."""

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudflare
import httpx
import pytest

from harness.control import Control, client, unique
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel, finish

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Evenkeel]]:
    """Starts a balancer with these flags besides the usual ones."""
    servers: list[Evenkeel] = []

    def start(**flags: str) -> Evenkeel:
        server = Evenkeel(tmp_path / f"served-{len(servers)}")
        server.flags |= {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


def url(server: Evenkeel, path: str) -> str:
    """Where the API of that balancer has this path."""
    return f"http://127.0.0.1:{server.api}/client/v4{path}"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_the_api_speaks_tls(tmp_path, monkeypatch):
    certificate, key = tmp_path / "api.pem", tmp_path / "api.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-days", "2", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    server = Evenkeel(tmp_path / "tls")
    server.flags |= {"--api-tls-cert": str(certificate), "--api-tls-key": str(key)}
    context = ssl.create_default_context(cafile=certificate)

    def ready() -> bool:
        assert server.process.poll() is None, server.log.read_text()
        try:
            probe = httpx.get(f"https://127.0.0.1:{server.api}/readyz", verify=context)
            return probe.status_code == 200
        except httpx.TransportError:
            return False

    monkeypatch.setattr(server, "is_ready", ready)
    try:
        server.start()
        base = f"https://127.0.0.1:{server.api}/client/v4"
        http = httpx.Client(verify=context)
        sdk = cloudflare.Cloudflare(api_token=TOKEN, base_url=base, max_retries=0, http_client=http)
        assert sdk.accounts.get(account_id=ACCOUNT).id == ACCOUNT
        with pytest.raises(httpx.TransportError):
            httpx.get(url(server, "/user"), headers=HEADERS)
        old = ssl.create_default_context(cafile=certificate)
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{base}/user", headers=HEADERS, verify=old)
    finally:
        server.kill()


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    for flags, said in [
        (["--api-tls-cert", "/nonexistent", "--api-tls-key", "/nonexistent"], "/nonexistent"),
        (["--api-tls-key", "/nonexistent"], "api-tls-cert"),
        (["--api-rate-limit", "often"], "api-rate-limit"),
        (["--private-addresses", "maybe"], "private-addresses"),
    ]:
        ended = finish("serve", "--data-dir", str(tmp_path / "data"), *flags)
        assert ended.returncode == 78 and said in ended.stderr, ended


def test_pages_of_other_origins_are_not_told_anything(edge, served):
    origin = "https://ui.example"
    asked = HEADERS | {"Origin": origin}
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = httpx.get(url(edge, "/user"), headers=asked)
    assert answer.status_code == 200
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert httpx.options(url(edge, "/user"), headers=preflight).status_code == 405

    server = served(api_cors_origin=origin)
    answer = httpx.get(url(server, "/user"), headers=asked)
    assert answer.headers["access-control-allow-origin"] == origin
    answer = httpx.options(url(server, "/user"), headers=preflight)
    assert answer.status_code == 204
    assert "PUT" in answer.headers["access-control-allow-methods"]
    answer = httpx.get(url(server, "/user"), headers=asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_bodies_and_callers_have_their_limits(served):
    server = served(api_body_max="2000", api_rate_limit="4/300")
    long = httpx.post(url(server, "/zones"), headers=HEADERS, content=b" " * 2001)
    assert long.status_code == 413
    for left in ["2", "1", "0"]:
        answer = httpx.get(url(server, "/user"), headers=HEADERS)
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-remaining"] == left
    answer = httpx.get(url(server, "/user"), headers=HEADERS)
    assert answer.status_code == 429 and answer.json()["success"] is False
    assert 0 < int(answer.headers["retry-after"]) <= 300
    assert answer.headers["x-ratelimit-limit"] == "4"
    assert answer.headers["x-ratelimit-reset"].endswith("GMT")
    with pytest.raises(cloudflare.RateLimitError):
        client(server).user.get()
    # Others are not in it.
    assert httpx.get(url(server, "/user")).status_code == 401


def test_addresses_and_numbers_are_what_the_installation_allows(served):
    server = served(private_addresses="deny", link_local_addresses="allow", quota_pools="2")
    control = Control(server)
    for address in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"]:
        with pytest.raises(cloudflare.BadRequestError) as refusal:
            control.pool(origins=[{"name": "a", "address": address}])
        assert refusal.value.errors[0].code == 1002
    control.pool(origins=[{"name": "a", "address": "169.254.10.1"}])
    control.pool(origins=[{"name": "a", "address": "203.0.113.1"}])
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        control.pool(origins=[{"name": "a", "address": "203.0.113.2"}])
    assert "quota" in refusal.value.errors[0].message
    assert control.sdk.zones.create(account={"id": ACCOUNT}, name=f"{unique('zone')}.example").id
