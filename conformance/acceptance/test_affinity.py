"""Cookie affinity belongs to the request, not to the connection it came on."""

import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from harness import http1
from harness.endpoint import seen_headers, values

TTL = 1800


@pytest.fixture
def sticky(edge, control, endpoints):
    """A load balancer with cookie affinity over three endpoints."""
    pool = control.pool(*endpoints("a", "b", "c"))
    balancer = control.balancer(pool, session_affinity="cookie", session_affinity_ttl=TTL)
    edge.await_answer(balancer.host, "a", "b", "c")
    return balancer.host


def test_trap_t02_every_request_without_a_cookie_gets_one_and_none_with(edge, sticky):
    with edge.connect() as connection:
        fresh = [connection.get("/", sticky) for _ in range(100)]
        assert all(response.status == 200 for response in fresh)
        assert sum(response.cookie() is not None for response in fresh) == 100
        assert {response.endpoint for response in fresh} == {"a", "b", "c"}

        cookie = ("Cookie", fresh[0].cookie())
        pinned = [connection.get("/", sticky, [cookie]) for _ in range(100)]
        assert sum(response.cookie() is not None for response in pinned) == 0
        assert {response.endpoint for response in pinned} == {fresh[0].endpoint}


def test_trap_t01_two_cookies_on_one_connection_reach_two_endpoints(edge, sticky):
    with edge.connect() as connection:
        sessions: dict[str, str] = {}
        while len(sessions) < 2:
            response = connection.get("/", sticky)
            sessions.setdefault(response.endpoint, response.cookie())
        for _ in range(20):
            for endpoint, cookie in sessions.items():
                assert connection.get("/", sticky, [("Cookie", cookie)]).endpoint == endpoint


def test_the_cookie_is_as_the_documentation_describes_it(edge, sticky):
    before = time.time()
    response = edge.get("/", sticky)
    (line,) = [v for v in response.all("set-cookie") if v.startswith("__cflb=")]
    value, *attributes = [part.strip() for part in line.split(";")]
    named = dict(attribute.partition("=")[::2] for attribute in attributes)
    lower = {name.lower(): value for name, value in named.items()}
    assert lower["path"] == "/"
    assert "httponly" in lower and "domain" not in lower
    # Over plain HTTP a SameSite=None cookie could not be Secure, and browsers would drop it.
    assert lower["samesite"] == "Lax" and "secure" not in lower
    expires = parsedate_to_datetime(lower["expires"]).timestamp()
    assert abs(expires - before - TTL) <= 3
    assert all(character not in value for character in '", \\')


def test_a_cookie_that_is_not_ours_counts_as_none(edge, control, sticky, endpoints):
    good = edge.get("/", sticky).cookie()
    middle = len(good) // 2
    flipped = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    (d,) = endpoints("d")
    other = control.balancer(control.pool(d), session_affinity="cookie")
    edge.await_answer(other.host, "d")
    foreign = edge.get("/", other.host).cookie()
    for cookie in (flipped, foreign, "__cflb=", "__cflb=" + "A" * 3000, "__cflb=%00;;=", "__cflb"):
        response = edge.get("/", sticky, [("Cookie", cookie)])
        assert response.status == 200
        assert response.cookie() is not None, cookie


def test_the_first_cookie_that_verifies_wins_and_none_goes_on(edge, sticky):
    first = edge.get("/", sticky)
    line = f'a=1; __cflb=bad; b=2;c=3; {first.cookie()}; d="4; 5"'
    for _ in range(10):
        response = edge.get("/", sticky, [("Cookie", line)])
        assert response.endpoint == first.endpoint and response.cookie() is None
        (forwarded,) = values(seen_headers(response), "cookie")
        assert "__cflb" not in forwarded
        kept = [part.strip() for part in forwarded.split(";")]
        assert kept == ["a=1", "b=2", "c=3", 'd="4', '5"']


def test_a_cookie_header_of_ours_alone_disappears(edge, sticky):
    first = edge.get("/", sticky)
    response = edge.get("/", sticky, [("Cookie", first.cookie())])
    assert values(seen_headers(response), "cookie") == []


def test_the_endpoints_own_cookies_stay_beside_ours(edge, sticky):
    response = edge.get("/odd-headers", sticky)
    own = [value for value in response.all("set-cookie") if not value.startswith("__cflb=")]
    assert own == ["own=1; Path=/", "other=2"]
    assert response.cookie() is not None


def test_a_session_is_given_with_any_status_of_an_endpoint(edge, sticky):
    for status in (204, 304, 404, 500):
        response = edge.get(f"/status/{status}", sticky)
        assert response.status == status and response.cookie() is not None


def test_a_session_moves_when_its_endpoint_is_unhealthy(edge, control, endpoints):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b, monitor=control.monitor())
    balancer = control.balancer(pool, session_affinity="cookie")
    edge.await_answer(balancer.host, "a", "b")
    first = edge.get("/", balancer.host)
    pinned, other = (a, b) if first.endpoint == "a" else (b, a)
    pinned.set_health(503)
    pinned.await_probe()
    edge.await_answer(balancer.host, other.name)
    moved = edge.get("/", balancer.host, [("Cookie", first.cookie())])
    assert moved.endpoint == other.name and moved.cookie() is not None
    pinned.set_health(200)
    edge.await_answer(balancer.host, "a", "b")
    assert edge.get("/", balancer.host, [("Cookie", moved.cookie())]).endpoint == other.name


def test_a_browser_stays_where_it_is(edge, sticky):
    """A cookie jar that obeys the attributes sends the cookie back: httpx plays the browser."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{edge.http}", headers={"Host": sticky}
    ) as browser:
        answers = [browser.get("/") for _ in range(20)]
    assert len({answer.headers["x-endpoint"] for answer in answers}) == 1
    assert ["set-cookie" in answer.headers for answer in answers] == [True] + [False] * 19


def test_no_affinity_means_no_cookie_is_set_and_a_stray_one_is_ignored(edge, control, endpoints):
    balancer = control.balancer(control.pool(*endpoints("a", "b")))
    edge.await_answer(balancer.host, "a", "b")
    with http1.Connection(edge.http) as connection:
        for _ in range(10):
            assert connection.get("/", balancer.host, [("Cookie", "__cflb=x")]).cookie() is None
