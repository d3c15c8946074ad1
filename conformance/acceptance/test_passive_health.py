"""Passive health: endpoints that fail real traffic are left alone, where that is switched on."""

import time
from collections import Counter

import httpx
import pytest

from harness import waiting
from harness.evenkeel import TOKEN, Evenkeel

# Answers with the status that the endpoint was told to have.
PATH = "/condition"

# How long an endpoint is left alone: long against a hundred requests, short against patience.
TIME_SECONDS = 3


@pytest.fixture
def own_edge(tmp_path):
    """A balancer with passive health on."""
    server = Evenkeel(tmp_path / "own")
    server.flags |= {
        "--passive-health": "on",
        "--passive-health-failures": "3",
        "--passive-health-time": str(TIME_SECONDS),
    }
    try:
        yield server.start()
    finally:
        server.kill()


def metric(server: Evenkeel, name: str) -> int:
    """A number of the metrics page."""
    page = httpx.get(f"http://127.0.0.1:{server.api}/metrics").text
    (line,) = (line for line in page.splitlines() if line.startswith(f"evenkeel_{name} "))
    return int(line.split()[1])


def ask(server: Evenkeel, host: str, count: int = 100, *headers: tuple[str, str]) -> Counter:
    """Who answered, and with which status."""
    with server.connect() as connection:
        answers = [connection.get(PATH, host, headers) for _ in range(count)]
    return Counter((answer.endpoint, answer.status) for answer in answers)


def ask_until_ejected(server: Evenkeel, host: str) -> None:
    """Sends requests until an endpoint is left alone."""

    def look() -> bool:
        ask(server, host, 20)
        return metric(server, "endpoints_ejected") == 1

    waiting.until("an ejection", look)


def explained(server: Evenkeel, host: str) -> str:
    """What is said of a request."""
    url = f"http://127.0.0.1:{server.api}/evenkeel/v1/explain"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(url, headers=headers, json={"url": f"http://{host}{PATH}"})
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def test_an_endpoint_that_answers_with_errors_is_left_alone_and_comes_back(
    own_edge, own_control, endpoints
):
    a, b = endpoints("a", "b")
    balancer = own_control.balancer(own_control.pool(a, b))
    own_edge.await_answer(balancer.host, "a", "b")
    assert metric(own_edge, "ejections_total") == 0
    a.set_health(503)
    ask_until_ejected(own_edge, balancer.host)
    start, mark = time.monotonic(), a.mark()
    assert ask(own_edge, balancer.host) == {("b", 200): 100}
    said = explained(own_edge, balancer.host)
    assert "endpoint a is passed over: ejected for server errors" in said
    assert "endpoint b is chosen" in said
    assert time.monotonic() - start < TIME_SECONDS - 1, "too slow to tell"
    assert a.requests(mark) == []
    a.set_health(200)
    own_edge.await_answer(balancer.host, "a", "b")
    assert metric(own_edge, "endpoints_ejected") == 0
    assert metric(own_edge, "ejections_total") == 1
    assert "ejected" not in explained(own_edge, balancer.host)


def test_one_that_fails_again_is_left_alone_for_longer(own_edge, own_control, endpoints):
    a, b = endpoints("a", "b")
    balancer = own_control.balancer(own_control.pool(a, b))
    own_edge.await_answer(balancer.host, "a", "b")
    a.set_health(500)
    lengths = []
    for _ in range(2):
        ask_until_ejected(own_edge, balancer.host)
        start = time.monotonic()
        waiting.until("its return", lambda: metric(own_edge, "endpoints_ejected") == 0, 10.0)
        lengths.append(time.monotonic() - start)
    first, second = lengths
    assert first <= TIME_SECONDS + 0.5
    assert TIME_SECONDS < second <= 2 * TIME_SECONDS + 0.5


def test_an_endpoint_that_refuses_connections_is_not_tried_any_more(
    own_edge, own_control, endpoints
):
    a, b = endpoints("a", "b")
    balancer = own_control.balancer(own_control.pool(a, b))
    own_edge.await_answer(balancer.host, "a", "b")
    a.kill()
    # Those that the endpoint had open end first; then it refuses, and stands out by it.
    ask_until_ejected(own_edge, balancer.host)
    before = metric(own_edge, "failovers_total")
    start = time.monotonic()
    assert ask(own_edge, balancer.host) == {("b", 200): 100}
    said = explained(own_edge, balancer.host)
    assert "endpoint a is passed over: ejected for connect failures" in said
    assert time.monotonic() - start < TIME_SECONDS - 1, "too slow to tell"
    assert metric(own_edge, "failovers_total") == before
    a.start()
    own_edge.await_answer(balancer.host, "a", "b")


def test_a_session_moves_as_it_would_from_an_unhealthy_endpoint(own_edge, own_control, endpoints):
    a, b = endpoints("a", "b")
    balancer = own_control.balancer(own_control.pool(a, b), session_affinity="cookie")
    own_edge.await_answer(balancer.host, "a", "b")

    def begin():
        answer = own_edge.get(PATH, balancer.host)
        return answer.cookie() if answer.endpoint == "a" else None

    cookie = waiting.until("a session with a", begin)
    a.set_health(500)
    headers = [("Cookie", cookie)]
    # The session itself is the evidence.
    answers = [own_edge.get(PATH, balancer.host, headers) for _ in range(30)]
    met = [(answer.endpoint, answer.status) for answer in answers]
    assert met == sorted(met), "first the one, then the other"
    assert set(met) == {("a", 500), ("b", 200)}
    moved = answers[-1]
    assert answers[0].cookie() is None and moved.cookie() is not None
    again = own_edge.get(PATH, balancer.host, [("Cookie", moved.cookie())])
    assert (again.endpoint, again.cookie()) == ("b", None)


def test_a_pool_never_loses_its_last_endpoint(own_edge, own_control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    alone = own_control.balancer(own_control.pool(a), own_control.pool(c))
    pair = own_control.balancer(own_control.pool(b, c))
    own_edge.await_answer(alone.host, "a")
    own_edge.await_answer(pair.host, "b", "c")
    for endpoint in (a, b, c):
        endpoint.set_health(500)
    assert ask(own_edge, alone.host) == {("a", 500): 100}
    assert metric(own_edge, "endpoints_ejected") == 0
    ask_until_ejected(own_edge, pair.host)
    assert len(ask(own_edge, pair.host)) == 1
    assert metric(own_edge, "endpoints_ejected") == 1


def test_nothing_changes_while_it_is_off(edge, control, endpoints):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b)
    balancer = control.balancer(pool)
    sessions = control.balancer(pool, session_affinity="cookie")
    edge.await_answer(balancer.host, "a", "b")
    edge.await_answer(sessions.host, "a", "b")

    def begin():
        answer = edge.get(PATH, sessions.host)
        return answer.cookie() if answer.endpoint == "a" else None

    cookie = waiting.until("a session with a", begin)
    a.set_health(500)
    met = ask(edge, balancer.host, 200)
    assert set(met) == {("a", 500), ("b", 200)} and met[("a", 500)] > 50
    assert ask(edge, sessions.host, 100, ("Cookie", cookie)) == {("a", 500): 100}
    a.kill()
    before = metric(edge, "failovers_total")
    assert ask(edge, balancer.host, 200) == {("b", 200): 200}
    assert metric(edge, "failovers_total") - before > 50
    assert metric(edge, "endpoints_ejected") == metric(edge, "ejections_total") == 0
