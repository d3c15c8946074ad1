"""The process: when it is ready, how fast it changes, how it ends."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import cloudflare
import pytest

from harness import http1, waiting
from harness.control import client
from harness.evenkeel import Evenkeel, finish
from harness.ports import free_port


@pytest.fixture
def busy(own_edge, own_control, endpoints):
    """A balancer with one endpoint that can be slow, and the host name."""
    (a,) = endpoints("a")
    balancer = own_control.balancer(own_control.pool(a))
    own_edge.await_answer(balancer.host, "a")
    return a, balancer


def slowly(edge: Evenkeel, host: str, ms: int) -> tuple[threading.Thread, list]:
    """Starts a request that takes that long; its response or error ends up in the list."""
    results: list = []

    def ask() -> None:
        try:
            with edge.connect(timeout=60) as connection:
                results.append(connection.get(f"/slow/{ms}", host))
        except (OSError, http1.Closed, http1.Broken) as error:
            results.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread, results


def in_flight(endpoint) -> None:
    """Returns once the endpoint has the slow request."""
    waiting.until(
        "the slow request",
        lambda: [r for r in endpoint.requests() if r["target"].startswith("/slow/")],
    )


def test_ready_healthy_and_measured(edge):
    for path in ("/readyz", "/healthz", "/metrics"):
        assert http1.get(edge.api, path, "localhost").status == 200
    assert b"evenkeel_" in http1.get(edge.api, "/metrics", "localhost").body


def test_a_change_is_live_within_a_second(edge, control, endpoints):
    a, b = endpoints("a", "b")
    pools = [control.pool(a), control.pool(b)]
    balancer = control.balancer(*pools)
    edge.await_answer(balancer.host, "a")
    took = []
    for turn in range(20):
        order = pools if turn % 2 else pools[::-1]
        control.edit(balancer, default_pools=order)
        expected = "a" if turn % 2 else "b"
        took.append(live_after(answers_from(edge, balancer.host, expected)))
        edge.await_answer(balancer.host, expected)
    assert max(took) < 1.0, took


def answers_from(edge: Evenkeel, host: str, endpoint: str) -> Callable[[], bool]:
    """Whether an endpoint answers, each time that it is asked."""
    return lambda: edge.get("/", host).endpoint == endpoint


def live_after(is_live: Callable[[], bool]) -> float:
    """How long from now until whoever asks is told the new state: how fast the machine answers is
    another matter.
    """
    acknowledged = time.monotonic()
    while True:
        asked = time.monotonic()
        if is_live():
            return asked - acknowledged
        assert asked < acknowledged + 10, "it is never live"
        time.sleep(waiting.POLL_SECONDS)


def test_a_load_balancer_can_be_switched_off_and_deleted(edge, control, endpoints):
    balancer = control.balancer(control.pool(*endpoints("a")))
    edge.await_answer(balancer.host, "a")

    def is_gone() -> bool:
        return edge.get("/", balancer.host).status == 409

    control.edit(balancer, enabled=False)
    assert live_after(is_gone) < 1.0
    control.edit(balancer, enabled=True)
    edge.await_answer(balancer.host, "a")
    control.sdk.load_balancers.delete(balancer.id, zone_id=balancer.zone)
    assert live_after(is_gone) < 1.0


def test_sigterm_finishes_what_was_begun_and_exits_0(own_edge, busy):
    a, balancer = busy
    idle = own_edge.connect()
    assert idle.get("/", balancer.host).status == 200
    thread, results = slowly(own_edge, balancer.host, 1500)
    in_flight(a)
    own_edge.signal(signal.SIGTERM)
    assert idle.rest(within=5.0) == b"", "an idle connection is closed without a word"
    idle.close()
    assert own_edge.wait(within=10.0) == 0
    thread.join()
    assert isinstance(results[0], http1.Response), results
    assert (results[0].status, results[0].endpoint) == (200, "a")
    with pytest.raises(ConnectionRefusedError):
        own_edge.connect()


def test_a_second_sigterm_exits_at_once(own_edge, busy):
    a, balancer = busy
    thread, results = slowly(own_edge, balancer.host, 60_000)
    in_flight(a)
    own_edge.signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        own_edge.wait(within=0.7)
    own_edge.signal(signal.SIGTERM)
    own_edge.wait(within=1.0)
    thread.join()
    assert not isinstance(results[0], http1.Response)


def test_two_processes_do_not_share_a_data_folder(own_edge, tmp_path):
    second = Evenkeel(tmp_path / "second")
    second.flags["--data-dir"] = str(own_edge.data)
    done = finish(*second.arguments(), **second.variables)
    assert done.returncode == 1
    assert str(own_edge.data) in done.stderr, "the message names the folder"
    assert "panicked" not in done.stderr
    assert own_edge.is_ready()


def test_a_taken_port_is_a_clear_failure(own_edge, tmp_path):
    second = Evenkeel(tmp_path / "second")
    second.flags["--api"] = own_edge.flags["--api"]
    done = finish(*second.arguments(), **second.variables)
    assert done.returncode == 1
    assert own_edge.flags["--api"] in done.stderr, "the message names the address"


@pytest.mark.parametrize(
    "arguments",
    [("serve", "--no-such-flag"), ("serve", "--workers"), ("no-such-command",)],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_2(tmp_path, arguments):
    done = finish(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr and not done.stdout


def test_a_refused_configuration_exits_78_and_names_every_key(tmp_path):
    file = tmp_path / "evenkeel.toml"
    file.write_text('http = ["nowhere at all"]\nworkers = "many"\ncolour = "red"\n')
    done = finish("serve", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 78
    lines = done.stderr.splitlines()
    for key in ("http", "workers", "colour"):
        assert [line for line in lines if key in line], f"no line names {key}: {lines}"
    assert not (tmp_path / "evenkeel-data").exists(), "nothing is made before the file is read"


def test_a_flag_beats_the_variable_and_the_variable_beats_the_file(tmp_path):
    file = tmp_path / "evenkeel.toml"
    flag, variable, key = free_port(), free_port(), free_port()
    file.write_text(f'api = "127.0.0.1:{key}"\n')
    by_variable = {"EVENKEEL_API": f"127.0.0.1:{variable}"}
    for flags, variables, expected in [
        ({}, {}, key),
        ({}, by_variable, variable),
        ({"--api": f"127.0.0.1:{flag}"}, by_variable, flag),
    ]:
        server = Evenkeel(tmp_path / "own")
        del server.flags["--api"]
        server.flags |= {"--config": str(file)} | flags
        server.variables |= variables
        server.api = expected
        try:
            server.start()
            for other in {flag, variable, key} - {expected}:
                with pytest.raises(ConnectionRefusedError):
                    http1.Connection(other)
            assert server.stop() == 0
        finally:
            server.kill()


def test_without_a_token_one_is_made_once_and_printed(tmp_path):
    server = Evenkeel(tmp_path / "own")
    server.variables = {}
    try:
        server.start()
        # Whatever the sentence around it, one of the words that were printed opens the door.
        words = set(re.findall(r"[\w.-]{20,}", server.log.read_text()))
        tokens = [word for word in words if is_token(server, word)]
        assert len(tokens) == 1
        assert server.stop() == 0
        server.start()
        assert is_token(server, tokens[0])
    finally:
        server.kill()


def is_token(server: Evenkeel, word: str) -> bool:
    """Whether the API takes that word for a token."""
    try:
        return client(server, word).user.tokens.verify().status == "active"
    except cloudflare.APIStatusError:
        return False
