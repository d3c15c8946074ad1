"""Writes a small country database of the MaxMind format (version 2.0).

Addresses of this machine are in no country. A database of the operator's own may put them into
some, so that clients on loopback come from wherever a test wants.
"""

import ipaddress
from pathlib import Path


def write(path: Path, countries: dict[str, str]) -> Path:
    """A database that puts these IPv4 networks, disjoint ones, into these countries."""
    nodes: list[list[int | None]] = [[None, None]]
    leaves: list[tuple[int, int, int]] = []
    data = b""
    for network, country in countries.items():
        parsed = ipaddress.IPv4Network(network)
        node, bits = 0, f"{int(parsed.network_address):032b}"[: parsed.prefixlen]
        # IPv4 lies below ::/96.
        *way, last = [0] * 96 + [int(bit) for bit in bits]
        for side in way:
            if nodes[node][side] is None:
                nodes.append([None, None])
                nodes[node][side] = len(nodes) - 1
            node = nodes[node][side]
        leaves.append((node, last, len(data)))
        data += _map({"country": _map({"iso_code": _text(country)})})
    tree: list[list[int]] = [[len(nodes) if leg is None else leg for leg in node] for node in nodes]
    for node, side, place in leaves:
        tree[node][side] = len(nodes) + 16 + place
    records = b"".join(leg.to_bytes(3, "big") for node in tree for leg in node)
    about = _map(
        {
            "binary_format_major_version": _number(5, 2),
            "binary_format_minor_version": _number(5, 0),
            "ip_version": _number(5, 6),
            "record_size": _number(5, 24),
            "build_epoch": b"\x01\x02\x01",  # a number of 64 bits in one byte
            "database_type": _text("Example"),
            "description": _map({"en": _text("For tests")}),
            "languages": b"\x00\x04",  # an empty array
            "node_count": _number(6, len(nodes)),
        }
    )
    path.write_bytes(records + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + about)
    return path


def _head(kind: int, length: int) -> bytes:
    """The control byte; all that is written here is shorter than 29."""
    return bytes([kind << 5 | length])


def _text(text: str) -> bytes:
    return _head(2, len(text)) + text.encode()


def _number(kind: int, number: int) -> bytes:
    """Kind 5 has 16 bits, kind 6 has 32."""
    size = {5: 2, 6: 4}[kind]
    return _head(kind, size) + number.to_bytes(size, "big")


def _map(members: dict[str, bytes]) -> bytes:
    pairs = b"".join(_text(name) + value for name, value in members.items())
    return _head(7, len(members)) + pairs
