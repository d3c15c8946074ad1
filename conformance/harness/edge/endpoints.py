"""Starts, kills and reads the endpoints of this package, each a process with a journal."""

import subprocess
import sys
from pathlib import Path

from harness.edge.authority import Pair
from harness.endpoint import CONFORMANCE, Endpoint


class ServerEndpoint(Endpoint):
    """An endpoint that is a module of this package; subclasses say which, and its options."""

    module = ""

    def __init__(self, name: str, folder: Path, *options: str):
        super().__init__(name, folder)
        self.options = list(options)

    def start(self) -> "ServerEndpoint":
        """Starts the process, anew after `kill`; returns once it listens."""
        command = [sys.executable, "-m", f"harness.edge.{self.module}", "--name", self.name]
        command += ["--port", str(self.port), "--journal", str(self.journal)]
        command += ["--health", str(self.health), *self.options]
        self.process = subprocess.Popen(
            command, cwd=CONFORMANCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n", f"{self.name} did not start"
        return self


class ModernEndpoint(ServerEndpoint):
    """TLS and HTTP/2. Without a `pair` it speaks HTTP/2 without TLS, to those who know."""

    module = "modern_server"

    def __init__(
        self,
        name: str,
        folder: Path,
        pair: Pair | None = None,
        alpn: str = "h2,http/1.1",
        streams: int = 100,
        client_authority: Path | None = None,
        garbage: bool = False,
    ):
        super().__init__(name, folder, "--alpn", alpn, "--streams", str(streams))
        if pair is not None:
            self.options += ["--certificate", str(pair.certificate), "--key", str(pair.key)]
        if client_authority is not None:
            self.options += ["--client-authority", str(client_authority)]
        if garbage:
            self.options.append("--garbage")


class WebSocketEndpoint(ServerEndpoint):
    """A WebSocket server that takes the protocol seriously."""

    module = "websocket_server"


class UpgradeEndpoint(ServerEndpoint):
    """One that changes protocols as it likes."""

    module = "upgrade_server"
