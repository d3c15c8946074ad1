"""The page of metrics, the dashboard and the alerts, as Prometheus and Grafana read them."""

import json
import re
from collections import defaultdict

import dns.message
import dns.query
import pytest

from harness import page, promtool, waiting
from harness.edge.secure import Secure, Zones
from harness.endpoint import Endpoint
from harness.ports import free_port


@pytest.fixture(scope="module")
def scraped(tmp_path_factory, authority):
    """The page of a node that has met a bit of everything."""
    folder = tmp_path_factory.mktemp("scraped")
    server = Secure(folder / "own", authority)
    server.flags |= {
        "--dns": f"127.0.0.1:{free_port()}",
        "--access-log": str(folder / "access.log"),
        "--otlp-endpoint": f"http://127.0.0.1:{free_port()}",
    }
    endpoint = Endpoint("a", folder / "endpoints").start()
    try:
        server.start()
        zones = Zones(server)
        live = zones.pool(endpoint, monitor=zones.monitor())
        gone = {"name": "gone", "address": "127.0.0.1", "port": 1}
        dead = zones.site(zones.pool(origins=[gone]))
        host = zones.site(zones.nobody(), live, session_affinity="cookie", fallback_pool=live)
        last = zones.site(zones.nobody(), fallback_pool=live)
        server.await_answer(host, "a")
        cookie = server.get("/", host).cookie()
        assert server.get("/", host, [("Cookie", cookie)]).status == 200
        assert server.get("/", last).status == 200
        assert server.get("/", dead).status >= 500
        assert server.get("/", "unknown.example").status >= 400
        with server.connect_securely(host) as client:
            assert client.get("/", host).status == 200
        query = dns.message.make_query(host, "A")
        port = int(server.flags["--dns"].rpartition(":")[2])
        dns.query.udp(query, "127.0.0.1", timeout=10, port=port)
        waiting.until("a verdict", lambda: zones.is_healthy(live), 15.0)
        yield page.text(server)
    finally:
        server.kill()
        endpoint.kill()


@pytest.fixture(scope="module")
def labels(scraped) -> dict[str, set[str]]:
    """Labels of each metric with a sample."""
    found: dict[str, set[str]] = defaultdict(set)
    for sample in page.samples(scraped):
        found[sample.name] |= set(sample.labels)
    return found


@pytest.fixture(scope="module")
def names(scraped) -> set[str]:
    """Every name that may be asked for."""
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", scraped, re.M):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {name + part for part in parts}
    return found


def test_prometheus_finds_nothing_wrong_with_the_page(scraped):
    done = promtool.promtool("check", "metrics", text=scraped)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_series_is_there_twice_and_each_has_its_help(scraped, names):
    series = [line.rpartition(" ")[0] for line in scraped.splitlines() if line[0] != "#"]
    assert len(set(series)) == len(series)
    assert {sample.name for sample in page.samples(scraped)} <= names
    told = re.findall(r"^# HELP (\S+) \S", scraped, re.M)
    typed = re.findall(r"^# TYPE (\S+) ", scraped, re.M)
    assert told == typed and len(set(told)) == len(told)


def check(where: str, expression: str, names: set[str], labels: dict[str, set[str]]) -> None:
    """Fails if an expression names a metric or a label that is not on the page."""
    for metric, asked in promtool.uses(expression):
        assert metric in names, f"{where}: there is no {metric}"
        missing = asked - labels[metric]
        assert not missing, f"{where}: {metric} has no {missing}, only {labels[metric]}"


def test_every_query_of_the_dashboard_finds_its_metrics_and_labels(names, labels):
    queries = promtool.dashboard_queries()
    assert len(queries) > 100
    for panel, expression, legend in queries:
        assert promtool.uses(expression), panel
        check(panel, expression, names, labels)
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        kept = {label for _, labels in promtool.uses(expression) for label in labels}
        assert shown <= kept | promtool.SCRAPED, f"{panel}: {legend} shows what is not kept"


def test_panels_are_numbered_and_leave_each_other_room():
    panels = json.loads(promtool.DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        place = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in place) < 24 and not place & taken, panel["title"]
        taken |= place


def test_every_query_of_the_dashboard_is_one(tmp_path):
    rules = [
        {"record": f"dashboard:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression, _) in enumerate(promtool.dashboard_queries())
    ]
    file = tmp_path / "rules.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool.promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stderr


def test_alerts_are_rules_that_name_what_is_there_and_fire_when_they_should(names, labels):
    done = promtool.promtool("check", "rules", str(promtool.RULES))
    assert done.returncode == 0, done.stderr
    done = promtool.promtool("test", "rules", str(promtool.RULE_TESTS))
    assert done.returncode == 0, done.stdout + done.stderr
    expressions = promtool.rule_expressions()
    assert len(expressions) == promtool.RULES.read_text().count("- alert:")
    for expression in expressions:
        assert promtool.uses(expression) or expression.startswith("up{")
        check(expression, expression, names, labels)
    for runbook in re.findall(r"runbook: (\S+)", promtool.RULES.read_text()):
        assert (promtool.PACKAGING.parent / runbook).is_file(), runbook
