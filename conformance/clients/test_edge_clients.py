"""Clients as people use them, through the balancer: curl, httpx, grpcio, undici and Chromium.

`EVENKEEL_NODE_MODULES` is a folder made by `npm ci` from the lock file here. The tests for Node are
run from a copy in it, which is where Node looks for packages.
"""

import os
import shutil
import subprocess
import threading
from concurrent import futures
from pathlib import Path

import grpc
import httpx
import pytest

from harness import waiting
from harness.edge.endpoints import WebSocketEndpoint
from harness.edge.secure import zone_name
from harness.endpoint import Endpoint

HERE = Path(__file__).parent
LIMIT_SECONDS = 60


@pytest.fixture(scope="module")
def sites(secure, zones, tmp_path_factory):
    """The name of a host with a plain endpoint, and that of one with WebSocket."""
    folder = tmp_path_factory.mktemp("clients")
    plain = Endpoint("plain", folder).start()
    sockets = WebSocketEndpoint("sockets", folder).start()
    hosts = [zones.site(zones.pool(endpoint)) for endpoint in (plain, sockets)]
    for host, name in zip(hosts, ("plain", "sockets"), strict=True):
        secure.await_answer(host, name)
    yield hosts
    plain.kill()
    sockets.kill()


def curl(secure, host: str, *options: str, scheme: str = "https") -> str:
    """What curl prints: the protocol's version and the status."""
    port = secure.https if scheme == "https" else secure.http
    command = ["curl", "--silent", "--show-error", "--max-time", "10", *options]
    command += ["--cacert", str(secure.authority.certificate)]
    command += ["--resolve", f"{host}:{port}:127.0.0.1", "--output", os.devnull]
    command += ["--write-out", "%{http_version} %{http_code}", f"{scheme}://{host}:{port}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("scheme", "options", "expected"),
    [
        ("http", ["--http1.1"], "1.1 200"),
        ("http", ["--http1.0"], "1.1 200"),
        ("http", ["--http2"], "1.1 200"),
        ("http", ["--http2-prior-knowledge"], "2 200"),
        ("https", ["--http1.1"], "1.1 200"),
        ("https", ["--http2"], "2 200"),
        ("https", ["--tls-max", "1.2"], "2 200"),
        ("https", ["--tlsv1.3"], "2 200"),
        ("https", ["--no-alpn", "--http1.1"], "1.1 200"),
        ("https", ["--http2", "--data", "x" * 100_000], "2 200"),
        ("https", ["--http1.1", "--header", "Expect: 100-continue", "--data", "x"], "1.1 200"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else value,
)
def test_curl(secure, sites, scheme, options, expected):
    assert curl(secure, sites[0], *options, scheme=scheme) == expected


def test_httpx(secure, sites):
    host = sites[0]
    url = f"https://127.0.0.1:{secure.https}"
    tls = secure.client()
    for http2 in (False, True):
        with httpx.Client(http2=http2, verify=tls, timeout=20) as client:
            options = {"headers": {"Host": host}, "extensions": {"sni_hostname": host}}
            for _ in range(5):
                answer = client.get(f"{url}/x?y", **options)
                assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
                assert answer.json()["target"] == "/x?y"
            body = os.urandom(2_000_000)
            assert client.post(f"{url}/echo", content=body, **options).content == body


def node(secure, sites, test: str) -> None:
    """Runs a test file of this folder under `node --test`."""
    folder = Path(os.environ["EVENKEEL_NODE_MODULES"])
    shutil.copy(HERE / test, folder)
    variables = {
        "EVENKEEL_HOST": sites[0],
        "EVENKEEL_SOCKETS": sites[1],
        "EVENKEEL_HTTPS": str(secure.https),
        "EVENKEEL_CA": str(secure.authority.certificate),
        "EVENKEEL_CHROMIUM": shutil.which("chromium"),
    }
    done = subprocess.run(
        ["node", "--test", "--test-reporter", "spec", test],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, "the output above says what failed"


@pytest.mark.timeout(LIMIT_SECONDS + 10)
def test_undici(secure, sites):
    node(secure, sites, "undici.test.mjs")


@pytest.mark.timeout(LIMIT_SECONDS + 10)
def test_chromium(secure, sites):
    node(secure, sites, "chromium.test.mjs")


class Service(grpc.GenericRpcHandler):
    """Methods over bytes, and what the server saw of its calls."""

    def __init__(self):
        self.remaining: list[float] = []
        self.cancelled = threading.Event()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The method of that name."""
        match call.method.rpartition("/")[2]:
            case "Echo":
                return grpc.unary_unary_rpc_method_handler(self.echo)
            case "Chat":
                return grpc.stream_stream_rpc_method_handler(lambda requests, _: requests)
            case "Wait":
                return grpc.unary_unary_rpc_method_handler(self.wait)
            case "Fail":
                return grpc.unary_unary_rpc_method_handler(self.fail)

    def echo(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """The request back, its metadata in the trailers."""
        self.remaining.append(context.time_remaining())
        context.set_trailing_metadata(
            [(k, v) for k, v in context.invocation_metadata() if k.startswith("x-")]
        )
        return request

    def wait(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Waits until the client no longer does."""
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(20)
        return request

    def fail(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        """A status of its own."""
        context.abort(grpc.StatusCode.DATA_LOSS, "gone \u2693")


@pytest.fixture(params=["tls", "plain"])
def calls(request, secure, zones, authority):
    """A service of grpcio with or without TLS behind the balancer, and a channel to it."""
    service = Service()
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([service])
    # The scheme to the endpoint follows the client's in `full`; in `off` it is always without TLS.
    if request.param == "tls":
        pair = authority.issue(f"*.{zone_name('full')}", "127.0.0.1")
        keys = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.certificate.read_bytes())])
        port, kind = server.add_secure_port("127.0.0.1:0", keys), "full"
    else:
        port, kind = server.add_insecure_port("127.0.0.1:0"), "off"
    server.start()
    origin = {"name": "grpc", "address": "127.0.0.1", "port": port}
    host = zones.site(zones.pool(origins=[origin]), kind=kind)
    waiting.until("it is known", lambda: secure.get("/", host).status != 409)
    options = [("grpc.ssl_target_name_override", host), ("grpc.default_authority", host)]
    trust = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{secure.https}", trust, options) as channel:
        yield channel, service
    server.stop(None)


def test_grpcio(calls):
    channel, service = calls
    echo = channel.unary_unary("/test.Service/Echo")
    answer, call = echo.with_call(b"ahoy", timeout=10, metadata=[("x-word", "keel")])
    assert answer == b"ahoy"
    assert dict(call.trailing_metadata())["x-word"] == "keel"
    assert 5 < service.remaining[0] <= 10, "the deadline reaches the endpoint"
    assert len(echo(bytes(3_000_000), timeout=20)) == 3_000_000

    chat = channel.stream_stream("/test.Service/Chat")
    words = [b"%d" % number for number in range(200)]
    assert list(chat(iter(words), timeout=20)) == words

    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/test.Service/Fail")(b"", timeout=10)
    assert failed.value.code() == grpc.StatusCode.DATA_LOSS
    assert failed.value.details() == "gone \u2693"
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/test.Service/Nothing")(b"", timeout=10)
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED

    waiting_call = channel.unary_unary("/test.Service/Wait").future(b"", timeout=20)
    waiting.until("the call arrives", lambda: service.cancelled.wait(0.3) or True)
    waiting_call.cancel()
    assert service.cancelled.wait(5), "the endpoint hears of it"
