"""The official interoperability cases of gRPC through the balancer: grpc-go's client and server.

`EVENKEEL_GRPC_CLIENT` and `EVENKEEL_GRPC_SERVER` are its programs, pinned by `go.sum` beside this
file. The way is TLS on both sides, as the zone's mode `full` has it; `direct` shows that a case can
be passed at all.
"""

import contextlib
import os
import socket
import subprocess

import pytest

from harness import waiting
from harness.edge.secure import zone_name
from harness.ports import free_port

# All that ask for no credentials of a cloud, nor for several servers.
CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "rpc_soak",
    "channel_soak",
]

CASE_SECONDS = 20


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    """The port of the interop server, which speaks TLS."""
    port = free_port()
    pair = authority.issue("localhost", f"*.{zone_name('full')}")
    command = [os.environ["EVENKEEL_GRPC_SERVER"], "-port", str(port), "-use_tls"]
    command += ["-tls_cert_file", str(pair.certificate), "-tls_key_file", str(pair.key)]
    with (tmp_path_factory.mktemp("grpc") / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        waiting.until("the interop server", lambda: listens(port))
        yield port
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="module")
def host(secure, zones, server):
    """The load balancer in front of it."""
    origin = {"name": "interop", "address": "127.0.0.1", "port": server}
    name = zones.site(zones.pool(origins=[origin]), kind="full")
    waiting.until("it is known", lambda: secure.get("/", name).status != 409)
    return name


def run(authority, case: str, port: int, name: str) -> None:
    """One case, which has to pass."""
    command = [os.environ["EVENKEEL_GRPC_CLIENT"], "-use_tls", "-use_test_ca"]
    command += ["-ca_file", str(authority.certificate), "-test_case", case]
    command += ["-server_host", "127.0.0.1", "-server_port", str(port)]
    command += ["-server_host_override", name]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=CASE_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{case}: the output above says what failed"


@pytest.mark.parametrize("case", CASES)
def test_direct(authority, server, case):
    run(authority, case, server, "localhost")


@pytest.mark.parametrize("case", CASES)
def test_through_the_balancer(secure, authority, host, case):
    run(authority, case, secure.https, host)
