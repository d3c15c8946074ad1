"""Starts, kills and reads endpoints that speak TLS and HTTP/2 (`harness.edge.modern_server`)."""

import subprocess
import sys
from pathlib import Path

from harness.edge.authority import Pair
from harness.endpoint import CONFORMANCE, Endpoint


class ModernEndpoint(Endpoint):
    """One such endpoint. With neither `pair` it speaks HTTP/2 without TLS to those who know."""

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
        super().__init__(name, folder)
        self.options = ["--alpn", alpn, "--streams", str(streams)]
        if pair is not None:
            self.options += ["--certificate", str(pair.certificate), "--key", str(pair.key)]
        if client_authority is not None:
            self.options += ["--client-authority", str(client_authority)]
        if garbage:
            self.options.append("--garbage")

    def start(self) -> "ModernEndpoint":
        """Starts the process, anew after `kill`; returns once it listens."""
        command = [sys.executable, "-m", "harness.edge.modern_server", "--name", self.name]
        command += ["--port", str(self.port), "--journal", str(self.journal)]
        command += ["--health", str(self.health), *self.options]
        self.process = subprocess.Popen(
            command, cwd=CONFORMANCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n", f"{self.name} did not start"
        return self
