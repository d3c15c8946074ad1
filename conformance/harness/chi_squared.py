"""Does a count of draws fit the shares asked for? Pearson's test, with its own p-value."""

import math
from collections.abc import Mapping

# A correct product fails one such test in a hundred million. With fewer than a hundred of them in
# the whole suite, a false alarm has a chance below 1e-6 per run.
FALSE_ALARM = 1e-8


def statistic(seen: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Sum of (seen - expected)^2 / expected over all classes; `shares` need not sum to 1."""
    total, whole = sum(seen.values()), sum(shares.values())
    expected = {name: total * share / whole for name, share in shares.items()}
    return sum((seen.get(name, 0) - want) ** 2 / want for name, want in expected.items())


def p_value(statistic: float, degrees: int) -> float:
    """Chance that correct draws look at least this wrong: Q(degrees / 2, statistic / 2)."""
    return upper_gamma(degrees / 2, statistic / 2)


def upper_gamma(a: float, x: float) -> float:
    """Regularised upper incomplete gamma function Q(a, x), to about 14 digits.

    The series of P converges fast below a + 1, Lentz's continued fraction of Q above it.
    """
    if x <= 0:
        return 1.0
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-16:
            n += 1
            term *= x / n
            total += term
        return 1 - total * scale
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    h = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b or tiny)
        c = b + an / c or tiny
        step = c * d
        h *= step
        if abs(step - 1) < 1e-15:
            break
    return scale * h


def assert_fits(seen: Mapping[str, int], shares: Mapping[str, float]) -> None:
    """Fails when the counts are too far from the shares to be chance, or a class is unknown."""
    unknown = set(seen) - set(shares)
    assert not unknown, f"drawn, though no share names them: {unknown}"
    chance = p_value(statistic(seen, shares), len(shares) - 1)
    assert chance > FALSE_ALARM, f"{dict(seen)} is not {dict(shares)}: chance {chance:.1e}"


def assert_same_shares(one: Mapping[str, int], other: Mapping[str, int]) -> None:
    """Fails when two counts are too different to be draws from the same shares."""
    both = {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}
    # Each is compared with the shares of both together, which leaves one degree less than classes.
    apart = statistic(one, both) + statistic(other, both)
    chance = p_value(apart, len(both) - 1)
    assert chance > FALSE_ALARM, f"{dict(one)} is not like {dict(other)}: chance {chance:.1e}"
