"""Every way of choosing a pool and an endpoint, under real traffic.

The balancer of these tests stands somewhere: in a PoP, a region and at coordinates, and knows of
addresses of this machine which country they are in, from a database of its operator.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import cloudflare
import pytest

from harness import mmdb, waiting
from harness.chi_squared import assert_fits
from harness.control import Control
from harness.evenkeel import Evenkeel

# Where clients of these addresses are.
GERMAN, AMERICAN, NOWHERE = "127.1.0.1", "127.2.0.1", "127.0.0.1"
COUNTRIES = {"127.1.0.0/16": "DE", "127.2.0.0/16": "US"}

# Enough to tell 1/11 from 1/2 beyond doubt, and 2/13 from 1/11 as well.
DRAWS = 2000
HELD = 9


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evenkeel]:
    """A balancer in Frankfurt that knows its place."""
    folder = tmp_path_factory.mktemp("placed")
    server = Evenkeel(folder)
    server.flags |= {
        "--pop": "FRA",
        "--region": "EEU",
        "--coordinates": "50.1/8.7",
        "--geoip": str(mmdb.write(folder / "countries.mmdb", COUNTRIES)),
    }
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def control(edge: Evenkeel) -> Control:
    """The control plane of that balancer."""
    return Control(edge)


def addresses(count: int) -> list[str]:
    """Addresses of this machine, all different, in no country."""
    return [f"127.3.{n // 250}.{n % 250 + 1}" for n in range(count)]


def by_address(edge: Evenkeel, host: str, count: int) -> dict[str, str]:
    """Who answers a client of each of that many addresses."""
    return {source: edge.get("/", host, source=source).endpoint for source in addresses(count)}


@contextmanager
def held(edge: Evenkeel, host: str, endpoint, headers=()) -> Iterator[None]:
    """`HELD` requests at this endpoint whose bodies do not end before the context does."""
    mark = endpoint.mark()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"POST /held HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: 1\r\n\r\n"
    connections = [edge.connect() for _ in range(HELD)]
    for connection in connections:
        connection.send(head.encode())
    endpoint.await_requests(HELD, mark)
    try:
        yield
        for connection in connections:
            connection.send(b"x")
            assert connection.read().status == 200
    finally:
        for connection in connections:
            connection.close()


# Pools.


def test_off_takes_the_first_pool_that_can_serve(edge, control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    monitor = control.monitor()
    pools = [control.pool(endpoint, monitor=monitor) for endpoint in (a, b, c)]
    balancer = control.balancer(*pools, steering_policy="off")
    edge.await_answer(balancer.host, "a")
    assert edge.draw(balancer.host, 400) == {"a": 400}
    waiting.until("every pool healthy", lambda: all(map(control.is_healthy, pools)), 8.0)
    control.edit_pool(pools[0], enabled=False)
    edge.await_answer(balancer.host, "b", within=1.0)
    b.set_health(503)
    edge.await_answer(balancer.host, "c")
    assert edge.draw(balancer.host, 400) == {"c": 400}


def test_random_without_a_pool_shares_its_weight_among_the_others(edge, control, endpoints):
    one, two, three = (control.pool(endpoint) for endpoint in endpoints("a", "b", "c"))
    weights = {"default_weight": 0.1, "pool_weights": {one: 0.5, two: 0.3}}
    balancer = control.balancer(one, two, three, steering_policy="random", random_steering=weights)
    edge.await_answer(balancer.host, "a", "b", "c")
    assert_fits(edge.draw(balancer.host), {"a": 0.5, "b": 0.3, "c": 0.1})
    control.edit_pool(one, enabled=False)
    edge.await_answer(balancer.host, "b", "c")
    assert_fits(edge.draw(balancer.host), {"b": 0.75, "c": 0.25})


@pytest.mark.parametrize("policy", ["geo", ""])
def test_geo_goes_by_the_pop_then_the_country_then_the_region(edge, control, endpoints, policy):
    names = ("default", "region", "elsewhere", "german", "pop")
    pools = {end.name: control.pool(end) for end in endpoints(*names)}
    balancer = control.balancer(
        pools["default"],
        steering_policy=policy,
        region_pools={"WNAM": [pools["elsewhere"]]},
        country_pools={"FR": [pools["elsewhere"]]},
        pop_pools={"LIS": [pools["elsewhere"]]},
    )
    everybody = (GERMAN, AMERICAN, NOWHERE)

    def answers() -> list[str]:
        return [edge.get("/", balancer.host, source=source).endpoint for source in everybody]

    def await_answers(*expected: str) -> None:
        waiting.until(f"answers of {expected}", lambda: answers() == list(expected))
        assert all(answers() == list(expected) for _ in range(50))

    await_answers("default", "default", "default")
    # The node's region, wherever the client is.
    control.edit(balancer, region_pools={"EEU": [pools["region"]]})
    await_answers("region", "region", "region")
    control.edit(balancer, country_pools={"DE": [pools["german"]]})
    await_answers("german", "region", "region")
    # An empty list is no entry.
    control.edit(balancer, country_pools={"DE": [pools["german"]], "US": []})
    await_answers("german", "region", "region")
    control.edit(balancer, pop_pools={"FRA": [pools["pop"]]})
    await_answers("pop", "pop", "pop")


def test_geo_fails_over_within_its_list_and_then_to_the_fallback(edge, control, endpoints):
    names = ("default", "first", "second", "last")
    default, first, second, last = (control.pool(end) for end in endpoints(*names))
    balancer = control.balancer(
        default,
        fallback_pool=last,
        steering_policy="geo",
        region_pools={"EEU": [first, second]},
    )
    edge.await_answer(balancer.host, "first")
    control.edit_pool(first, enabled=False)
    edge.await_answer(balancer.host, "second")
    control.edit_pool(second, enabled=False)
    edge.await_answer(balancer.host, "last")


def test_proximity_takes_the_nearest_pool_that_can_serve(edge, control, endpoints):
    a, b, c, d = endpoints("nowhere", "lisbon", "paris", "tokyo")
    nowhere = control.pool(a)
    lisbon = control.pool(b, latitude=38.7, longitude=-9.1)
    paris = control.pool(c, latitude=48.9, longitude=2.4)
    tokyo = control.pool(d, latitude=35.7, longitude=139.7)
    balancer = control.balancer(nowhere, tokyo, lisbon, paris, steering_policy="proximity")
    for pool, name in [(paris, "paris"), (lisbon, "lisbon"), (tokyo, "tokyo"), (None, "nowhere")]:
        edge.await_answer(balancer.host, name)
        assert edge.draw(balancer.host, 200) == {name: 200}
        if pool:
            control.edit_pool(pool, enabled=False)


def test_dynamic_latency_goes_where_probes_are_answered_soonest(edge, control, endpoints):
    a, b = endpoints("slow", "fast")
    slow = control.pool(a, monitor=control.monitor(path="/_probe/120"))
    fast = control.pool(b, monitor=control.monitor(path="/_probe/5"))
    balancer = control.balancer(slow, fast, steering_policy="dynamic_latency")
    # Without measurements the order of the list counts, and three make one.
    edge.await_answer(balancer.host, "slow")
    edge.await_answer(balancer.host, "fast", within=20.0)
    assert edge.draw(balancer.host, 400) == {"fast": 400}


def test_least_outstanding_requests_draws_by_weight_over_requests(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one, two = control.pool(a), control.pool(b)
    alone = control.balancer(one)
    balancer = control.balancer(
        one,
        two,
        steering_policy="least_outstanding_requests",
        random_steering={"default_weight": 0.5, "pool_weights": {one: 1}},
    )
    edge.await_answer(alone.host, "a")
    edge.await_answer(balancer.host, "a", "b")
    assert_fits(edge.draw(balancer.host, DRAWS), {"a": 1, "b": 0.5})
    # Requests of another load balancer on the same pool count.
    with held(edge, alone.host, a):
        assert_fits(edge.draw(balancer.host, DRAWS), {"a": 1 / (HELD + 1), "b": 0.5})
    assert_fits(edge.draw(balancer.host, DRAWS), {"a": 1, "b": 0.5})


def connections_of(*ends) -> dict[str, int]:
    """How many connections each of these endpoints has open."""
    return {end.name: len(end.events("open")) - len(end.events("close")) for end in ends}


def assert_draws_by_connections(edge, host: str, *ends) -> dict[str, int]:
    """Draws over one connection, once that needs no new ones, fit 1 / (connections + 1)."""
    with edge.connect() as connection:
        missing = {end.name for end in ends}
        while missing:
            missing.discard(connection.get("/", host).endpoint)
        before = connections_of(*ends)
        seen = Counter(connection.get("/", host).endpoint for _ in range(DRAWS))
    assert connections_of(*ends) == before, "connections came or went, the draws mean nothing"
    assert_fits(seen, {name: 1 / (count + 1) for name, count in before.items()})
    return before


def test_least_connections_counts_idle_connections_too(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one, two = control.pool(a), control.pool(b)
    alone = control.balancer(one)
    balancer = control.balancer(one, two, steering_policy="least_connections")
    edge.await_answer(alone.host, "a")
    edge.await_answer(balancer.host, "a", "b")
    assert_draws_by_connections(edge, balancer.host, a, b)
    with held(edge, alone.host, a):
        busy = assert_draws_by_connections(edge, balancer.host, a, b)
        assert busy["a"] > HELD
    # All are idle now, and count as before.
    assert assert_draws_by_connections(edge, balancer.host, a, b)["a"] >= HELD


# Endpoints of one pool.


def test_hash_gives_each_client_one_endpoint_and_weights_their_share(edge, control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    origins = [a.origin(weight=0.5), b.origin(weight=0.3), c.origin(weight=0.2)]
    pool = control.pool(origins=origins, origin_steering={"policy": "hash"})
    balancer = control.balancer(pool)
    waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
    before = by_address(edge, balancer.host, 1000)
    assert_fits(Counter(before.values()), {"a": 0.5, "b": 0.3, "c": 0.2})
    assert by_address(edge, balancer.host, 1000) == before
    # Whoever was not on the endpoint that leaves stays, in whatever order the others are named.
    control.edit_pool(pool, origins=[origins[2], origins[0]])
    moved = waiting.until(
        "no answer of b",
        lambda: {"b"}.isdisjoint((now := by_address(edge, balancer.host, 300)).values()) and now,
    )
    for source, endpoint in moved.items():
        assert before[source] in (endpoint, "b"), source


@pytest.fixture(params=["least_outstanding_requests", "least_connections"])
def busy_pair(request, edge, control, endpoints):
    """A pool of two endpoints steered by how busy they are; requests with the headers go to a."""
    a, b = endpoints("a", "b")
    pool = control.pool(a, b, origin_steering={"policy": request.param})
    sticky = control.balancer(pool, session_affinity="cookie")
    edge.await_answer(sticky.host, "a", "b")
    while (first := edge.get("/", sticky.host)).endpoint != "a":
        pass
    balancer = control.balancer(pool)
    edge.await_answer(balancer.host, "a", "b")
    return request.param, balancer.host, sticky.host, [("Cookie", first.cookie())], a, b


def test_a_busy_endpoint_gets_less_of_its_pool(edge, busy_pair):
    policy, host, sticky, cookie, a, b = busy_pair
    with held(edge, sticky, a, cookie):
        if policy == "least_connections":
            assert assert_draws_by_connections(edge, host, a, b)["a"] > HELD
        else:
            assert_fits(edge.draw(host, DRAWS), {"a": 1 / (HELD + 1), "b": 1})
    if policy == "least_connections":
        assert_draws_by_connections(edge, host, a, b)
    else:
        assert_fits(edge.draw(host, DRAWS), {"a": 1, "b": 1})


# Shedding, pool sets, failover.


def test_a_pool_that_sheds_everything_gets_nothing_and_the_next_all(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one = control.pool(a)
    balancer = control.balancer(one, control.pool(b))
    edge.await_answer(balancer.host, "a")
    control.edit_pool(one, load_shedding={"default_percent": 100})
    edge.await_answer(balancer.host, "b")
    assert edge.draw(balancer.host, 400) == {"b": 400}
    control.edit_pool(one, load_shedding={"default_percent": 30, "default_policy": "random"})
    edge.await_answer(balancer.host, "a", "b")
    assert_fits(edge.draw(balancer.host), {"a": 0.7, "b": 0.3})


def test_shedding_by_hash_sheds_the_same_clients_each_time(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one = control.pool(a, load_shedding={"default_percent": 50, "default_policy": "hash"})
    balancer = control.balancer(one, control.pool(b))
    waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
    half = by_address(edge, balancer.host, 800)
    assert_fits(Counter(half.values()), {"a": 1, "b": 1})
    assert by_address(edge, balancer.host, 800) == half
    # Whoever is shed at 50 % is shed at 80 % as well.
    control.edit_pool(one, load_shedding={"default_percent": 80, "default_policy": "hash"})
    stays = next(source for source, endpoint in half.items() if endpoint == "a")
    shed = [source for source, endpoint in half.items() if endpoint == "b"]
    waiting.until("more shed", lambda: by_address(edge, balancer.host, 800) != half)
    more = by_address(edge, balancer.host, 800)
    assert stays in more and all(more[source] == "b" for source in shed)
    assert_fits(Counter(more.values()), {"a": 0.2, "b": 0.8})


def test_sessions_are_shed_by_their_own_percentage(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one = control.pool(a)
    balancer = control.balancer(one, control.pool(b), session_affinity="cookie")
    edge.await_answer(balancer.host, "a")
    cookie = [("Cookie", edge.get("/", balancer.host).cookie())]
    control.edit_pool(one, load_shedding={"default_percent": 100})
    edge.await_answer(balancer.host, "b")
    assert [edge.get("/", balancer.host, cookie).endpoint for _ in range(50)] == ["a"] * 50
    shedding = {"default_percent": 100, "session_percent": 100, "session_policy": "hash"}
    control.edit_pool(one, load_shedding=shedding)
    waiting.until("a move", lambda: edge.get("/", balancer.host, cookie).endpoint == "b")
    assert edge.get("/", balancer.host, cookie).cookie() is not None


def test_the_first_pool_set_that_matches_decides(edge, control, endpoints):
    names = ("default", "german", "one", "two")
    default, german, one, two = (control.pool(end) for end in endpoints(*names))
    teapot = {"status_code": 418, "message_body": "short and stout"}
    weighted = {
        "pools": [one, two],
        "steering_policy": "random",
        "pool_weights": {one: 0.8},
        "pool_default_weight": 0.2,
    }
    sets = [
        {"name": "off", "disabled": True, "match": {"default": True}, "fixed_response": teapot},
        {"name": "us", "match": {"topology": {"countries": ["US"]}}, "fixed_response": teapot},
        {
            "name": "de",
            "match": {"topology": {"countries": ["DE", "AT"], "pops": ["FRA"]}},
            "overrides": {"pools": [german]},
        },
        {
            "name": "lisbon",
            "match": {"topology": {"pops": ["LIS"]}},
            "fixed_response": teapot,
        },
        {"name": "all", "match": {"default": True}, "overrides": weighted},
    ]
    balancer = control.balancer(default, extra_body={"pool_sets": sets})
    edge.await_answer(balancer.host, "one", "two")
    assert_fits(edge.draw(balancer.host), {"one": 0.8, "two": 0.2})
    with edge.connect(source=GERMAN) as connection:
        seen = Counter(connection.get("/", balancer.host).endpoint for _ in range(100))
    assert seen == {"german": 100}
    response = edge.get("/", balancer.host, source=AMERICAN)
    assert (response.status, response.body) == (418, b"short and stout")
    assert response.endpoint is None
    # Without the last set nobody else matches: the load balancer's own pools serve.
    control.edit(balancer, extra_body={"pool_sets": sets[:-1]})
    edge.await_answer(balancer.host, "default")


def test_a_retry_crosses_to_the_next_pool_only_where_that_is_asked_for(edge, control, endpoints):
    a, b = endpoints("a", "b")
    one, two = control.pool(a), control.pool(b)
    balancer = control.balancer(one, two)
    edge.await_answer(balancer.host, "a")
    a.kill()
    assert [edge.get("/", balancer.host).status for _ in range(20)] == [521] * 20
    control.edit(balancer, adaptive_routing={"failover_across_pools": True})
    edge.await_answer(balancer.host, "b")
    body = b"once and whole" * 1000
    with edge.connect() as connection:
        for _ in range(20):
            assert connection.ask("POST", "/", balancer.host, body=body).endpoint == "b"


def test_what_steers_is_refused_when_it_cannot_be_meant(control):
    pool = control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    for wrong, pointer in [
        ({"steering_policy": "nearest"}, "/steering_policy"),
        ({"region_pools": {"MARS": [pool]}}, "/region_pools/MARS"),
        ({"random_steering": {"default_weight": 1.5}}, "/random_steering/default_weight"),
        ({"extra_body": {"pool_sets": [{"name": "x"}]}}, "/pool_sets/0"),
    ]:
        with pytest.raises(cloudflare.BadRequestError) as refusal:
            control.balancer(pool, **wrong)
        error = refusal.value.body["errors"][0]
        assert error["code"] == 1002, error
        assert error["source"]["pointer"].startswith(pointer), error
