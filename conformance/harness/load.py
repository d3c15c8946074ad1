"""Requests at a fixed rate, whatever becomes of them: an open loop, as users are one."""

import threading
import time
from collections import Counter
from dataclasses import dataclass

from harness import http1


@dataclass(frozen=True)
class Outcome:
    """One request: when it began, how long it took, and its status and endpoint, or its error."""

    began: float
    took: float
    status: int
    endpoint: str | None
    error: str = ""


class Load:
    """GETs at `rate` per second over keep-alive connections, from `start` to `stop`.

    A connection is opened anew only where the last response announced its end, as any client does;
    one that just breaks is a failed request.
    """

    def __init__(self, port: int, host: str, rate: float, connections: int = 16):
        self.port, self.host, self.rate = port, host, rate
        self.outcomes: list[Outcome] = []
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number, connections), daemon=True)
            for number in range(connections)
        ]

    def start(self) -> "Load":
        """Begins."""
        self._begin = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> list[Outcome]:
        """Ends, and returns every outcome in the order of beginning."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return sorted(self.outcomes, key=lambda outcome: outcome.began)

    def _run(self, number: int, step: int) -> None:
        connection = None
        while not self._stopped.is_set():
            due = self._begin + number / self.rate
            number += step
            if self._stopped.wait(max(0.0, due - time.monotonic())):
                break
            began = time.monotonic()
            try:
                connection = connection or http1.Connection(self.port)
                response = connection.get("/", self.host)
                took = time.monotonic() - began
                outcome = Outcome(began, took, response.status, response.endpoint)
                ends = "close" in response.all("connection")
            except (OSError, http1.Closed, http1.Broken) as error:
                outcome, ends = Outcome(began, time.monotonic() - began, 0, None, repr(error)), True
            self.outcomes.append(outcome)
            if ends and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()


def failures(outcomes: list[Outcome]) -> list[Outcome]:
    """Those that are not a 200."""
    return [outcome for outcome in outcomes if outcome.status != 200]


def by_endpoint(outcomes: list[Outcome]) -> Counter:
    """How many each endpoint answered."""
    return Counter(outcome.endpoint for outcome in outcomes)


def failures_beside(outcomes: list[Outcome], deaths: list[tuple[float, float]]) -> list[Outcome]:
    """What failed, but for one request at most that was under way when its endpoint died: `deaths`
    are the times within which endpoints did.

    On a new connection such a request is a 520 and not repeated, since nobody can tell that it was
    not acted on (behaviour.md 5.2). A busy machine meets that now and then.
    """
    failed = failures(outcomes)
    unlucky = [
        one
        for one in failed
        if one.status == 520
        and any(one.began < end and begin < one.began + one.took for begin, end in deaths)
    ]
    return [one for one in failed if one not in unlucky[:1]]
