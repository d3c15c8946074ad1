"""An endpoint that changes protocols as it likes, a process with the journal of the others.

Started as `python -m harness.edge.upgrade_server`. Paths: `/generic` agrees to whatever upgrade is
asked for and then sends bytes back; `/refuse` answers 200 instead; `/anyway` answers 101 to whoever
asks, upgrade or not; `/silent` agrees and says nothing more; `/greet` speaks first, in the same
packet as its 101. All else is answered as by `harness.endpoint_server`.
"""

import argparse
import asyncio
from pathlib import Path

from harness import endpoint_server
from harness.endpoint_server import Endpoint, describe, read_head

READ_BYTES = 1 << 16


class Upgrading(Endpoint):
    """The server."""

    async def exchange(self, connection: int, reader, writer) -> bool:
        """One request; an upgrade lasts to the connection's end."""
        request = await read_head(reader)
        if request is None:
            return False
        facts = {"method": request.method, "target": request.target, "headers": request.headers}
        self.note("head", connection=connection, probe=request.is_probe, **facts)
        what, wish = request.words[0], request.all("upgrade")
        if what not in ("generic", "silent", "greet", "anyway") or not (wish or what == "anyway"):
            body = self.noted(connection, request, endpoint_server.read_body(request, reader))
            route = endpoint_server.ROUTES.get(what, describe)
            keep = await route(self, request, body, writer)
            async for _ in body:
                pass
            await writer.drain()
            return keep and "close" not in request.all("connection")
        protocol = wish[0] if wish else "something"
        lines = [f"Upgrade: {protocol}", "Connection: Upgrade"]
        greeting = b"hello" if what == "greet" else b""
        writer.write(endpoint_server.head(self, 101, *lines) + greeting)
        total = 0
        while data := await reader.read(READ_BYTES):
            total += len(data)
            if what != "silent":
                writer.write(data)
                await writer.drain()
        self.note("tunnel", connection=connection, length=total)
        return False


async def main() -> None:
    """Listens until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--health", type=Path, required=True)
    options = parser.parse_args()
    endpoint = Upgrading(options.name, options.journal, options.health)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", options.port)
    async with server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
