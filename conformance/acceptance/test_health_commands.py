"""`evenkeel probe` and `evenkeel health`: what a probe sees now, and what became of whom, when and
why. And intervals below a second, where they are allowed."""

import signal
import time
from collections.abc import Iterator

import pytest

from harness import waiting
from harness.cli import Cli
from harness.control import Control, unique
from harness.evenkeel import Evenkeel
from harness.ports import free_port

# The monitor's interval, and that of a server that allows it.
OFTEN_SECONDS = 0.2


@pytest.fixture
def cli(edge) -> Cli:
    """Commands against the shared balancer."""
    return Cli(edge)


@pytest.fixture
def often(tmp_path) -> Iterator[Evenkeel]:
    """A balancer that allows intervals below a second."""
    server = Evenkeel(tmp_path / "often")
    server.flags["--monitor-interval-min"] = str(OFTEN_SECONDS)
    try:
        yield server.start()
    finally:
        server.kill()


def monitor(cli: Cli, interval: str = "2", timeout: str = "1", retries: str = "0") -> str:
    """A new monitor's description."""
    name = unique("monitor")
    cli(
        *("monitor", "create", name, "--type", "http", "--path", "/_probe"),
        *("--expected-codes", "200", "--interval", interval, "--timeout", timeout),
        *("--retries", retries),
    )
    return name


def pool(cli: Cli, *endpoints, judge: str | None = None) -> str:
    """A new pool's name."""
    name = unique("pool")
    origins = [f"{each.name}=127.0.0.1:{each.port}" for each in endpoints]
    flags = [word for origin in origins for word in ("--origin", origin)]
    judged = ["--monitor", judge] if judge else []
    cli("pool", "create", name, *flags, *judged, "--minimum-origins", str(len(endpoints)))
    return name


# --- One probe --------------------------------------------------------------------------------


def test_a_probe_tells_every_step(cli, endpoints):
    (a,) = endpoints("a")
    judge, web = monitor(cli), pool(cli, a)
    since = a.mark()
    probed = cli.json("probe", judge, f"{web}/a")
    assert (probed["healthy"], probed["failure_reason"]) == (True, "No failures")
    assert (probed["response_code"], probed["address"]) == (200, "127.0.0.1")
    assert probed["rtt"].endswith("ms")
    names = [phase["phase"] for phase in probed["phases"]]
    assert names.index("connect") < names.index("first byte") < names.index("head"), names
    ends = 0.0
    for phase in probed["phases"]:
        assert phase["at_ms"] >= ends - 0.01, "steps do not overlap"
        assert (phase["attempt"], phase["failed"]) == (1, False)
        ends = phase["at_ms"] + phase["took_ms"]
    assert ends <= probed["took_ms"] + 0.01
    assert len(a.probes(since)) == 1, "asked once"

    text = cli("probe", judge, f"{web}/a")
    first, *_, last = text.splitlines()
    assert first == f"{web}/a, by monitor {judge}"
    assert last.startswith("healthy: No failures, status 200, first byte after ")
    assert "connect" in text and "first byte" in text
    # Nothing came of it: the pool has no monitor.
    assert cli.json("pool", "get", web).get("healthy") is None


def test_a_probe_tells_where_it_fails(cli, endpoints):
    frozen, wrong = endpoints("frozen", "wrong")
    judge, web = monitor(cli, retries="1"), pool(cli, frozen, wrong)
    wrong.set_health(503)
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        probed = cli.json("probe", judge, f"{web}/frozen")
        text = cli("probe", judge, f"{web}/frozen")
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    assert (probed["healthy"], probed["failure_reason"]) == (False, "HTTP timeout occurred")
    assert "rtt" not in probed
    failed = [phase for phase in probed["phases"] if phase["failed"]]
    assert [(phase["phase"], phase["attempt"]) for phase in failed] == [
        ("first byte", 1),
        ("first byte", 2),
    ]
    assert 2000 <= probed["took_ms"] <= 3000
    assert text.splitlines()[1].startswith("TRY  PHASE"), text
    assert text.splitlines()[-1].startswith("unhealthy: HTTP timeout occurred"), text

    probed = cli.json("probe", judge, f"{web}/wrong")
    assert (probed["failure_reason"], probed["response_code"]) == (
        "Response code mismatch error",
        503,
    )


def test_endpoints_have_names_and_may_be_of_no_pool(cli, endpoints):
    (a,) = endpoints(unique("a"))
    judge, web = monitor(cli), pool(cli, a)
    # A name that only one pool has is enough, and an endpoint out of service can be tried.
    assert cli.json("probe", judge, a.name)["healthy"] is True
    cli("pool", "set", web, "--set", "origins.0.enabled=false")
    assert cli.json("probe", judge, f"{web}/{a.name}")["healthy"] is True
    assert cli.json("probe", judge, f"127.0.0.1:{a.port}")["healthy"] is True
    closed = cli.json("probe", judge, f"127.0.0.1:{free_port()}")
    assert closed["failure_reason"] == "TCP connection failed"
    assert [phase["phase"] for phase in closed["phases"] if phase["failed"]] == ["connect"]
    # Pools may not have such an address either.
    assert "169.254.169.254" in cli.refused(1, "probe", judge, "169.254.169.254:80")


def test_names_that_mean_nothing_are_refused(cli, endpoints):
    a, b = endpoints("same", "other")
    judge, web, more = monitor(cli), pool(cli, a, b), pool(cli, a)
    both = cli.refused(2, "probe", judge, "same")
    assert f"{web}/same" in both and f"{more}/same" in both
    assert "same, other" in cli.refused(2, "probe", judge, f"{web}/nobody")
    assert "ENDPOINT" in cli.refused(2, "probe", judge, unique("nobody"))
    assert "MONITOR" in cli.refused(2, "probe", "nobody", f"{web}/same")


# --- Health over time -------------------------------------------------------------------------


def changes(story: dict, name: str) -> list[tuple[bool, str]]:
    """What became of an endpoint, oldest first."""
    (endpoint,) = [each for each in story["endpoints"] if each["name"] == name]
    return [(change["healthy"], change["reason"]) for change in endpoint["changes"]]


def test_a_pool_has_a_story(cli, endpoints):
    a, b = endpoints("a", "b")
    web = pool(cli, a, b, judge=monitor(cli))

    def await_story(reasons: list[tuple[bool, str]]) -> dict:
        def look():
            story = cli.json("health", "pool", web, "--since", "1h")
            return changes(story, "b") == reasons and story

        return waiting.until(f"b went through {reasons}", look, within=15.0)

    passing, refused = (True, "No failures"), (False, "TCP connection failed")
    mismatch = (False, "Response code mismatch error")
    story = await_story([passing])
    assert story["pool"]["name"] == web
    b.kill()
    await_story([passing, refused])
    b.start()
    await_story([passing, refused, passing])
    b.set_health(500)
    story = await_story([passing, refused, passing, mismatch])

    # The pool needs both, so it went along.
    assert [change["healthy"] for change in story["pool"]["changes"]][-3:] == [False, True, False]
    assert story["pool"]["changes"][-1]["reason"] == "1 of 2 endpoints healthy, 2 needed"
    (now,) = [each for each in story["endpoints"] if each["name"] == "b"]
    assert (now["healthy"], now["failure_reason"], now["response_code"]) == (*mismatch, 500)
    assert changes(story, "a") == [passing]
    times = [change["at"] for change in now["changes"]]
    assert times == sorted(times) and story["since"] < times[0] < story["until"]
    lasted = [change["lasted_s"] for change in now["changes"]]
    assert all(0 < seconds < 60 for seconds in lasted), lasted

    text = cli("health", "pool", web)
    assert f"pool {web}: unhealthy, 1 of 2 endpoints healthy, 2 needed" in text
    assert f"endpoint a (127.0.0.1:{a.port}): healthy, status 200, " in text
    assert f"endpoint b (127.0.0.1:{b.port}): unhealthy, Response code mismatch error" in text
    assert "so far  Response code mismatch error, status 500" in text

    (line,) = [line for line in cli("health").splitlines() if line.startswith(f"{web} ")]
    assert line.split()[1:4] == ["unhealthy", "1/2", "2"], line
    assert "b (Response code mismatch error)" in line
    assert web in [each["name"] for each in cli.json("health")]


def test_a_pool_that_nobody_judges_has_no_story(cli, endpoints):
    (a,) = endpoints("a")
    web = pool(cli, a)
    story = cli.json("health", "pool", web, "--since", "30m")
    assert (story["pool"]["healthy"], story["pool"]["changes"]) == (None, [])
    text = cli("health", "pool", web, "--since", "1h30m")
    assert f"pool {web}: unknown" in text
    assert "  no change in 1h 30m" in text
    for wrong in ("soon", "30", "0h"):
        assert "--since" in cli.refused(2, "health", "pool", web, "--since", wrong)
    assert "no pool is called" in cli.refused(2, "health", "pool", "nobody")


# --- Intervals below a second -----------------------------------------------------------------


def test_fractions_of_a_second_need_a_server_that_allows_them(cli):
    for flags in (("--interval", "2.5", "--timeout", "1"), ("--interval", "5", "--timeout", "1.5")):
        made = ("monitor", "create", unique("monitor"), "--type", "tcp", "--port", "80", *flags)
        refused = cli.refused(1, *made)
        assert "must be a whole number" in refused and "below a second" in refused, refused


def test_an_endpoint_can_be_probed_several_times_a_second(often, endpoints):
    (a,) = endpoints("a")
    cli, control = Cli(often), Control(often)
    judge = monitor(cli, interval=str(OFTEN_SECONDS), timeout="0.1")
    made = cli.json("monitor", "get", judge)
    assert (made["interval"], made["timeout"]) == (OFTEN_SECONDS, 0.1)
    whole = cli.json("monitor", "get", monitor(cli))
    assert (repr(whole["interval"]), repr(whole["timeout"])) == ("2", "1"), "they stay integers"
    judged = control.pool(a, monitor=made["id"])
    host = control.balancer(judged).host
    often.await_answer(host, "a")

    def is_out() -> bool:
        (origin,) = cli.json("pool", "get", judged)["origins"]
        return origin.get("healthy") is False

    since, begin = a.mark(), time.monotonic()
    waiting.until("ten probes", lambda: len(a.probes(since)) >= 10, within=8.0)
    took = time.monotonic() - begin
    assert 8 * OFTEN_SECONDS <= took <= 20 * OFTEN_SECONDS, took

    a.process.send_signal(signal.SIGSTOP)
    try:
        # Interval, timeout, and a second for a busy machine.
        waiting.until("the frozen endpoint is out", is_out, within=OFTEN_SECONDS + 0.1 + 1.0)
    finally:
        a.process.send_signal(signal.SIGCONT)
    often.await_answer(host, "a")
