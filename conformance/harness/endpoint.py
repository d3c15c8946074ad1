"""Starts, kills and reads endpoints (`harness.endpoint_server`), each a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from harness import http1, waiting
from harness.ports import free_port

CONFORMANCE = Path(__file__).parent.parent


class Endpoint:
    """One endpoint: a port that stays, a journal that outlives its process."""

    def __init__(self, name: str, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.port = free_port()
        self.journal = folder / f"{name}.jsonl"
        self.health = folder / f"{name}.health"
        self.journal.touch()
        self.set_health(200)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "Endpoint":
        """Starts the process, anew after `kill`; returns once it listens."""
        command = [sys.executable, "-m", "harness.endpoint_server", "--name", self.name]
        command += ["--port", str(self.port)]
        command += ["--journal", str(self.journal), "--health", str(self.health)]
        self.process = subprocess.Popen(
            command, cwd=CONFORMANCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n", f"{self.name} did not start"
        return self

    def kill(self) -> None:
        """`kill -9`: no goodbye to anybody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def set_health(self, status: int) -> None:
        """What the endpoint answers to probes from now on."""
        self.health.write_text(str(status))

    def origin(self, **fields: object) -> dict[str, object]:
        """The endpoint as a pool's document names it."""
        return {"name": self.name, "address": "127.0.0.1", "port": self.port, **fields}

    def events(self, kind: str, since: int = 0) -> list[dict]:
        """Events of that kind which the journal gained after `mark` returned `since`.

        A line that is still being written is not there yet.
        """
        with self.journal.open("rb") as journal:
            journal.seek(since)
            *lines, _ = journal.read().split(b"\n")
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def mark(self) -> int:
        """Where the last whole line of the journal ends now."""
        return self.journal.read_bytes().rfind(b"\n") + 1

    def requests(self, since: int = 0) -> list[dict]:
        """Heads of requests that no monitor sent."""
        return [event for event in self.events("head", since) if not event["probe"]]

    def probes(self, since: int = 0) -> list[dict]:
        """Heads that monitors sent."""
        return [event for event in self.events("head", since) if event["probe"]]

    def connections(self, since: int = 0) -> set[int]:
        """Connections that were opened since then and carried at least one request."""
        opened = {event["connection"] for event in self.events("open", since)}
        return opened & {event["connection"] for event in self.requests(since)}

    def await_requests(self, count: int, since: int | None = None, within: float = 8.0) -> None:
        """Returns once that many requests arrived after `since`, or after now."""
        since = self.mark() if since is None else since
        what = f"{count} requests at {self.name}"
        waiting.until(what, lambda: len(self.requests(since)) >= count, within)

    def await_probe(self, since: int | None = None, within: float = 8.0) -> None:
        """Returns once a probe arrived after `since`, or after now."""
        since = self.mark() if since is None else since
        waiting.until(f"a probe of {self.name}", lambda: self.probes(since), within)


def seen_headers(response: http1.Response) -> http1.Headers:
    """The request's headers as the endpoint describes them in its answer."""
    return [(name, value) for name, value in json.loads(response.body)["headers"]]


def values(headers: http1.Headers, name: str) -> list[str]:
    """Values of every header of that name, in order."""
    return [value for header, value in headers if header.lower() == name.lower()]
