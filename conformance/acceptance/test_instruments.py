"""The instruments themselves: a test that cannot fail shows nothing."""

import math
import random
from collections import Counter

import pytest

from harness import chi_squared, http1
from harness.chi_squared import assert_fits, assert_same_shares, p_value


@pytest.mark.parametrize(
    "statistic, degrees, expected",
    [
        (3.841458820694124, 1, 0.05),
        (6.634896601021213, 1, 0.01),
        (18.307038053275146, 10, 0.05),
        (5.0, 2, math.exp(-2.5)),
        (60.0, 2, math.exp(-30.0)),
        (0.0, 3, 1.0),
    ],
)
def test_p_values_are_those_of_the_tables(statistic, degrees, expected):
    assert math.isclose(p_value(statistic, degrees), expected, rel_tol=1e-9)


def test_fair_draws_fit_and_skewed_ones_do_not():
    rng = random.Random(1)
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    fair = Counter(rng.choices(list(shares), list(shares.values()), k=4000))
    assert_fits(fair, shares)
    skewed = Counter(rng.choices(list(shares), [0.42, 0.34, 0.24], k=4000))
    with pytest.raises(AssertionError, match="chance"):
        assert_fits(skewed, shares)
    with pytest.raises(AssertionError, match="no share"):
        assert_fits({"d": 1}, shares)
    assert chi_squared.FALSE_ALARM * 100 <= 1e-6


def test_two_counts_of_the_same_draws_agree_and_others_do_not():
    rng = random.Random(1)
    one, other = (Counter(rng.choices("abc", [5, 3, 2], k=k)) for k in (1000, 10_000))
    assert_same_shares(one, other)
    with pytest.raises(AssertionError, match="chance"):
        assert_same_shares(one, Counter(rng.choices("abc", [3, 5, 2], k=10_000)))
    with pytest.raises(AssertionError, match="chance"):
        assert_same_shares({"a": 50}, {"b": 50})


def test_an_endpoint_writes_down_what_it_sees_and_survives_its_own_death(endpoints):
    (endpoint,) = endpoints("a")
    with http1.Connection(endpoint.port) as connection:
        first = connection.get("/x?y=1", "h.example", [("X-A", "1"), ("X-A", "2")])
        assert (first.status, first.endpoint) == (200, "a")
        assert connection.ask("POST", "/echo", "h.example", body=b"hello").body == b"hello"
        assert connection.get("/bytes/100000/chunked", "h.example").body[251:253] == b"\0\1"
        assert connection.get("/_probe", "h.example").status == 200
        assert connection.rest() == b""
    heads = endpoint.requests()
    assert [head["target"] for head in heads] == ["/x?y=1", "/echo", "/bytes/100000/chunked"]
    assert heads[0]["headers"] == [["Host", "h.example"], ["X-A", "1"], ["X-A", "2"]]
    assert endpoint.connections() == {0}
    endpoint.kill()
    with pytest.raises(ConnectionRefusedError):
        http1.Connection(endpoint.port)
    mark = endpoint.mark()
    endpoint.start()
    endpoint.set_health(503)
    assert http1.get(endpoint.port, "/_probe", "h.example").status == 503
    assert len(endpoint.probes(mark)) == 1
    assert len(endpoint.probes()) == 2


def test_an_endpoint_notes_bytes_that_are_no_request(endpoints):
    (endpoint,) = endpoints("a")
    with http1.Connection(endpoint.port) as connection:
        connection.send(b"GET / HTTP/1.1\nHost: h\n\r\n\r\n")
        assert connection.rest() == b""
    assert len(endpoint.events("garbage")) == 1
    assert endpoint.requests() == []
