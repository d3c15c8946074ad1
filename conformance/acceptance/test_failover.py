"""Endpoints die, and nobody notices."""

import time

import pytest

from harness.load import Load, by_endpoint, failures, failures_beside

RATE = 200


@pytest.fixture
def pair(edge, control, endpoints):
    """Two endpoints in one monitored pool, and the host name they serve."""
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a, b, monitor=control.monitor()))
    edge.await_answer(balancer.host, "a", "b")
    return a, b, balancer.host


def test_kill_9_of_an_endpoint_under_load_fails_no_get(edge, pair):
    a, b, host = pair
    load = Load(edge.http, host, RATE).start()
    before, mark = b.mark(), a.mark()
    a.await_probe()
    b.await_probe(before)
    begin = time.monotonic()
    a.kill()
    death = (begin, time.monotonic())
    # Two intervals later the verdict is in, whatever the phase of the probes.
    for _ in range(3):
        b.await_probe()
    quiet = b.mark()
    b.await_probe()
    outcomes = load.stop()
    assert failures_beside(outcomes, [death]) == []
    assert len(outcomes) > 3 * RATE, "the load ran on through the failure"
    assert a.requests(mark), "the endpoint was in use before it died"
    assert len(b.requests(quiet)) > RATE / 2, "the other one took over"


def test_ten_kills_in_a_row_fail_no_get(edge, control, endpoints):
    """Without a monitor, so that only the retry helps, and at moments that nobody chose.

    A process that is killed loses its connections first and its listener last: a request that is
    sent again may find the port still open, and be reset there once more.
    """
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a, b))
    edge.await_answer(balancer.host, "a", "b")
    load = Load(edge.http, balancer.host, RATE).start()
    deaths = []
    for _ in range(10):
        a.await_requests(RATE // 2)
        mark = b.mark()
        begin = time.monotonic()
        a.kill()
        deaths.append((begin, time.monotonic()))
        b.await_requests(RATE // 4, mark)
        a.start()
    assert failures_beside(load.stop(), deaths) == []


def test_after_detection_no_request_tries_the_dead_endpoint(edge, pair):
    """A listener on the dead endpoint's port notes who still comes: monitors, and nobody else."""
    a, b, host = pair
    a.kill()
    a.set_health(503)
    a.start()
    a.await_probe()
    edge.await_answer(host, "b")
    mark = a.mark()
    outcomes = []
    load = Load(edge.http, host, RATE).start()
    for _ in range(3):
        a.await_probe()
    outcomes = load.stop()
    assert failures(outcomes) == []
    assert set(by_endpoint(outcomes)) == {"b"} and len(outcomes) > RATE
    assert a.requests(mark) == []
    probes = {probe["connection"] for probe in a.probes(mark)}
    strangers = {event["connection"] for event in a.events("open", mark)} - probes
    assert len(strangers) <= 1, "only a probe that is still on its way may be open"


def test_an_endpoint_comes_back(edge, pair):
    a, b, host = pair
    a.kill()
    b.await_probe()
    edge.await_answer(host, "b")
    a.start()
    edge.await_answer(host, "a", "b")


def test_the_fallback_pool_serves_when_all_else_is_down(edge, control, endpoints):
    first, second, last = endpoints("first", "second", "last")
    monitor = control.monitor()
    one, two = (control.pool(endpoint, monitor=monitor) for endpoint in (first, second))
    fallback = control.pool(last, monitor=monitor)
    balancer = control.balancer(one, two, fallback_pool=fallback)
    edge.await_answer(balancer.host, "first")
    first.kill()
    edge.await_answer(balancer.host, "second")
    # The fallback serves whatever its own monitor says.
    last.set_health(503)
    last.await_probe()
    second.kill()
    edge.await_answer(balancer.host, "last")
    assert [edge.get("/", balancer.host).endpoint for _ in range(20)] == ["last"] * 20
    second.start()
    edge.await_answer(balancer.host, "second")
    first.start()
    edge.await_answer(balancer.host, "first")


def test_a_refused_connection_is_retried_on_another_endpoint(edge, control, endpoints):
    """No monitor: nobody knows that the endpoint is dead, and still no request fails, POSTs too."""
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a, b))
    edge.await_answer(balancer.host, "a", "b")
    a.kill()
    mark = b.mark()
    body = b"once and whole" * 1000
    with edge.connect() as connection:
        for _ in range(50):
            assert connection.ask("POST", "/", balancer.host, body=body).endpoint == "b"
    received = b.events("body", mark)
    assert [event["length"] for event in received] == [len(body)] * 50


def test_with_nobody_left_the_client_learns_why(edge, control, endpoints):
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a, b))
    edge.await_answer(balancer.host, "a", "b")
    a.kill()
    b.kill()
    assert edge.get("/", balancer.host).status == 521


def test_trap_t07_what_an_endpoint_answers_is_never_retried(edge, control, endpoints):
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a, b))
    edge.await_answer(balancer.host, "a", "b")
    for status in (502, 503, 521, 530):
        marks = a.mark(), b.mark()
        response = edge.get(f"/status/{status}", balancer.host)
        assert (response.status, response.body) == (status, b"body")
        assert len(a.requests(marks[0])) + len(b.requests(marks[1])) == 1


def test_trap_t42_a_stale_connection_is_replaced_without_a_sign(edge, control, endpoints):
    """An endpoint that restarts has closed every connection that the balancer kept to it."""
    (a,) = endpoints("a")
    balancer = control.balancer(control.pool(a))
    edge.await_answer(balancer.host, "a")
    with edge.connect() as connection:
        for _ in range(5):
            assert connection.get("/", balancer.host).status == 200
            a.kill()
            a.start()
            assert connection.get("/", balancer.host).status == 200
