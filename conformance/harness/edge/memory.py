"""Memory and connections of a process, as the kernel counts them."""

from pathlib import Path

# Established, and closed by the client alone.
HELD = {"01", "08"}

KIB = 1024
MIB = 1024 * KIB


def resident(process: int) -> int:
    """Bytes of a process that are in memory now."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * KIB
    raise ProcessLookupError(process)


def clients(*ports: int) -> int:
    """How many connections to listeners on these ports of 127.0.0.1 a process still holds."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listeners = {f"0100007F:{port:04X}" for port in ports}
    return sum(1 for row in rows if row[1] in listeners and row[3] in HELD)
