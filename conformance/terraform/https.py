"""HTTPS in front of the API, for a provider that speaks nothing else."""

import asyncio
import ssl
import subprocess
import threading
from pathlib import Path

from harness.ports import free_port


class Https:
    """Takes TLS connections on a port of its own and hands what they carry to another."""

    def __init__(self, folder: Path, upstream: int):
        self.port, self.upstream = free_port(), upstream
        self.certificate, key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(
            # fmt: off
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                key,
                "-out",
                self.certificate,
            ],
            # fmt: on
            check=True,
            capture_output=True,
        )
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(self.certificate, key)
        # Without h2, so that the bytes behind it are what the API reads.
        self.context.set_alpn_protocols(["http/1.1"])
        self.loop = asyncio.new_event_loop()

    def start(self) -> "Https":
        """Listens from now on."""
        serving = asyncio.start_server(self._relay, "127.0.0.1", self.port, ssl=self.context)
        self.loop.run_until_complete(serving)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        return self

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", self.upstream)
        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()
