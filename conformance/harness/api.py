"""The API as bytes on one connection: many times cheaper than an SDK, so that what is slow or in
disorder under load is the product."""

import json
from collections.abc import Iterator
from typing import Any

from harness import http1
from harness.evenkeel import ACCOUNT, TOKEN, Evenkeel

POOLS = f"/accounts/{ACCOUNT}/load_balancers/pools"
MONITORS = f"/accounts/{ACCOUNT}/load_balancers/monitors"


class Refused(Exception):
    """An answer without success: its status, and the code of its first error."""

    def __init__(self, status: int, body: bytes):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.code = json.loads(body)["errors"][0]["code"]


class Api:
    """A keep-alive connection to the API. Not for two threads."""

    def __init__(self, server: Evenkeel, timeout: float = 60.0):
        self.server = server
        self.connection = http1.Connection(server.api, timeout)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The `result` of a success; raises `Refused` for anything else."""
        sent = b"" if body is None else json.dumps(body).encode()
        headers = [("Authorization", f"Bearer {TOKEN}")]
        if sent:
            headers.append(("Content-Type", "application/json"))
        answer = self.connection.ask(method, f"/client/v4{path}", "localhost", headers, sent)
        if answer.status != 200:
            raise Refused(answer.status, answer.body)
        return json.loads(answer.body)["result"]

    def get(self, path: str) -> Any:
        """GET."""
        return self.ask("GET", path)

    def post(self, path: str, body: object) -> Any:
        """POST."""
        return self.ask("POST", path, body)

    def patch(self, path: str, body: object) -> Any:
        """PATCH."""
        return self.ask("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self.ask("DELETE", path)


def pools_of(balancer: dict) -> Iterator[str]:
    """Every pool that a load balancer names, wherever it does."""
    yield from balancer.get("default_pools", [])
    if "fallback_pool" in balancer:
        yield balancer["fallback_pool"]
    for name in ("region_pools", "country_pools", "pop_pools"):
        for pools in balancer.get(name, {}).values():
            yield from pools
    yield from balancer.get("random_steering", {}).get("pool_weights", {})
    for rule in balancer.get("rules", []):
        yield from pools_of(rule.get("overrides", {}))
