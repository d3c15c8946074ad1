"""Notification policies and webhooks as the official SDK sees them."""

import json

import cloudflare
import pytest

from harness.control import unique
from harness.evenkeel import ACCOUNT


@pytest.fixture
def alerting(control):
    return control.sdk.alerting


@pytest.fixture
def webhooks(alerting):
    return alerting.destinations.webhooks


def test_a_webhook_is_told_by_its_url_and_keeps_its_secret(webhooks):
    name = unique("hook")
    sent = {"name": name, "url": "https://hooks.slack.com/services/a", "secret": "s3cret"}
    raw = webhooks.with_raw_response.create(account_id=ACCOUNT, **sent)
    answer = json.loads(raw.read())["result"]
    assert list(answer) == ["id"]
    got = webhooks.with_raw_response.get(answer["id"], account_id=ACCOUNT).read()
    assert b"s3cret" not in got
    webhook = webhooks.get(answer["id"], account_id=ACCOUNT)
    assert (webhook.name, webhook.url, webhook.type) == (name, sent["url"], "slack")
    assert webhook.created_at is not None and webhook.last_success is None
    assert answer["id"] in [one.id for one in webhooks.list(account_id=ACCOUNT)]
    updated = webhooks.update(
        answer["id"], account_id=ACCOUNT, name=name, url="https://example.com/hook"
    )
    assert updated.id == answer["id"]
    assert webhooks.get(answer["id"], account_id=ACCOUNT).type == "generic"
    assert webhooks.delete(answer["id"], account_id=ACCOUNT).success
    with pytest.raises(cloudflare.NotFoundError):
        webhooks.get(answer["id"], account_id=ACCOUNT)


def test_a_policy_comes_back_as_sent(alerting, webhooks, control):
    webhook = webhooks.create(account_id=ACCOUNT, name="hook", url="https://example.com/hook").id
    sent = {
        "name": unique("policy"),
        "description": "wakes somebody",
        "alert_type": "load_balancing_health_alert",
        "enabled": True,
        "alert_interval": "30m",
        "filters": {
            "pool_id": [control.nobody()],
            "new_health": ["Unhealthy"],
            "event_source": ["pool", "origin"],
        },
        "mechanisms": {"email": [{"id": "ops@example.com"}], "webhooks": [{"id": webhook}]},
    }
    policies = alerting.policies
    id = policies.create(account_id=ACCOUNT, **sent).id
    raw = policies.with_raw_response.get(id, account_id=ACCOUNT).read()
    got = json.loads(raw)["result"]
    assert {member: got.pop(member) for member in sent} == sent
    assert set(got) == {"id", "created", "modified"} and got["created"] == got["modified"]
    assert id in [policy.id for policy in policies.list(account_id=ACCOUNT)]

    # A webhook that is named stays, and the refusal says why.
    with pytest.raises(cloudflare.APIStatusError, match="referenced by other objects") as refused:
        webhooks.delete(webhook, account_id=ACCOUNT)
    assert refused.value.status_code == 412

    sent = {
        "name": sent["name"],
        "alert_type": "load_balancing_pool_enablement_alert",
        "enabled": False,
        "filters": {"enabled": ["false"]},
        "mechanisms": {"email": [{"id": "ops@example.com"}]},
    }
    assert policies.update(id, account_id=ACCOUNT, **sent).id == id
    raw = policies.with_raw_response.get(id, account_id=ACCOUNT).read()
    got = json.loads(raw)["result"]
    assert {member: got.pop(member) for member in sent} == sent
    assert set(got) == {"id", "created", "modified"}, "what PUT left out is gone"
    assert webhooks.delete(webhook, account_id=ACCOUNT).success
    assert policies.delete(id, account_id=ACCOUNT).success
    with pytest.raises(cloudflare.NotFoundError):
        policies.get(id, account_id=ACCOUNT)


def test_policies_that_tell_nobody_are_refused(alerting):
    base = {"name": "a", "alert_type": "load_balancing_health_alert", "enabled": True}
    for sent, pointer in [
        ({"mechanisms": {}}, "/mechanisms"),
        ({"mechanisms": {"webhooks": [{"id": "f" * 32}]}}, "/mechanisms/webhooks/0/id"),
        ({"mechanisms": {"email": [{"id": "nobody"}]}}, "/mechanisms/email/0/id"),
        (
            {
                "mechanisms": {"email": [{"id": "a@example.com"}]},
                "filters": {"new_health": ["sick"]},
            },
            "/filters/new_health/0",
        ),
        (
            {"mechanisms": {"email": [{"id": "a@example.com"}]}, "alert_type": "dos_attack_l7"},
            "/alert_type",
        ),
    ]:
        with pytest.raises(cloudflare.BadRequestError) as refused:
            alerting.policies.create(account_id=ACCOUNT, **base | sent)
        assert [error.source.pointer for error in refused.value.errors] == [pointer]


def test_the_available_alerts_are_a_map_of_products(alerting):
    available = alerting.available_alerts.list(account_id=ACCOUNT)
    types = {alert.type for alert in available["Load Balancing"]}
    assert types == {"load_balancing_health_alert", "load_balancing_pool_enablement_alert"}
