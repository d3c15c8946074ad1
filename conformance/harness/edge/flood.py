"""What an attack costs, and whom: the product's memory, and a second client's patience.

The bounds are those of the issue: 64 MiB for 20 hostile connections, an answer to others within
250 ms, and the offender's end. A machine that stands still for a moment looks like harm: an attack
is judged by its best of a few runs, in all but memory and errors, which have no excuse.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import http1
from harness.edge.attacks import Attack
from harness.edge.memory import MIB, resident
from harness.edge.secure import Secure

CONFORMANCE = Path(__file__).parents[2]

GROWTH_BYTES_MAX = 64 * MIB
ANSWER_SECONDS_MAX = 0.25
CONNECTIONS = 20

# How often the bystander asks; every so many requests on a connection of its own.
PACE_SECONDS = 0.05
FRESH_EVERY = 4

# Until the offender's process has begun, and until it has read to its end.
SPARE_SECONDS = 15.0

TRIES = 3

# An attacker that gets too little processor time for its own handshake is turned away: some may be,
# but it would be no attack if most were.
REFUSED_MAX = 0.2


@dataclass(frozen=True)
class Arena:
    """A balancer, the host that others ask for, and the host that is attacked."""

    server: Secure
    host: str
    victim: str


@dataclass
class Damage:
    """What one run of an attack did."""

    fates: list[dict] = field(default_factory=list)
    # Seconds of the bystander's slowest answer, and how many it got.
    slowest: float = 0.0
    answers: int = 0
    errors: list[str] = field(default_factory=list)
    growth: int = 0

    @property
    def open(self) -> int:
        """Hostile connections that nobody ended."""
        return sum(1 for fate in self.fates if fate["ended"] is None)

    def __str__(self) -> str:
        codes = sorted({str(fate["code"]) for fate in self.fates})
        ends = [fate["ended"] for fate in self.fates if fate["ended"] is not None]
        refused = sorted({fate["refused"] for fate in self.fates if fate["refused"]})
        return (
            f"{self.open} of {len(self.fates)} still open, refused {refused}, others ended within "
            f"{max(ends, default=0):.1f} s with {', '.join(codes)}; "
            f"{sum(fate['sent'] for fate in self.fates) >> 10} KiB sent; memory grew by "
            f"{self.growth / MIB:.1f} MiB; slowest of {self.answers} answers "
            f"{self.slowest * 1000:.0f} ms; errors {self.errors[:3]}"
        )


class Bystander:
    """A client that does nothing wrong, and notes how long it waits."""

    def __init__(self, server: Secure, host: str):
        self.server, self.host = server, host
        self.damage = Damage()
        self.before = resident(server.process.pid)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Damage:
        self._thread.start()
        return self.damage

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        kept = None
        while not self._stopped.wait(PACE_SECONDS):
            began = time.monotonic()
            fresh = self.damage.answers % FRESH_EVERY == 0
            try:
                if fresh or kept is None:
                    if kept is not None:
                        kept.close()
                    kept = self.server.connect()
                response = kept.get("/", self.host)
                if response.status != 200:
                    self.damage.errors.append(f"status {response.status}")
            except (OSError, http1.Closed, http1.Broken) as error:
                self.damage.errors.append(repr(error))
                kept = None
            self.damage.slowest = max(self.damage.slowest, time.monotonic() - began)
            self.damage.answers += 1
            grown = resident(self.server.process.pid) - self.before
            self.damage.growth = max(self.damage.growth, grown)
        if kept is not None:
            kept.close()


def attack(arena: Arena, what: Attack, seconds: float, connections: int = CONNECTIONS) -> Damage:
    """Runs an attack beside a bystander."""
    server = arena.server
    command = [sys.executable, "-m", "harness.edge.attack", what.name, "--host", arena.victim]
    command += ["--tls", str(server.https), "--plain", str(server.http)]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    with Bystander(server, arena.host) as damage:
        done = subprocess.run(
            command,
            cwd=CONFORMANCE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=seconds + SPARE_SECONDS,
            check=True,
        )
    damage.fates = json.loads(done.stdout)
    return damage


def withstand(arena: Arena, what: Attack, seconds: float, connections: int = CONNECTIONS) -> Damage:
    """Runs an attack, again if time was what it broke, and fails when a bound is broken."""
    for _ in range(TRIES):
        damage = attack(arena, what, seconds, connections)
        print(f"{what.name}: {damage}")
        assert arena.server.process.poll() is None, "the balancer has ended"
        assert damage.growth <= GROWTH_BYTES_MAX * connections / CONNECTIONS, (
            f"{what.name}: {damage}"
        )
        is_over = damage.open == 0 or not what.must_end
        if is_over and damage.slowest <= ANSWER_SECONDS_MAX:
            break
    assert damage.errors == [], f"{what.name}: {damage}"
    assert damage.slowest <= ANSWER_SECONDS_MAX, f"{what.name}: {damage}"
    refused = sum(1 for fate in damage.fates if fate["refused"])
    assert refused <= connections * REFUSED_MAX, f"{what.name}: {damage}"
    if what.must_end:
        assert damage.open == 0, f"{what.name}: {damage}"
    for fate in damage.fates:
        assert fate["ended"] is not None or fate["resets"] >= what.streams, f"{what.name}: {fate}"
    return damage
