"""A service over several processes: each takes over from the one before (SIGUSR2)."""

import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from harness import waiting
from harness.evenkeel import Evenkeel

# A debug build on a busy machine, its control plane's end and the new one's start.
HAND_OVER_SECONDS = 30.0


class Adopted:
    """A process that is no child of ours, with as much of `Popen` as tests use."""

    def __init__(self, pid: int):
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """0 once it has ended: nobody but its parent learns its code."""
        return 0 if select.select([self._fd], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Returns once it has ended."""
        if not select.select([self._fd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("evenkeel", timeout)
        return 0

    def send_signal(self, number: signal.Signals) -> None:
        """To this process and to no other that may have its number by now."""
        signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """`kill -9`."""
        self.send_signal(signal.SIGKILL)


class Succession:
    """The processes of one server, in their order."""

    def __init__(self, server: Evenkeel):
        self.server = server
        self.past: list = []

    def ask(self) -> int:
        """Asks for an upgrade; where the log of it begins."""
        begin = self.server.log.stat().st_size
        self.server.signal(signal.SIGUSR2)
        return begin

    def upgrade(self) -> None:
        """Returns once another process serves, which `server` is from then on."""
        begin = self.ask()

        def successor() -> int:
            found = re.search(r"has taken over\. pid=(\d+)", self.log_since(begin))
            return int(found[1]) if found else 0

        pid = waiting.until("another process", successor, HAND_OVER_SECONDS)
        self.past.append(self.server.process)
        self.server.process = Adopted(pid)

    def log_since(self, begin: int) -> str:
        """What was logged from there on."""
        return self.server.log.read_bytes()[begin:].decode(errors="replace")

    def await_log(self, begin: int, words: str, within: float = HAND_OVER_SECONDS) -> None:
        """Returns once these words were logged."""
        waiting.until(f"{words!r} in the log", lambda: words in self.log_since(begin), within)

    def end(self) -> None:
        """Ends all of them."""
        for process in [*self.past, self.server.process]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def succession(server: Evenkeel) -> Iterator[Succession]:
    """Ends every process of a server at the end."""
    all_of_it = Succession(server)
    try:
        yield all_of_it
    finally:
        all_of_it.end()
