"""Prometheus' own tool, which knows what a page, an expression and a rule are."""

import json
import re
import subprocess
from pathlib import Path

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
RULES = PACKAGING / "prometheus" / "evenkeel.rules.yml"
RULE_TESTS = PACKAGING / "prometheus" / "evenkeel.rules.test.yml"
DASHBOARD = PACKAGING / "grafana" / "evenkeel.json"

# Whatever expressions name beside our metrics: what a scrape adds.
SCRAPED = {"job", "instance"}

METRIC = re.compile(r"\b((?:evenkeel|process)_[a-z0-9_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r"([a-z_]+)(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess:
    """Runs it; its output is for the test to judge."""
    return subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, check=False
    )


def uses(expression: str) -> list[tuple[str, set[str]]]:
    """Each metric of an expression, with the labels that are asked of it: those it is matched by,
    and those that the sum around it keeps."""
    found = []
    for metric in METRIC.finditer(expression):
        labels = set(MATCHER.findall(metric[2] or ""))
        groups = [group for group in GROUPED.finditer(expression) if group.end() <= metric.start()]
        if groups:
            labels |= {label.strip() for label in groups[-1][1].split(",")}
        found.append((metric[1], labels - SCRAPED))
    return found


def dashboard_queries() -> list[tuple[str, str, str]]:
    """Panel, expression and legend of each query of the dashboard."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        (panel["title"], target["expr"], target["legendFormat"])
        for panel in panels
        for target in panel.get("targets", [])
    ]


def rule_expressions() -> list[str]:
    """The expression of each alert."""
    listed = re.findall(r"^ +expr: (.*?)\n +(?:for|labels):", RULES.read_text(), re.M | re.S)
    return [expression.removeprefix("|\n") for expression in listed]
