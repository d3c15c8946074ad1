"""One process takes over from another: nobody notices, and when it fails, nobody does either."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import pytest

from harness import http1, waiting
from harness.control import Control
from harness.edge import frames, http2
from harness.edge.secure import Secure
from harness.evenkeel import Evenkeel, binary, environment
from harness.load import Load, failures
from harness.named import NameServer
from harness.ports import free_port
from harness.succession import Succession, succession

# A program that takes over as far as it is told to, and then ends: what a bad new version does.
IMPOSTOR = """\
#!{python}
import socket, sys
predecessor = socket.socket(fileno=0)
while predecessor.recv(65536) != b"prepare":
    pass
if {steps} > 0:
    predecessor.send(b"ready")
    while predecessor.recv(65536) != b"take":
        pass
sys.exit(3)
"""


# One that serves, as far as it says, but not before the service was asked to stop.
STOPPED = """\
#!{python}
import os, pathlib, signal, socket, time
predecessor = socket.socket(fileno=0)
while predecessor.recv(65536) != b"prepare":
    pass
predecessor.send(b"ready")
while predecessor.recv(65536) != b"take":
    pass
os.kill(os.getppid(), signal.SIGTERM)
while "Asked to stop" not in pathlib.Path({log!r}).read_text():
    time.sleep(0.02)
predecessor.send(b"serving")
pathlib.Path({heard!r}).write_bytes(predecessor.recv(65536))
"""


@pytest.fixture
def chain(own_edge: Evenkeel) -> Iterator[Succession]:
    """The processes of a balancer of the test's own."""
    with succession(own_edge) as chain:
        yield chain


@pytest.fixture
def movable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Succession, Path]]:
    """A balancer that was started from a path where another program can be put."""
    path = tmp_path / "program"
    path.symlink_to(binary())
    server = Evenkeel(tmp_path / "own")
    monkeypatch.setattr("harness.evenkeel.binary", lambda: path)
    with succession(server) as chain:
        server.start()
        yield chain, path


def replace(path: Path, script: str) -> None:
    """Puts another program where a balancer was started from."""
    impostor = path.with_name("impostor")
    impostor.write_text(script)
    impostor.chmod(0o755)
    other = path.with_name("next")
    other.symlink_to(impostor)
    other.rename(path)


def upgrades(server: Evenkeel) -> dict[str, int]:
    """What is counted of them."""
    page = http1.get(server.api, "/metrics", "localhost").body.decode()
    found = re.findall(r'^evenkeel_upgrades_total\{result="(\w+)"\} (\d+)$', page, re.MULTILINE)
    return {result: int(number) for result, number in found}


class Repeated:
    """Does something again and again in a thread; what it raised is kept."""

    def __init__(self, act: Callable[[int], None], pause: float = 0.01):
        self.done, self.errors = 0, []
        self._act, self._pause, self._stopped = act, pause, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._act(self.done)
            except Exception as error:
                self.errors.append(repr(error))
            self.done += 1
            self._stopped.wait(self._pause)

    def stop(self) -> None:
        """Ends it and fails on anything that went wrong."""
        self._stopped.set()
        self._thread.join()
        assert not self.errors, f"{len(self.errors)} of {self.done}: {self.errors[:5]}"
        assert self.done > 0


def test_upgrades_are_not_noticed(tmp_path, authority, endpoints):
    """Plain and TLS clients, DNS by UDP and TCP, and the API, during upgrades of upgrades."""
    server = Secure(tmp_path / "own", authority)
    named = NameServer(server)
    with succession(server) as chain:
        server.start()
        control = Control(server)
        (a,) = endpoints("a")
        pool = control.pool(a)
        balancer = control.balancer(pool)
        server.await_answer(balancer.host, "a")
        query = dns.message.make_query(balancer.host, "A")

        def securely(_: int) -> None:
            with server.connect_securely("localhost") as connection:
                assert connection.get("/", balancer.host).status == 200

        everything = [
            Repeated(securely),
            Repeated(lambda _: named.exchange(query)),
            Repeated(lambda _: named.exchange(query, tcp=True)),
            Repeated(lambda n: control.edit(balancer, description=f"change {n}"), pause=0.05),
        ]
        load = Load(server.http, balancer.host, rate=100).start()
        for _ in range(4):
            before = control.sdk.load_balancers.get(balancer.id, zone_id=balancer.zone)
            chain.upgrade()
            assert before.id
        for each in everything:
            each.stop()
        outcomes = load.stop()
        assert not failures(outcomes), failures(outcomes)[:5]
        assert len(outcomes) > 100
        # A request that took longer than a client would have needed to try again is as bad.
        assert max(outcome.took for outcome in outcomes) < 3.0
        for process in chain.past:
            process.wait(40)
        assert server.stop() == 0


def test_what_was_begun_before_an_upgrade_goes_on_after_it(chain, own_control, endpoints):
    server = chain.server
    (a,) = endpoints("a")
    balancer = own_control.balancer(own_control.pool(a))
    server.await_answer(balancer.host, "a")
    idle = server.connect(timeout=60)
    assert idle.get("/", balancer.host).status == 200
    download = server.connect(timeout=60)
    size = 64 << 20
    download.send(http1.request("GET", f"/bytes/{size}", balancer.host))
    chain.upgrade()
    chain.upgrade()
    last = idle.get("/", balancer.host)
    assert (last.status, last.header("connection")) == (200, "close")
    assert idle.rest() == b""
    assert len(download.read().body) == size
    after = download.get("/", balancer.host)
    assert after.status == 200, "an idle connection is still answered once"
    for process in chain.past:
        assert process.wait(20) == 0


def test_the_last_response_of_a_connection_arrives_however_slowly_it_is_read(
    tmp_path, authority, endpoints
):
    """Windows are updated to the end: a connection that is closed before is reset by that."""
    server = Secure(tmp_path / "own", authority)
    with succession(server) as chain:
        server.start()
        control = Control(server)
        (a,) = endpoints("a")
        balancer = control.balancer(control.pool(a))
        server.await_answer(balancer.host, "a")
        size, first = 2 << 20, 1000
        window = ((frames.INITIAL_WINDOW_SIZE, first),)
        tls = server.client("h2")
        with http2.Connection(server.https, tls, "localhost", window, True, 30) as client:
            stream = client.begin(balancer.host, f"/bytes/{size}")
            while len(client.head(stream).body) < first:
                client.step()
            chain.upgrade()
            # Both GOAWAYs are out before the body is.
            for awaited in (frames.GOAWAY, frames.PING):
                while client.step().type != awaited:
                    pass
            client.send(frames.window(0, 1 << 24), frames.window(stream, 1 << 24))
            while not client.responses[stream].is_over:
                client.step()
                client.send(frames.window(0, 1))
                time.sleep(0.002)
            assert len(client.responses[stream].body) == size
        assert chain.past[0].wait(20) == 0


def test_verdicts_and_documents_survive(chain, own_control, endpoints):
    a, b = endpoints("a", "b")
    monitor = own_control.monitor()
    pool = own_control.pool(a, b, monitor=monitor)
    balancer = own_control.balancer(pool)
    chain.server.await_answer(balancer.host, "a", "b")
    a.set_health(503)
    chain.server.await_answer(balancer.host, "b", within=20)
    chain.upgrade()
    for _ in range(50):
        assert chain.server.get("/", balancer.host).endpoint == "b"


@pytest.mark.parametrize("workers", ["1", "3", "5"])
def test_the_number_of_workers_may_change(tmp_path, endpoints, workers):
    server = Evenkeel(tmp_path / "own")
    file = tmp_path / "evenkeel.toml"
    file.write_text("workers = 2\n")
    del server.flags["--workers"]
    server.flags["--config"] = str(file)
    with succession(server) as chain:
        server.start()
        control = Control(server)
        (a,) = endpoints("a")
        balancer = control.balancer(control.pool(a))
        server.await_answer(balancer.host, "a")
        load = Load(server.http, balancer.host, rate=100).start()
        for number in (workers, "2", workers):
            file.write_text(f"workers = {number}\n")
            chain.upgrade()
        outcomes = load.stop()
        assert not failures(outcomes), failures(outcomes)[:5]


def test_new_addresses_are_bound_and_old_ones_closed(tmp_path):
    server = Evenkeel(tmp_path / "own")
    file = tmp_path / "evenkeel.toml"
    other = free_port()
    file.write_text(f"http = ['127.0.0.1:{server.http}']\n")
    del server.flags["--http"]
    server.flags["--config"] = str(file)
    with succession(server) as chain:
        server.start()
        file.write_text(f"http = ['127.0.0.1:{other}']\n")
        chain.upgrade()
        assert http1.get(other, "/", "nobody.example").status == 409
        chain.past[0].wait(20)
        with pytest.raises(ConnectionRefusedError):
            http1.Connection(server.http)


def test_a_new_process_that_refuses_its_settings_changes_nothing(tmp_path):
    server = Evenkeel(tmp_path / "own")
    file = tmp_path / "evenkeel.toml"
    file.write_text("pop = 'LIS'\n")
    server.flags["--config"] = str(file)
    with succession(server) as chain:
        server.start()
        file.write_text("pop = 'too long for a place'\n")
        begin = chain.ask()
        chain.await_log(begin, "does not take over; going on")
        assert "pop" in chain.log_since(begin), "it may say why before it is ended"
        assert server.is_ready()
        assert upgrades(server) == {"done": 0, "refused": 1, "failed": 0}
        file.write_text("pop = 'OPO'\n")
        chain.upgrade()
        assert server.is_ready()
        assert upgrades(server) == {"done": 1, "refused": 1, "failed": 0}


@pytest.mark.parametrize(
    "steps, words",
    [(0, "does not take over; going on"), (1, "The control plane goes on")],
    ids=["before it is ready", "with the store in its hands"],
)
def test_a_new_process_that_dies_leaves_the_old_one_serving(movable, endpoints, steps, words):
    chain, path = movable
    server = chain.server
    control = Control(server)
    (a,) = endpoints("a")
    pool = control.pool(a)
    balancer = control.balancer(pool)
    server.await_answer(balancer.host, "a")
    load = Load(server.http, balancer.host, rate=50).start()
    replace(path, IMPOSTOR.format(python=sys.executable, steps=steps))
    begin = chain.ask()
    chain.await_log(begin, words)
    waiting.until("ready again", server.is_ready, 10)
    # Changes are live in the process that went on.
    (b,) = endpoints("b")
    control.edit_pool(pool, origins=[b.origin()])
    server.await_answer(balancer.host, "b")
    outcomes = load.stop()
    assert not failures(outcomes), failures(outcomes)[:5]
    assert upgrades(server) == {"done": 0, "refused": 1 - steps, "failed": steps}
    other = path.with_name("next")
    other.symlink_to(binary())
    other.rename(path)
    chain.upgrade()
    assert server.get("/", balancer.host).endpoint == "b"


def test_a_stop_during_a_hand_over_stops_both(movable, tmp_path):
    chain, path = movable
    heard = tmp_path / "heard"
    log = str(chain.server.log)
    replace(path, STOPPED.format(python=sys.executable, log=log, heard=str(heard)))
    chain.ask()
    assert chain.server.wait(30) == 0
    waiting.until("its last word", lambda: heard.is_file() and heard.read_text() == "stop")


def test_a_sighup_shows_new_certificates_and_names_what_changed(tmp_path, authority):
    server = Secure(tmp_path / "own", authority)
    file = tmp_path / "evenkeel.toml"
    file.write_text("pop = 'LIS'\n")
    first, second = authority.issue("localhost"), authority.issue("localhost")
    certificate, key = tmp_path / "api.pem", tmp_path / "api.key"

    def install(pair) -> bytes:
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())
        return shown()

    def shown() -> bytes:
        with socket.create_connection(("127.0.0.1", server.api), 10) as plain:
            tls = server.client()
            with tls.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.getpeercert(binary_form=True)

    certificate.write_bytes(first.certificate.read_bytes())
    key.write_bytes(first.key.read_bytes())
    server.flags |= {
        "--config": str(file),
        "--api-tls-cert": str(certificate),
        "--api-tls-key": str(key),
    }
    server.is_ready = lambda: "API " in server.log.read_text()
    with succession(server) as chain:
        server.start()
        before = waiting.until("the API", shown, 10)
        assert install(second) == before, "nothing changes by itself"
        file.write_text("pop = 'OPO'\nregion = 'nowhere'\n")
        begin = server.log.stat().st_size
        server.signal(signal.SIGHUP)
        waiting.until("the new certificate", lambda: shown() != before, 10)
        chain.await_log(begin, "setting=pop")
        assert "region" in chain.log_since(begin)


# Places sockets as a service manager does, from 3 on, and becomes the server.
LAUNCHER = """\
import fcntl, os, sys
count = int(sys.argv[1])
numbers, command = map(int, sys.argv[2:2 + count]), sys.argv[2 + count:]
aside = [fcntl.fcntl(number, fcntl.F_DUPFD, 64) for number in numbers]
for place, number in enumerate(aside, 3):
    os.dup2(number, place)
os.environ["LISTEN_FDS"] = str(count)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(command[0], command)
"""


def launched(server: Evenkeel, sockets: dict[str, socket.socket]) -> None:
    """Starts a server with sockets as a service manager passes them."""
    numbers = [sock.fileno() for sock in sockets.values()]
    command = [sys.executable, "-c", LAUNCHER, str(len(numbers)), *map(str, numbers)]
    with server.log.open("ab") as log:
        server.process = subprocess.Popen(
            [*command, binary(), *server.arguments()],
            env=environment(**server.variables, LISTEN_FDNAMES=":".join(sockets)),
            cwd=server.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=numbers,
        )
    waiting.until("ready", server.is_ready, 15)


def test_sockets_of_the_service_manager_are_used_and_handed_on(tmp_path, endpoints):
    server = Evenkeel(tmp_path / "own")
    http, api = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    server.http, server.api = http.getsockname()[1], api.getsockname()[1]
    del server.flags["--http"], server.flags["--api"]
    with succession(server) as chain:
        # Whoever comes before the server does waits for it.
        early = http1.Connection(server.http, 30)
        early.send(http1.request("GET", "/", "nobody.example"))
        launched(server, {"http": http, "api": api})
        assert early.read().status == 409
        early.close()
        control = Control(server)
        (a,) = endpoints("a")
        balancer = control.balancer(control.pool(a))
        server.await_answer(balancer.host, "a")
        load = Load(server.http, balancer.host, rate=50).start()
        chain.upgrade()
        chain.upgrade()
        outcomes = load.stop()
        assert not failures(outcomes), failures(outcomes)[:5]


def test_the_service_manager_is_told(tmp_path):
    server = Evenkeel(tmp_path / "own")
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, succession(server) as chain:
        manager.bind(address)
        manager.settimeout(15)
        server.variables |= {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}

        def told(word: str) -> str:
            """The next message that has a word."""
            end = time.monotonic() + 15
            while time.monotonic() < end:
                message = manager.recv(4096).decode()
                if word in message.split("\n"):
                    return message
                if word.endswith("=") and re.search(f"^{word}", message, re.MULTILINE):
                    return message
            raise AssertionError(f"no {word}")

        server.start()
        told("READY=1")
        told("WATCHDOG=1")
        server.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in told("RELOADING=1")
        told("READY=1")
        chain.upgrade()
        told("RELOADING=1")
        assert told("MAINPID=") == f"MAINPID={server.process.pid}\n"
        told("READY=1")
        told("WATCHDOG=1")
        server.signal(signal.SIGTERM)
        told("STOPPING=1")
