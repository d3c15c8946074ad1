"""A balancer that ends TLS, and zones that differ in what they say of it."""

import ssl
from pathlib import Path

from harness import http1
from harness.control import Control
from harness.edge.authority import Authority
from harness.evenkeel import Evenkeel
from harness.ports import free_port

# Zones with these settings. The names are known before the zones are made, and so the certificate
# that the listeners have from the start is right for each host in them.
ZONES: dict[str, dict[str, str]] = {
    "off": {},
    "flexible": {"ssl": "flexible"},
    "full": {"ssl": "full"},
    "strict": {"ssl": "strict"},
    "https": {"always_use_https": "on"},
    "tls13": {"min_tls_version": "1.3"},
    "http1": {"http2": "off"},
    "endpoint-http1": {"ssl": "full", "origin_max_http_version": "1"},
    "tunnels-off": {"websockets": "off"},
    "pulls": {"ssl": "full", "tls_client_auth": "on"},
}


def zone_name(kind: str) -> str:
    """The zone with these settings."""
    return f"edge-{kind}.example"


class Secure(Evenkeel):
    """`evenkeel serve` with a TLS listener whose certificate `authority` has issued."""

    def __init__(self, folder: Path, authority: Authority):
        super().__init__(folder)
        self.authority = authority
        self.https = free_port()
        pair = authority.issue(
            "localhost", "127.0.0.1", *(f"*.{zone_name(kind)}" for kind in ZONES)
        )
        self.flags |= {
            "--https": f"127.0.0.1:{self.https}",
            "--tls-cert": str(pair.certificate),
            "--tls-key": str(pair.key),
            "--h2c-endpoints": "grpc",
        }

    def limit(self, **seconds: float) -> None:
        """Sets time limits, `request_head=2` for `--request-head-timeout 2`."""
        for name, value in seconds.items():
            self.flags[f"--{name.replace('_', '-')}-timeout"] = str(value)

    def connect_securely(
        self, host: str, timeout: float = 10.0, tls: ssl.SSLContext | None = None
    ) -> http1.Connection:
        """A client's connection over TLS that speaks HTTP/1.1."""
        connection = http1.Connection(self.https, timeout)
        tls = tls or self.client("http/1.1")
        connection.stream.close()
        connection.socket = tls.wrap_socket(connection.socket, server_hostname=host)
        connection.stream = connection.socket.makefile("rb")
        return connection

    def client(self, *protocols: str) -> ssl.SSLContext:
        """What a client uses that offers these protocols."""
        return self.authority.client(*protocols)


class Zones(Control):
    """The control plane of such a balancer."""

    def __init__(self, server: Secure):
        super().__init__(server)
        self._zones: dict[str, str] = {}

    def of(self, kind: str) -> str:
        """The id of the zone with the settings of that name."""
        if kind not in self._zones:
            account = {"id": self.server.variables["EVENKEEL_ACCOUNT_ID"]}
            zone = self.sdk.zones.create(account=account, name=zone_name(kind)).id
            for name, value in ZONES[kind].items():
                self.sdk.zones.settings.edit(name, zone_id=zone, value=value)
            self._zones[kind] = zone
        return self._zones[kind]

    def site(self, *pools: str, kind: str = "off", **fields: object) -> str:
        """The host name of a new load balancer in the zone of that kind."""
        return self.balancer(*pools, zone=self.of(kind), **fields).host
