"""Waiting for what no event announces."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Short against every limit that a test states, long against the cost of looking.
POLL_SECONDS = 0.02


def until(what: str, look: Callable[[], T], within: float = 5.0) -> T:
    """Looks until the answer is truthy and returns it; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what} (last seen: {seen!r})")
        time.sleep(POLL_SECONDS)
