"""A WebSocket endpoint, a process of its own that keeps a journal; `websockets` does the protocol.

Started as `python -m harness.edge.websocket_server`. Paths: `/echo` sends every message back;
`/close/CODE/REASON` closes after the first message; `/push/COUNT/BYTES` sends messages unasked;
`/_probe` answers with the health file's status. The journal has an `open` and a `close` with its
code for each session; pings are answered by the library.
"""

import argparse
import asyncio
import http
import json
import os
import time
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class Server:
    """Its journal, and its verdict on its own health."""

    def __init__(self, options: argparse.Namespace):
        self.name, self.health = options.name, options.health
        self.journal = os.open(options.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, event: str, **facts: object) -> None:
        """One line of the journal."""
        line = json.dumps({"event": event, "t": time.monotonic(), **facts})
        os.write(self.journal, line.encode() + b"\n")

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Probes and plain requests get a plain answer."""
        probe = request.path.startswith("/_probe")
        headers = list(request.headers.raw_items())
        self.note("head", probe=probe, target=request.path, headers=headers)
        if probe:
            status = int(self.health.read_text())
            return connection.respond(http.HTTPStatus(status), "")
        if "upgrade" not in request.headers:
            return connection.respond(http.HTTPStatus.OK, self.name)
        return None

    def named(self, _: ServerConnection, __: Request, response: Response) -> None:
        """Every answer says who gave it."""
        response.headers["X-Endpoint"] = self.name

    async def session(self, connection: ServerConnection) -> None:
        """One session, to its end."""
        path = connection.request.path
        self.note("open", target=path)
        what, *words = path.split("?")[0].split("/")[1:]
        try:
            match what:
                case "push":
                    for _ in range(int(words[0])):
                        await connection.send(bytes(int(words[1])))
                case "close":
                    await connection.recv()
                    await connection.close(int(words[0]), words[1])
                case _:
                    async for message in connection:
                        await connection.send(message)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        code, reason = connection.close_code, connection.close_reason
        self.note("close", target=path, code=code, reason=reason)


async def main() -> None:
    """Listens until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--health", type=Path, required=True)
    options = parser.parse_args()
    server = Server(options)
    async with serve(
        server.session,
        "127.0.0.1",
        options.port,
        process_request=server.answer,
        process_response=server.named,
        compression=None,
        max_size=None,
        ping_interval=None,
        select_subprotocol=lambda _, offered: next(iter(offered), None),
    ) as listening:
        print("ready", flush=True)
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
