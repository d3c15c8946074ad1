"""Ports that nobody else takes between choosing them and listening on them."""

import random
import socket

# Below the range from which the kernel takes the local ports of outgoing connections (32768 up):
# a client's connection can then never sit on a port that a test is about to listen on.
LOWEST, HIGHEST = 15_000, 32_000

_given: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now and is not handed out again by this process."""
    for _ in range(1000):
        port = random.randrange(LOWEST, HIGHEST)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError("no free port found")
