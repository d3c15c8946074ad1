"""Memory of a process, as the kernel counts it."""

from pathlib import Path

KIB = 1024
MIB = 1024 * KIB


def resident(process: int) -> int:
    """Bytes of a process that are in memory now."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * KIB
    raise ProcessLookupError(process)


def descriptors(process: int) -> int:
    """How many descriptors it has open."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())
