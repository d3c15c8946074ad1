"""The page of metrics, read as a scraper reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness import http1
from harness.evenkeel import Evenkeel

SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Sample:
    """One line of the page."""

    name: str
    labels: dict[str, str]
    value: float


def text(server: Evenkeel) -> str:
    """The page as it is now."""
    response = http1.get(server.api, "/metrics", "localhost")
    assert response.status == 200
    return response.body.decode()


def samples(page: str) -> Iterator[Sample]:
    """Every sample of a page."""
    for line in page.splitlines():
        if line and not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found, f"no sample: {line}"
            labels = dict(LABEL.findall(found["labels"] or ""))
            yield Sample(found["name"], labels, float(found["value"]))


def value(server: Evenkeel, name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    return sum(
        sample.value
        for sample in samples(text(server))
        if sample.name == name and labels.items() <= sample.labels.items()
    )
