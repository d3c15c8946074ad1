"""Who is notified: a webhook's receiver and a mail server, each on a port of its own.

Both run as threads of the test's process and keep what arrives, in its order.
"""

import json
import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness import waiting
from harness.ports import free_port


class Receiver:
    """A server of ours; ends with the `with` that it is used in."""

    def __init__(self, server: socketserver.BaseServer):
        server.owner = self
        self.server = server
        self.port = server.server_address[1]
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@dataclass
class Post:
    """One request of a webhook."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    status: int


class Webhooks(Receiver):
    """Takes webhooks under any path. `refusals` are the statuses of a path's next answers."""

    def __init__(self):
        super().__init__(_HttpServer(("127.0.0.1", free_port()), _Webhook))
        self.posts: list[Post] = []
        self.refusals: dict[str, list[int]] = {}

    def url(self, path: str) -> str:
        """What a webhook names."""
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Keeps a request and returns the status of its answer."""
        with self.lock:
            left = self.refusals.get(path, [])
            status = left.pop(0) if left else 204
            self.posts.append(Post(path, headers, json.loads(body), status))
        return status

    def at(self, path: str) -> list[Post]:
        """What arrived there, refused or not."""
        with self.lock:
            return [post for post in self.posts if post.path == path]

    def taken(self, path: str) -> list[dict[str, Any]]:
        """The messages that were taken there."""
        return [post.body for post in self.at(path) if post.status < 300]

    def await_taken(self, path: str, count: int, within: float = 8.0) -> list[dict[str, Any]]:
        """The messages, once there are that many."""
        what = f"{count} messages at {path}"
        waiting.until(what, lambda: len(self.taken(path)) >= count, within)
        return self.taken(path)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True


class _Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.owner.take(self.path, headers, body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it expected."""


@dataclass
class Mail:
    """One message as the mail server took it."""

    sender: str
    receivers: list[str]
    message: Message


@dataclass
class _Envelope:
    sender: str = ""
    receivers: list[str] = field(default_factory=list)


class MailServer(Receiver):
    """A mail server in the clear that takes everything."""

    def __init__(self):
        super().__init__(_TcpServer(("127.0.0.1", free_port()), _Smtp))
        self.mails: list[Mail] = []

    def take(self, mail: Mail) -> None:
        """Keeps a message."""
        with self.lock:
            self.mails.append(mail)

    def to(self, address: str) -> list[Message]:
        """Messages for that address."""
        with self.lock:
            return [mail.message for mail in self.mails if address in mail.receivers]

    def await_mails(self, address: str, count: int, within: float = 8.0) -> list[Message]:
        """Messages for that address, once there are that many."""
        what = f"{count} mails to {address}"
        waiting.until(what, lambda: len(self.to(address)) >= count, within)
        return self.to(address)


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Smtp(socketserver.StreamRequestHandler):
    """RFC 5321 as far as one client goes that makes no mistakes."""

    def handle(self) -> None:
        self.say("220 sink.example ESMTP")
        envelope = _Envelope()
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO" | "NOOP":
                    self.say("250 sink.example")
                case "MAIL":
                    envelope = _Envelope(sender=address(rest))
                    self.say("250 OK")
                case "RCPT":
                    envelope.receivers.append(address(rest))
                    self.say("250 OK")
                case "DATA":
                    self.say("354 go on")
                    message = message_from_bytes(self.text())
                    mail = Mail(envelope.sender, envelope.receivers, message)
                    self.server.owner.take(mail)
                    self.say("250 taken")
                case "RSET":
                    envelope = _Envelope()
                    self.say("250 OK")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("502 what?")

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def text(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


def address(path: str) -> str:
    """The address in `FROM:<a@b.example>`."""
    return path.partition("<")[2].partition(">")[0]
