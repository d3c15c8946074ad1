"""The name server of a balancer, asked by dnspython, by bytes, and by the tools that people use."""

import contextlib
import socket
import struct
import subprocess

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from harness.evenkeel import Evenkeel
from harness.ports import free_port

V4, V6 = "127.0.0.1", "::1"

# Longer than any answer on this machine takes.
PATIENCE = 10.0
# How long a client waits that expects no answer.
SILENCE = 0.3


class NameServer:
    """Where a balancer answers DNS, in both families on one port."""

    def __init__(self, server: Evenkeel):
        self.server = server
        self.port = free_port()
        server.flags |= {"--dns": f"{V4}:{self.port},[{V6}]:{self.port}"}

    def ask(
        self, name: str, kind: str = "A", where: str = V4, tcp: bool = False, **options
    ) -> dns.message.Message:
        """One question's answer; `options` are those of `make_query`."""
        query = dns.message.make_query(name, kind, **options)
        return self.exchange(query, where, tcp)

    def exchange(
        self, query: dns.message.Message, where: str = V4, tcp: bool = False
    ) -> dns.message.Message:
        """A query's answer, which has to be one to this query."""
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(query, where, timeout=PATIENCE, port=self.port)

    def data(self, name: str, kind: str = "A", **options) -> list[str]:
        """What the records of an answer say, of this type alone, in order."""
        answer = self.ask(name, kind, **options)
        wanted = dns.rdatatype.from_text(kind)
        found = [item for rrset in answer.answer if rrset.rdtype == wanted for item in rrset]
        return sorted(item.to_text() for item in found)

    def send(self, message: bytes, patience: float = PATIENCE) -> bytes | None:
        """What a datagram is answered with; `None` for silence."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(patience)
            client.connect((V4, self.port))
            client.send(message)
            with contextlib.suppress(TimeoutError):
                return client.recv(65535)
        return None

    def connect(self, patience: float = PATIENCE) -> socket.socket:
        """A TCP connection."""
        return socket.create_connection((V4, self.port), patience)

    def dig(self, *words: str, tool: str = "dig") -> str:
        """What `dig`, or another tool with its arguments, prints."""
        command = [tool, f"@{V4}", "-p", str(self.port), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def framed(message: bytes) -> bytes:
    """A message as it goes over TCP."""
    return struct.pack("!H", len(message)) + message


def read(connection: socket.socket) -> bytes | None:
    """The next message of a connection; `None` at its end."""
    head = exactly(connection, 2)
    return None if head is None else exactly(connection, struct.unpack("!H", head)[0])


def exactly(connection: socket.socket, count: int) -> bytes | None:
    """So many bytes; `None` when the connection ends first."""
    data = b""
    while len(data) < count:
        try:
            piece = connection.recv(count - len(data))
        except ConnectionError:
            return None
        if not piece:
            return None
        data += piece
    return data


def rcode(message: bytes) -> str:
    """The code of a response, its EDNS part included."""
    return dns.rcode.to_text(dns.message.from_wire(message, ignore_trailing=True).rcode())
