"""Connections to endpoints are kept and used again."""

import threading

from harness.http1 import Connection

REQUESTS = 5000
CLIENTS = 4


def test_more_than_999_of_1000_requests_reuse_a_connection(edge, control, endpoints):
    (a,) = endpoints("a")
    balancer = control.balancer(control.pool(a))
    edge.await_answer(balancer.host, "a")
    mark = a.mark()
    statuses: list[int] = []

    def client() -> None:
        with Connection(edge.http) as connection:
            for _ in range(REQUESTS // CLIENTS):
                statuses.append(connection.get("/", balancer.host).status)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * REQUESTS
    assert len(a.requests(mark)) == REQUESTS
    opened = len(a.connections(mark))
    assert 1 - opened / REQUESTS > 0.999, f"{opened} connections for {REQUESTS} requests"


def test_one_client_after_the_other_shares_one_connection(edge, control, endpoints):
    (a,) = endpoints("a")
    balancer = control.balancer(control.pool(a))
    edge.await_answer(balancer.host, "a")
    mark = a.mark()
    for number in range(200):
        assert edge.get(f"/?{number}", balancer.host).status == 200
    # One for each of the two workers at most, whichever of them a client came to.
    assert len(a.connections(mark)) <= 2
