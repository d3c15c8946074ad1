"""Sessions of every kind: how they are carried, where they begin, when they move.

What holds for each request of a cookie session is in `test_affinity.py`.
"""

import time
from collections import Counter

import pytest

from harness import waiting
from harness.chi_squared import assert_fits


@pytest.fixture
def trio(edge, control, endpoints):
    """Makes load balancers with this affinity over three endpoints that all answer."""
    pool = control.pool(*endpoints("a", "b", "c"))
    everybody = control.balancer(pool)
    edge.await_answer(everybody.host, "a", "b", "c")

    def make(kind: str, **attributes: object) -> str:
        balancer = control.balancer(
            pool, session_affinity=kind, session_affinity_attributes=attributes
        )
        waiting.until("an answer", lambda: edge.get("/", balancer.host).status == 200)
        return balancer.host

    return make


@pytest.mark.parametrize(
    "samesite, secure, expected",
    [
        ("Auto", "Auto", "SameSite=Lax"),
        ("Lax", "Never", "SameSite=Lax"),
        ("Strict", "Auto", "SameSite=Strict"),
        ("Strict", "Always", "SameSite=Strict; Secure"),
        ("None", "Always", "SameSite=None; Secure"),
    ],
)
def test_samesite_and_secure_are_as_configured(edge, trio, samesite, secure, expected):
    host = trio("cookie", samesite=samesite, secure=secure)
    (line,) = edge.get("/", host).all("set-cookie")
    attributes = [part.strip() for part in line.split(";")]
    kept = [part for part in attributes if part.startswith(("SameSite", "Secure"))]
    assert "; ".join(sorted(kept)) == expected


def test_ip_cookie_finds_the_client_by_its_address_without_the_cookie(edge, trio):
    host = trio("ip_cookie")
    sources = [f"127.4.{n // 200}.{n % 200 + 1}" for n in range(600)]
    first = {source: edge.get("/", host, source=source) for source in sources}
    assert all(response.cookie() is not None for response in first.values())
    assert_fits(Counter(response.endpoint for response in first.values()), {"a": 1, "b": 1, "c": 1})
    for source in sources[:100]:
        again = edge.get("/", host, source=source)
        assert again.endpoint == first[source].endpoint and again.cookie() is not None
    # With the cookie a client stays where it is, wherever it goes.
    home = sources[0]
    cookie = [("Cookie", first[home].cookie())]
    for source in sources[:100]:
        moved = edge.get("/", host, cookie, source=source)
        assert moved.endpoint == first[home].endpoint and moved.cookie() is None


def endpoint_of(edge, host: str, *headers: tuple[str, str]) -> str:
    """The one endpoint that answers requests with these headers, and sets no cookie."""
    answers = [edge.get("/", host, list(headers)) for _ in range(10)]
    assert all(answer.all("set-cookie") == [] for answer in answers)
    (name,) = {answer.endpoint for answer in answers}
    return name


def test_a_header_is_a_session(edge, trio):
    host = trio("header", headers=["X-User"])
    seen = Counter(endpoint_of(edge, host, ("x-user", f"user {n}")) for n in range(60))
    # Twenty each, give or take; one endpoint left out has a chance of 1e-10.
    assert set(seen) == {"a", "b", "c"}
    # Without the header nobody is known.
    assert {edge.get("/", host).endpoint for _ in range(100)} == {"a", "b", "c"}


def test_a_header_session_remembers_what_was_drawn(edge, control, endpoints):
    """The first endpoint stays in use though new sessions can no longer begin there."""
    a, b = endpoints("a", "b")
    pool = control.pool(a)
    balancer = control.balancer(
        pool, session_affinity="header", session_affinity_attributes={"headers": ["x-user"]}
    )
    edge.await_answer(balancer.host, "a")
    assert endpoint_of(edge, balancer.host, ("X-User", "old")) == "a"
    control.edit_pool(pool, origins=[a.origin(weight=0), b.origin()])
    edge.await_answer(balancer.host, "b")
    assert endpoint_of(edge, balancer.host, ("X-User", "new")) == "b"
    assert endpoint_of(edge, balancer.host, ("X-User", "old")) == "a"


def test_a_cookie_of_the_application_is_a_session(edge, trio):
    host = trio("header", headers=["cookie:sid"])
    for n in range(30):
        home = endpoint_of(edge, host, ("Cookie", f"sid=s{n}"))
        for noise in range(5):
            line = f"theme={noise}; sid=s{n}; last=page{noise}"
            assert edge.get("/", host, [("Cookie", line)]).endpoint == home
    assert {edge.get("/", host, [("Cookie", "theme=1")]).endpoint for _ in range(100)} == set("abc")


def test_where_all_headers_are_required_some_are_none(edge, trio):
    some = trio("header", headers=["x-user", "x-tenant"], require_all_headers=False)
    every = trio("header", headers=["x-user", "x-tenant"], require_all_headers=True)
    both = [("X-User", "u"), ("X-Tenant", "t")]
    for host in (some, every):
        endpoint_of(edge, host, *both)
    endpoint_of(edge, some, both[0])
    assert {edge.get("/", every, both[:1]).endpoint for _ in range(100)} == set("abc")


def test_a_draining_endpoint_keeps_its_sessions_for_that_long_and_gets_no_new_ones(
    edge, control, endpoints
):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b)
    drain_s = 4
    balancer = control.balancer(
        pool,
        session_affinity="cookie",
        session_affinity_attributes={"drain_duration": drain_s},
    )
    edge.await_answer(balancer.host, "a", "b")
    while (first := edge.get("/", balancer.host)).endpoint != "a":
        pass
    cookie = [("Cookie", first.cookie())]
    began = time.time()
    control.edit_pool(pool, origins=[a.origin(enabled=False), b.origin()])
    edge.await_answer(balancer.host, "b", within=1.0)
    mark = a.mark()
    for _ in range(40):
        pinned = edge.get("/", balancer.host, cookie)
        assert pinned.endpoint == "a" and pinned.cookie() is None
        assert edge.get("/", balancer.host).endpoint == "b"
    assert len(a.requests(mark)) == 40
    assert time.time() - began < drain_s, "too slow a machine for so short a time"
    moved = waiting.until(
        "the end of draining",
        lambda: (answer := edge.get("/", balancer.host, cookie)).endpoint == "b" and answer,
    )
    # The time of disabling is stamped in whole seconds.
    assert time.time() - began > drain_s - 1
    assert moved.cookie() is not None


def test_without_draining_a_disabled_endpoint_loses_its_sessions_at_once(edge, control, endpoints):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b)
    balancer = control.balancer(pool, session_affinity="cookie")
    edge.await_answer(balancer.host, "a", "b")
    while (first := edge.get("/", balancer.host)).endpoint != "a":
        pass
    control.edit_pool(pool, origins=[a.origin(enabled=False), b.origin()])
    edge.await_answer(balancer.host, "b", within=1.0)
    moved = edge.get("/", balancer.host, [("Cookie", first.cookie())])
    assert moved.endpoint == "b" and moved.cookie() is not None
