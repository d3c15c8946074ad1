"""Pebble, the small certificate authority of Let's Encrypt, and a name server that leads every name
to this machine. Built below target/ from the versions that `pebble/go.mod` pins.
"""

import json
import os
import shutil
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest

from harness import waiting
from harness.edge.authority import Authority
from harness.ports import free_port

HERE = Path(__file__).parents[2]
SOURCE = HERE / "pebble"
PROGRAMS = HERE.parent / "target" / "tools" / "pebble"
PACKAGE = "github.com/letsencrypt/pebble/v2/cmd"
USUAL_GO = "/usr/local/go/bin/go"

# A build takes seconds; fetching what it needs over a slow line, more.
BUILD_SECONDS = 300
START_SECONDS = 15.0


def build() -> None:
    """Builds both programs, or leaves the test out where there is no Go."""
    go = shutil.which("go") or shutil.which(USUAL_GO)
    if go is None:
        pytest.skip("go 1.26 or later is not installed: see https://go.dev/doc/install")
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    names = [f"{PACKAGE}/pebble", f"{PACKAGE}/pebble-challtestsrv"]
    command = [go, "build", "-o", f"{PROGRAMS}/", *names]
    subprocess.run(command, cwd=SOURCE, check=True, timeout=BUILD_SECONDS)


class Pebble:
    """An authority that looks for answers on these ports, and certifies for so many seconds."""

    def __init__(self, folder: Path, authority: Authority, life: int = 90 * 86400):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.authority = folder, authority
        self.port, self.management, self.names = free_port(), free_port(), free_port()
        # Where nobody listens until a test says otherwise.
        self.http = self.https = free_port()
        self.life = life
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def directory(self) -> str:
        """What a client is told."""
        return f"https://localhost:{self.port}/dir"

    def start(self) -> "Pebble":
        """Starts both programs and returns once the authority answers."""
        pair = self.authority.issue("localhost", "127.0.0.1")
        config = self.folder / "pebble.json"
        profile = {"description": "The only one.", "validityPeriod": self.life}
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(pair.certificate),
            "privateKey": str(pair.key),
            "httpPort": self.http,
            "tlsPort": self.https,
            "keyAlgorithm": "ecdsa",
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": profile},
        }
        config.write_text(json.dumps({"pebble": settings}))
        none = [f"-{name}=" for name in ("http01", "https01", "tlsalpn01", "doh", "defaultIPv6")]
        names = [f"-dnsserver=127.0.0.1:{self.names}", f"-management=127.0.0.1:{free_port()}"]
        self._run("pebble-challtestsrv", *names, *none)
        address = f"127.0.0.1:{self.names}"
        self._run("pebble", "-strict", "-config", str(config), "-dnsserver", address)
        waiting.until("the authority answers", self._answers, START_SECONDS)
        return self

    def client(self) -> ssl.SSLContext:
        """What a client uses that trusts the certificates issued."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self._fetch(f"{self.management}/roots/0"))
        return context

    def kill(self) -> None:
        """Ends both programs."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            process = subprocess.Popen(
                [PROGRAMS / program, *arguments],
                # Some nonces are refused all the same, as authorities do.
                env=os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)

    def _answers(self) -> bool:
        for process in self.processes:
            assert process.poll() is None, f"{process.args} ended"
        try:
            return bool(self._fetch(f"{self.port}/dir"))
        except OSError:
            return False

    def _fetch(self, where: str) -> str:
        tls = self.authority.client()
        with urllib.request.urlopen(f"https://localhost:{where}", timeout=5, context=tls) as answer:
            return answer.read().decode()
