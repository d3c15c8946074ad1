"""Notifications as their receivers get them: a webhook's server, and a mail server."""

import itertools
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from harness import probed, waiting
from harness.api import POOLS, Api
from harness.control import Control, unique
from harness.endpoint import Endpoint
from harness.evenkeel import ACCOUNT, Evenkeel
from harness.receivers import MailServer, Webhooks
from harness.sdk import member

HISTORY = f"/accounts/{ACCOUNT}/alerting/v3/history"
HEALTH, SWITCHED = "load_balancing_health_alert", "load_balancing_pool_enablement_alert"
DOWN = ("Unhealthy", "ALERT_STATE_EVENT_START")
UP = ("Healthy", "ALERT_STATE_EVENT_END")


class World:
    """A balancer that tells two servers of ours."""

    def __init__(self, folder: Path, hooks: Webhooks, mails: MailServer):
        self.hooks, self.mails = hooks, mails
        self.edge = Evenkeel(folder)
        self.edge.flags["--smtp-relay"] = f"smtp://127.0.0.1:{mails.port}"
        self.edge.flags["--smtp-from"] = "evenkeel@example.com"
        self.edge.start()
        self.control = Control(self.edge)

    @property
    def alerting(self):
        """The SDK's part for notifications."""
        return self.control.sdk.alerting

    def policy(self, name: str, alert: str, mechanisms: dict, filters: dict) -> None:
        """A policy that is on."""
        self.alerting.policies.create(
            account_id=ACCOUNT,
            name=name,
            alert_type=alert,
            enabled=True,
            filters=filters,
            mechanisms=mechanisms,
        )

    def subscribe(self, path: str, alert: str = HEALTH, **filters: list[str]) -> str:
        """Has a path of the webhooks' server told, and returns the webhook's id."""
        webhook = self.alerting.destinations.webhooks.create(
            account_id=ACCOUNT, name=unique("hook"), url=self.hooks.url(path), secret="s3cret"
        )
        self.policy(f"policy of {path}", alert, {"webhooks": [{"id": webhook.id}]}, filters)
        return webhook.id

    def get(self, path: str) -> object:
        """GET of the API, as JSON."""
        with Api(self.edge) as api:
            return api.get(path)

    def await_pool(self, pool: str, healthy: bool) -> None:
        """Returns once that is published of a pool."""
        look = f"{POOLS}/{pool}"
        waiting.until(f"healthy: {healthy}", lambda: self.get(look).get("healthy") is healthy, 8.0)

    def changes(self, pool: str) -> tuple[list[bool], list[bool]]:
        """What the event log has of a pool and of its only endpoint, oldest first."""
        query = urlencode({"pool_id": pool})
        found = self.get(f"/user/load_balancing_analytics/events?{query}")[::-1]
        return (
            [event["pool"]["healthy"] for event in found if event["pool"]["changed"]],
            [event["origins"][0]["healthy"] for event in found if event["origins"][0]["changed"]],
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One for a test."""
    with Webhooks() as hooks, MailServer() as mails:
        world = World(tmp_path / "own", hooks, mails)
        try:
            yield world
        finally:
            world.edge.kill()


class Flapped(World):
    """Its only endpoint has been down and up again, twice; everybody was told in his own way."""

    def __init__(self, folder: Path, hooks: Webhooks, mails: MailServer, a: Endpoint):
        super().__init__(folder, hooks, mails)
        self.pool = self.control.pool(
            a,
            monitor=self.control.monitor(),
            notification_email="old@example.com, older@example.com",
            notification_filter={"origin": {"disable": True}, "pool": {"healthy": False}},
        )
        self.name = self.get(f"{POOLS}/{self.pool}")["name"]
        self.balancer = self.control.balancer(self.pool)
        other = self.control.nobody()
        self.webhook = self.subscribe("/all", pool_id=[self.pool, other])
        self.subscribe("/any-pool")
        self.subscribe("/outages", new_health=["Unhealthy"])
        self.subscribe("/pools", event_source=["pool"])
        self.subscribe("/elsewhere", pool_id=[other])
        self.subscribe("/switched", SWITCHED)
        self.flaky = self.subscribe("/flaky", event_source=["pool"])
        hooks.refusals["/flaky"] = [500, 500]
        self.gone = self.subscribe("/gone", event_source=["pool"])
        hooks.refusals["/gone"] = [404] * 100
        oncall = {"email": [{"id": "oncall@example.com"}]}
        self.policy("by mail", HEALTH, oncall, {"event_source": ["origin"]})
        self.await_pool(self.pool, True)
        for count in (2, 6):
            a.set_health(503)
            self.await_pool(self.pool, False)
            hooks.await_taken("/all", count)
            a.set_health(200)
            self.await_pool(self.pool, True)
            hooks.await_taken("/all", count + 2)
        a.await_probe()  # which says the same once more
        hooks.await_taken("/flaky", 4, within=10)


@pytest.fixture(scope="module")
def flapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flapped]:
    """One for all tests that only look at what was told."""
    folder = tmp_path_factory.mktemp("flapped")
    a = Endpoint("a", folder / "endpoints").start()
    with Webhooks() as hooks, MailServer() as mails:
        world = Flapped(folder / "own", hooks, mails, a)
        try:
            yield world
        finally:
            world.edge.kill()
            a.kill()


def of(messages: list[dict], source: str) -> list[dict]:
    """Those about pools, or about origins."""
    return [message for message in messages if message["data"].get("event_source") == source]


def story(messages: list[dict]) -> list[tuple[str, str | None]]:
    """What they say, one after another."""
    return [(one["data"]["new_health"], one.get("alert_event")) for one in messages]


def test_each_change_is_told_once_and_in_order(flapped):
    """As often as the event log has changes, but for the first: what is found first is no news."""
    told = flapped.hooks.taken("/all")
    changes = flapped.changes(flapped.pool)
    assert changes == ([True, False, True, False, True],) * 2
    assert story(of(told, "pool")) == story(of(told, "origin")) == [DOWN, UP, DOWN, UP]
    assert [post.status for post in flapped.hooks.at("/all")] == [204] * 8


def test_a_recovery_is_tied_to_its_outage(flapped):
    told = flapped.hooks.taken("/all")
    for source in ("pool", "origin"):
        first, end, again, last = (one["alert_correlation_id"] for one in of(told, source))
        assert first == end != again == last
    assert len({one["alert_correlation_id"] for one in told}) == 4, "pool and origin apart"


def test_a_message_says_what_happened_and_whose_it_is(flapped):
    outage = of(flapped.hooks.taken("/all"), "origin")[0]
    start = f"Endpoint a of pool {flapped.name} is unhealthy: 127.0.0.1, "
    assert outage["text"].startswith(start)
    assert outage["data"] == {
        "event_source": "origin",
        "new_health": "Unhealthy",
        "pool_id": flapped.pool,
        "pool_name": flapped.name,
        "load_balancer_name": flapped.balancer.host,
        "origin_name": "a",
        "origin_ip": "127.0.0.1",
        "origin_failure_reason": "Response code mismatch error",
    }
    assert (outage["account_id"], outage["alert_type"]) == (ACCOUNT, HEALTH)
    assert outage["policy_name"] == "policy of /all"
    for post in flapped.hooks.at("/all"):
        assert post.headers["cf-webhook-auth"] == "s3cret"
        assert post.headers["content-type"] == "application/json"


def test_filters_choose(flapped):
    hooks = flapped.hooks
    assert len(hooks.taken("/any-pool")) == 8
    assert story(hooks.taken("/outages")) == [DOWN] * 4
    assert story(hooks.taken("/pools")) == [DOWN, UP, DOWN, UP]
    assert hooks.at("/elsewhere") == hooks.at("/switched") == []


def test_whoever_answers_500_is_tried_again_and_order_is_kept(flapped):
    posts = flapped.hooks.at("/flaky")
    assert [post.status for post in posts] == [500, 500] + [204] * 4
    assert posts[0].body == posts[1].body == posts[2].body
    assert story(flapped.hooks.taken("/flaky")) == [DOWN, UP, DOWN, UP]
    assert len(flapped.hooks.at("/gone")) == 4, "404 will not get better"


def test_mail_reaches_policies_and_pools_own_addresses(flapped):
    oncall = flapped.mails.await_mails("oncall@example.com", 4)
    assert [mail["Subject"] for mail in oncall] == [
        f"Endpoint a of pool {flapped.name} is {health}" for health in ("unhealthy", "healthy") * 2
    ]
    assert {mail["From"] for mail in oncall} == {"evenkeel@example.com"}
    ties = [mail["References"] for mail in oncall]
    assert ties[0] == ties[1] != ties[2] == ties[3], "a mail program shows each outage as one"
    for address in ("old@example.com", "older@example.com"):
        found = flapped.mails.await_mails(address, 2)
        assert [mail["Subject"] for mail in found] == [f"Pool {flapped.name} is unhealthy"] * 2


def test_the_history_and_the_webhooks_tell_what_became_of_it(flapped):
    webhooks = flapped.alerting.destinations.webhooks

    def ended() -> list[dict]:
        found = flapped.get(f"{HISTORY}?per_page=100")
        return found if sum(one["mechanism"] == flapped.flaky for one in found) == 4 else []

    history = waiting.until("the history", ended)

    def by(mechanism: str) -> list[dict]:
        return [one for one in history if one["mechanism"] == mechanism][::-1]

    sent = [json.loads(one["alert_body"]) for one in by(flapped.webhook)]
    assert sent == flapped.hooks.taken("/all")
    good = webhooks.get(flapped.webhook, account_id=ACCOUNT)
    assert good.last_success is not None and good.last_failure is None
    assert [one["tries"] for one in by(flapped.flaky)] == [3, 1, 1, 1]
    refused = by(flapped.gone)
    assert [(one["status"], one["tries"]) for one in refused] == [("failed", 1)] * 4
    assert all("404" in one["reason"] for one in refused)
    bad = webhooks.get(flapped.gone, account_id=ACCOUNT)
    assert bad.last_failure is not None and bad.last_success is None
    mailed = [one for one in history if one["mechanism_type"] == "email"]
    wanted = ["oncall@example.com"] * 4 + ["old@example.com", "older@example.com"] * 2
    assert sorted(one["mechanism"] for one in mailed) == sorted(wanted)
    assert {one["status"] for one in mailed} == {"delivered"}


def test_flapping_is_told_once_per_change_of_status(world):
    """Two endpoints answer 200 and 503 in turn; one monitor believes each answer, one waits for two
    of a kind. The first is told of after each probe, the second never."""

    def answering(statuses: Iterator[int]) -> probed.Talk:
        def talk(peer: socket.socket) -> None:
            probed.http(b"HTTP/1.1 %d Because\r\n\r\n" % next(statuses))(peer)

        return talk

    def pool(port: int, down: int) -> str:
        return world.control.pool(
            origins=[{"name": "a", "address": "127.0.0.1", "port": port}],
            monitor=world.control.monitor(path="/", consecutive_down=down),
        )

    world.subscribe("/all")
    flaps = itertools.chain([200, 503, 200], itertools.repeat(503))
    forever = itertools.cycle([200, 503])
    with (
        probed.serving(answering(flaps)) as nervous,
        probed.serving(answering(forever)) as calm,
    ):
        excited, patient = pool(nervous, down=1), pool(calm, down=2)
        changes = [True, False, True, False]
        waiting.until("events", lambda: world.changes(excited) == (changes, changes), 15.0)
        told = world.hooks.await_taken("/all", 6)
        assert story(of(told, "pool")) == story(of(told, "origin")) == [DOWN, UP, DOWN]
        assert {one["data"]["pool_id"] for one in told} == {excited}
        assert world.changes(patient) == ([True], [True])


def test_switching_a_pool_is_told_as_that_alone(world, endpoints):
    (a,) = endpoints("a")
    pool = world.control.pool(a, monitor=world.control.monitor())
    balancer = world.control.balancer(pool)
    world.subscribe("/switched", SWITCHED)
    world.subscribe("/off", SWITCHED, enabled=["false"], pool_id=[pool])
    world.subscribe("/health")
    world.await_pool(pool, True)
    world.control.edit_pool(pool, enabled=False)
    world.hooks.await_taken("/switched", 1)
    world.control.edit_pool(pool, description="still off")
    world.control.edit_pool(pool, enabled=True)
    off, on = world.hooks.await_taken("/switched", 2)
    assert (off["data"]["enabled"], on["data"]["enabled"]) == (False, True)
    assert off["alert_type"] == SWITCHED and "alert_event" not in off
    assert off["data"]["pool_id"] == pool
    assert off["data"]["load_balancer_name"] == balancer.host
    world.await_pool(pool, True)
    a.await_probe()
    assert [one["data"]["enabled"] for one in world.hooks.taken("/off")] == [False]
    assert world.hooks.at("/health") == [], "a wish is no change of health"


def test_a_restart_tells_nobody_and_outages_go_on(world, endpoints):
    """A monitor without a vote is told of as well, and is no event."""
    good, ill = endpoints("good", "ill")
    ill.set_health(503)
    monitor = world.control.monitor()
    pools = [world.control.pool(endpoint, monitor=monitor) for endpoint in (good, ill)]
    watcher = world.control.monitor(path="/_probe/1")
    constant = world.control.monitor(path="/status/200")
    group = world.control.sdk.load_balancers.monitor_groups.create(
        account_id=ACCOUNT,
        description="",
        members=[member(constant), member(watcher, monitoring_only=True)],
    )
    watched = world.control.pool(good, monitor_group=group.id)
    world.subscribe("/all")

    def await_changes(*wanted: list[bool]) -> None:
        """Returns once the event log has these of the endpoints: they are kept by then."""

        def are_there() -> bool:
            return [world.changes(pool)[1] for pool in (*pools, watched)] == list(wanted)

        waiting.until(f"events {wanted}", are_there, 8.0)

    def watched_probes() -> int:
        return sum(probe["target"] == "/_probe/1" for probe in good.probes())

    await_changes([True], [False], [True])
    # What the watcher finds first is no news: it has to have found it before it changes.
    waiting.until("the watcher has looked twice", lambda: watched_probes() >= 2, 8.0)
    good.set_health(503)
    outages = world.hooks.await_taken("/all", 3)
    # What the watcher found is in no event, but written no later than the next one.
    ill.set_health(200)
    await_changes([True, False], [False, True], [True])
    untied = world.hooks.await_taken("/all", 5)[3:]
    assert story(untied) == [("Healthy", None)] * 2, "nobody was told of its beginning"
    waiting.until("the history", lambda: len(world.get(HISTORY)) == 5)
    world.edge.kill()
    world.edge.start()
    for endpoint in (good, ill, good):
        endpoint.await_probe()
    assert len(world.hooks.posts) == 5, "nobody is told of a restart"
    await_changes([True, False], [False, True], [True])
    good.set_health(200)
    recoveries = world.hooks.await_taken("/all", 8)[5:]
    await_changes([True, False, True], [False, True], [True])

    def tied(messages: list[dict]) -> dict[tuple, str]:
        """Identifiers, by what they are about."""
        about = ("pool_id", "event_source")
        return {
            tuple(one["data"][name] for name in about): one["alert_correlation_id"]
            for one in messages
        }

    assert [event for _, event in story(outages)] == [DOWN[1]] * 3
    assert [event for _, event in story(recoveries)] == [UP[1]] * 3
    assert tied(outages) == tied(recoveries)
    assert set(tied(outages)) == {
        (pools[0], "pool"),
        (pools[0], "origin"),
        (watched, "origin"),
    }
    (seen,) = (one for one in outages if one["data"]["pool_id"] == watched)
    assert f"seen by monitor {watcher}, which has no vote" in seen["text"]
