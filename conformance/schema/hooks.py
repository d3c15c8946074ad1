"""Gives generated requests something to meet: of the ids that schemathesis invents, most become ids
of objects that exist, and host names fall into the zone. Loaded by schemathesis, never by pytest.

What an id becomes depends on its digits alone, so that a failing request shrinks and repeats.
"""

import json
import os
import re

import schemathesis
from plausible import plausible

IDS = json.loads(os.environ["EVENKEEL_SCHEMA_IDS"])
HEX = re.compile(r"[0-9a-f]{32}")
LABEL = re.compile(r"[^a-z0-9]")

# One in so many ids stays as it was invented, which is nobody's.
STRANGER = 8

KINDS = {"monitor": "monitor", "monitor_id": "monitor", "monitor_group": "monitor_group"}


def existing(id: str, kind: str) -> str:
    """An id of that kind that exists, mostly."""
    number = int(id, 16)
    return id if number % STRANGER == STRANGER - 1 else IDS[kind][number % len(IDS[kind])]


def placed(value: object, kind: str = "pool") -> object:
    """A body whose ids exist. An id stands for a pool unless its member says otherwise."""
    if isinstance(value, dict):
        return {
            existing(name, "pool") if HEX.fullmatch(name) else name: placed(
                inner, KINDS.get(name, "pool")
            )
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [placed(inner, kind) for inner in value]
    if isinstance(value, str) and HEX.fullmatch(value):
        return existing(value, kind)
    return value


@schemathesis.hook
def map_body(context, body):
    """Bodies name what exists; load balancers are called something inside the zone."""
    path = context.operation.path
    body = placed(plausible(path, body) if isinstance(body, dict) else body)
    is_balancer = path.startswith("/zones/")
    if is_balancer and isinstance(body, dict) and isinstance(body.get("name"), str):
        label = LABEL.sub("", body["name"].lower())[:40]
        body["name"] = f"{label}.{IDS['zone_name']}" if label else IDS["zone_name"]
    return body


@schemathesis.hook
def map_path_parameters(context, parameters):
    """Zone and account are always those that exist, what lies below them mostly."""
    if not parameters:
        return parameters
    found = dict(parameters)
    for name, value in parameters.items():
        kind = name.removesuffix("_id")
        if kind in ("zone", "account"):
            found[name] = IDS[kind][0]
        elif kind in IDS and isinstance(value, str) and HEX.fullmatch(value):
            found[name] = existing(value, kind)
    return found
