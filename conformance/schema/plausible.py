"""Makes an invented body mean something: the rules that a schema cannot say, such as that a monitor
waits for an answer no longer than until its next probe, refuse nearly everything that is drawn at
random. What is of the wrong type stays wrong.
"""

import json
import re
import zlib
from typing import Any

# One in so many bodies stays as it was invented.
STRANGE = 4

NAME = re.compile(r"[^-_a-zA-Z0-9]")

# Conditions that a load balancer may have, drawn from by what was invented.
CONDITIONS = ["", 'http.request.uri.path contains "/a"', "ip.src in {192.0.2.0/24}", "not ("]


def number(value: object) -> int:
    """A number that is always the same for the same value."""
    return zlib.crc32(json.dumps(value, sort_keys=True).encode())


def plausible(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body of a request to that path, most often in a form that can succeed."""
    if number(body) % STRANGE == 0:
        return body
    if "/monitors" in path or path.endswith("/preview"):
        return monitor(body)
    if "/pools" in path:
        return pool(body)
    if "/monitor_groups" in path:
        return body
    return balancer(body)


def monitor(body: dict[str, Any]) -> dict[str, Any]:
    """A monitor that can be probed with."""
    fixed = body | {"header": {"X-Invented": ["yes"]}, "expected_codes": "2xx,301"}
    for name, limit in (("retries", 5), ("timeout", 10)):
        if isinstance(body.get(name), int):
            fixed[name] = min(body[name], limit)
    if isinstance(body.get("interval"), int):
        fixed["interval"] = max(body["interval"], 61)
    if isinstance(body.get("path"), str):
        fixed["path"] = f"/{number(body['path'])}"
    if body.get("type") in ("tcp", "smtp", "udp_icmp") and not body.get("port"):
        fixed["port"] = 1 + number(body) % 65_535
    fixed.pop("method", None)
    return fixed


def pool(body: dict[str, Any]) -> dict[str, Any]:
    """A pool of endpoints that are nobody's."""
    fixed = dict(body)
    if isinstance(body.get("name"), str):
        fixed["name"] = f"{NAME.sub('', body['name'])[:30]}-{number(body)}"
    if isinstance(body.get("origins"), list):
        fixed["origins"] = [
            origin(index, one) if isinstance(one, dict) else one
            for index, one in enumerate(body["origins"])
        ]
    if ("latitude" in body) != ("longitude" in body):
        fixed |= {"latitude": 1.5, "longitude": -2}
    if body.get("monitor") and body.get("monitor_group"):
        del fixed["monitor_group"]
    if body.get("health_sources"):
        fixed |= {"health_sources": ["regional", "global"], "check_regions": ["WEU"]}
    if isinstance(body.get("description"), str):
        fixed["description"] = body["description"][:100]
    return fixed


def origin(index: int, body: dict[str, Any]) -> dict[str, Any]:
    """One of its endpoints, with a name and an address of its own."""
    fixed = body | {"name": f"o{index}", "address": f"192.0.2.{1 + index % 250}"}
    if isinstance(body.get("weight"), (int, float)):
        fixed["weight"] = round(min(max(body["weight"], 0), 1), 2)
    for name in ("header", "virtual_network_id"):
        fixed.pop(name, None)
    return fixed


def balancer(body: dict[str, Any]) -> dict[str, Any]:
    """A load balancer whose lists name nobody twice."""
    fixed = dict(body)
    for name, keys in (("pop_pools", ["LHR", "LAX"]), ("country_pools", ["GB", "US"])):
        if isinstance(body.get(name), dict):
            fixed[name] = dict(zip(keys, map(once, body[name].values()), strict=False))
    if isinstance(body.get("region_pools"), dict):
        fixed["region_pools"] = {key: once(ids) for key, ids in body["region_pools"].items()}
    if "default_pools" in body:
        fixed["default_pools"] = once(body["default_pools"])
    if isinstance(body.get("rules"), list):
        fixed["rules"] = [rule(one) if isinstance(one, dict) else one for one in body["rules"]]
    if isinstance(body.get("random_steering"), dict):
        fixed["random_steering"] = {"default_weight": 0.25}
    for name in ("session_affinity_ttl", "session_affinity_attributes", "pool_sets"):
        if number([body, name]) % 2:
            fixed.pop(name, None)
    return fixed


def once(ids: object) -> object:
    """A list without what it has twice, and not empty."""
    return list(dict.fromkeys(map(str, ids))) or ["0" * 32] if isinstance(ids, list) else ids


def rule(body: dict[str, Any]) -> dict[str, Any]:
    """A rule with a condition that can be read, mostly, and overrides that are harmless."""
    fixed = body | {"condition": CONDITIONS[number(body) % len(CONDITIONS)], "name": "invented"}
    if isinstance(body.get("overrides"), dict):
        fixed["overrides"] = {"ttl": 60, "steering_policy": "off"}
    fixed.pop("fixed_response", None)
    return fixed
