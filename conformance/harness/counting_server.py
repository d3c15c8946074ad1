"""An endpoint for large numbers: answers as fast as it can, and only counts.

Started as `python -m harness.counting_server --port N`; prints `ready` once it listens.
`/status/NNN` is answered with that status, all else with 200. When its standard input ends, it
prints what it counted as one line of JSON and ends: `{"connections": …, "statuses": {"200": …}}`.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter

CONNECTIONS = "connections"


class Counting(asyncio.Protocol):
    """One connection. Requests have no bodies."""

    connections = 0
    statuses: Counter = Counter()

    def __init__(self) -> None:
        self.held = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self.held = (self.held + data).split(b"\r\n\r\n")
        if heads and not hasattr(self, "is_counted"):
            # A connection that was opened and never used is nobody's.
            self.is_counted = True
            Counting.connections += 1
        for head in heads:
            target = head.split(b" ", 2)[1]
            status = target[8:11] if target.startswith(b"/status/") else b"200"
            Counting.statuses[status.decode()] += 1
            self.transport.write(b"HTTP/1.1 %b Because\r\nContent-Length: 2\r\n\r\nok" % status)


async def main() -> None:
    """Listens until nobody holds its standard input any more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    loop = asyncio.get_running_loop()
    await loop.create_server(Counting, "127.0.0.1", port)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({CONNECTIONS: Counting.connections, "statuses": Counting.statuses}))


if __name__ == "__main__":
    asyncio.run(main())
