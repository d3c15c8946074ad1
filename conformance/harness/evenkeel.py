"""The product as a process: started as a user would, on ports of its own, ended by its id."""

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from harness import http1, waiting
from harness.ports import free_port

TOKEN = "acceptance-1f0c9a2e7b5d48e3a6c4"
ACCOUNT = "00c0ffee00c0ffee00c0ffee00c0ffee"

# A debug build on a busy machine; a release build needs some tens of milliseconds.
START_SECONDS = 15.0

# Answers in a row that show who serves: an endpoint that still had a quarter of the traffic would
# be missed once in two million times.
SETTLED = 50


def binary() -> Path:
    """The binary under test, which `cargo xtask test` builds and names."""
    path = Path(os.environ.get("EVENKEEL_BIN", ""))
    assert path.is_file(), "EVENKEEL_BIN must name the evenkeel binary"
    return path.resolve()


def environment(**variables: str) -> dict[str, str]:
    """Ours without any setting of the product, plus these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}
    return {**kept, **variables}


def finish(*arguments: str, within: float = 10.0, cwd: Path | None = None, **variables: str):
    """Runs the binary to its end, which has to come by itself; returns the completed process."""
    return subprocess.run(
        [binary(), *arguments],
        env=environment(**variables),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


class Evenkeel:
    """`evenkeel serve` with a data folder and ports that stay the same over restarts."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "evenkeel.log"
        self.api, self.http = free_port(), free_port()
        self.flags = {
            "--data-dir": str(self.data),
            "--api": f"127.0.0.1:{self.api}",
            "--http": f"127.0.0.1:{self.http}",
            "--monitor-interval-min": "1",
            "--workers": "2",
        }
        self.variables = {"EVENKEEL_API_TOKEN": TOKEN, "EVENKEEL_ACCOUNT_ID": ACCOUNT}
        self.process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """The command line behind the program's name."""
        return ["serve", *(word for flag in self.flags.items() for word in flag)]

    def start(self) -> "Evenkeel":
        """Starts it and returns once it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), *self.arguments()],
                env=environment(**self.variables),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        waiting.until("ready", self.is_ready, START_SECONDS)
        return self

    def is_ready(self) -> bool:
        """Whether /readyz answers 200. Fails at once when the process has ended."""
        code = self.process.poll()
        assert code is None, f"evenkeel ended with {code}:\n{self.log.read_text()[-4000:]}"
        try:
            return http1.get(self.api, "/readyz", "localhost").status == 200
        except (OSError, http1.Closed):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to this process alone."""
        self.process.send_signal(number)

    def wait(self, within: float = 10.0) -> int:
        """The exit code, once it ends by itself."""
        return self.process.wait(within)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def get(
        self, target: str, host: str, headers: http1.Headers = (), source: str | None = None
    ) -> http1.Response:
        """One request through the balancer on a connection of its own."""
        return http1.get(self.http, target, host, headers, source)

    def connect(self, timeout: float = 10.0, source: str | None = None) -> http1.Connection:
        """A client's connection to the balancer."""
        return http1.Connection(self.http, timeout, source)

    def draw(self, host: str, count: int = 4000, target: str = "/") -> Counter:
        """Which endpoints answer that many requests, sent over a few connections."""
        seen: Counter = Counter()
        for _ in range(4):
            with self.connect() as connection:
                for _ in range(count // 4):
                    response = connection.get(target, host)
                    assert response.status == 200
                    seen[response.endpoint] += 1
        return seen

    def await_answer(self, host: str, *endpoints: str, within: float = 8.0) -> None:
        """Returns once a row of answers came from these endpoints alone, and from each of them.

        A change is live within 1 s; a verdict of a monitor takes up to two intervals more.
        """
        row, missing = 0, set(endpoints)
        deadline = time.monotonic() + within
        while row < SETTLED or missing:
            last = self.get("/", host)
            if last.endpoint in endpoints:
                row, missing = row + 1, missing - {last.endpoint}
            else:
                row, missing = 0, set(endpoints)
                time.sleep(waiting.POLL_SECONDS)
            if time.monotonic() > deadline:
                seen = f"{last.status} from {last.endpoint}"
                raise AssertionError(f"{host}: not only and all of {endpoints}; last {seen}")
