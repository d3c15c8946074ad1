"""Where traffic goes: shares by weight, and whom it never reaches.

Shares are judged by Pearson's chi-squared test (`harness.chi_squared`): correct draws fail one in
a hundred million times, while shares that are off by a seventh are found with 4,000 draws.
"""

import pytest

from harness.chi_squared import assert_fits


def test_endpoints_of_a_pool_get_their_weights(edge, control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    origins = [a.origin(weight=0.5), b.origin(weight=0.3), c.origin(weight=0.2)]
    balancer = control.balancer(control.pool(origins=origins))
    edge.await_answer(balancer.host, "a", "b", "c")
    assert_fits(edge.draw(balancer.host), {"a": 0.5, "b": 0.3, "c": 0.2})


def test_pools_get_their_weights_under_random_steering(edge, control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    one, two, three = control.pool(a), control.pool(b), control.pool(c)
    balancer = control.balancer(
        one,
        two,
        three,
        steering_policy="random",
        random_steering={"default_weight": 0.2, "pool_weights": {one: 0.7, two: 0.1}},
    )
    edge.await_answer(balancer.host, "a", "b", "c")
    assert_fits(edge.draw(balancer.host), {"a": 0.7, "b": 0.1, "c": 0.2})


def test_trap_t20_the_others_share_what_a_lost_endpoint_had(edge, control, endpoints):
    a, b, c = endpoints("a", "b", "c")
    origins = [a.origin(weight=0.5), b.origin(weight=0.25), c.origin(weight=0.25)]
    pool = control.pool(origins=origins, monitor=control.monitor())
    balancer = control.balancer(pool)
    edge.await_answer(balancer.host, "a", "b", "c")
    b.set_health(503)
    b.await_probe()
    edge.await_answer(balancer.host, "a", "c")
    before = b.mark()
    assert_fits(edge.draw(balancer.host), {"a": 2, "c": 1})
    assert b.requests(before) == []


def test_trap_t17_an_endpoint_of_weight_zero_is_probed_and_never_drawn(edge, control, endpoints):
    a, b = endpoints("a", "b")
    origins = [a.origin(), b.origin(weight=0)]
    pool = control.pool(origins=origins, monitor=control.monitor(), minimum_origins=2)
    balancer = control.balancer(pool)
    # Two are needed and the pool serves: the one of weight 0 counts as healthy.
    edge.await_answer(balancer.host, "a")
    assert edge.draw(balancer.host, 400) == {"a": 400}
    b.await_probe()


def test_off_sends_all_to_the_first_pool(edge, control, endpoints):
    a, b = endpoints("a", "b")
    balancer = control.balancer(control.pool(a), control.pool(b))
    edge.await_answer(balancer.host, "a")
    assert edge.draw(balancer.host, 200) == {"a": 200}


def test_an_exact_name_beats_a_wildcard(edge, control, endpoints):
    a, b = endpoints("a", "b")
    zone = control.zone()
    control.balancer(control.pool(a), zone=zone.id, name=f"*.{zone.name}")
    control.balancer(control.pool(b), zone=zone.id, name=f"www.{zone.name}")
    edge.await_answer(f"www.{zone.name}", "b")
    edge.await_answer(f"x.y.{zone.name}", "a")
    assert edge.get("/", f"WWW.{zone.name}").endpoint == "b"
    assert edge.get("/", f"www.{zone.name}:8080").endpoint == "b"
    assert edge.get("/", zone.name).status == 409


@pytest.mark.parametrize("field", ["enabled", "weight"])
def test_a_change_of_an_endpoint_counts_for_the_next_requests(edge, control, endpoints, field):
    a, b = endpoints("a", "b")
    pool = control.pool(a, b)
    balancer = control.balancer(pool)
    edge.await_answer(balancer.host, "a", "b")
    off = {"enabled": False} if field == "enabled" else {"weight": 0}
    origins = [a.origin(**off), b.origin()]
    control.edit_pool(pool, origins=origins)
    edge.await_answer(balancer.host, "b", within=1.0)
    assert edge.draw(balancer.host, 200) == {"b": 200}
