"""docs/operations says what is so: metrics, fields, settings, commands; and its commands work."""

import json
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from harness import http1, waiting
from harness.cli import Cli
from harness.control import Control
from harness.evenkeel import Evenkeel, finish
from harness.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs/operations"
PAGES = sorted(DOCS.rglob("*.md"))
METRIC = re.compile(r"\b(?:evenkeel|process)_[a-z0-9_]+\b")
# Files and formats whose names look like metrics.
NOT_METRICS = {"evenkeel_config"}


def metrics_of(server: Evenkeel) -> dict[str, tuple[str, set[str]]]:
    """Type and labels of everything on the page."""
    page = http1.get(server.api, "/metrics", "localhost").body.decode()
    found = {
        name: (kind, set())
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE)
    }
    for name, labels in re.findall(r"^([a-z0-9_]+)\{(.*)\} ", page, re.MULTILINE):
        base = next(n for n in (name, re.sub(r"_(bucket|sum|count)$", "", name)) if n in found)
        found[base][1].update(set(re.findall(r'(\w+)="', labels)) - {"le"})
    return found


def rows(page: Path, columns: int) -> list[list[str]]:
    """Rows of all tables of so many columns, without their heads."""
    lines = [line.strip() for line in page.read_text().splitlines() if line.startswith("| `")]
    split = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [cells for cells in split if len(cells) == columns]


@pytest.fixture(scope="module")
def served(tmp_path_factory, request) -> Evenkeel:
    """A server that has everything on, and has served a request."""
    folder = tmp_path_factory.mktemp("operations")
    server = Evenkeel(folder)
    server.flags |= {
        "--https": f"127.0.0.1:{free_port()}",
        "--dns": f"127.0.0.1:{free_port()}",
        "--access-log": str(folder / "access.log"),
        "--otlp-endpoint": f"http://127.0.0.1:{free_port()}",
        "--passive-health": "on",
        "--drain-timeout": "1",
    }
    request.addfinalizer(server.kill)
    server.start()
    control = Control(server)
    nobody = {"name": "web-1", "address": "127.0.0.1", "port": free_port()}
    pool = control.pool(origins=[nobody], monitor=control.monitor())
    balancer = control.balancer(pool, fallback_pool=pool)
    waiting.until("served", lambda: server.get("/", balancer.host).status == 521, 10.0)
    return server


def test_every_metric_is_described_and_every_described_one_exists(served):
    found = metrics_of(served)
    described = {row[0].strip("`"): row for row in rows(DOCS / "metrics.md", 4)}
    assert not found.keys() - described.keys(), "not described in metrics.md"
    sources = "\n".join(path.read_text() for path in ROOT.glob("crates/*/src/**/*.rs"))
    gone = [name for name in described.keys() - found.keys() if f'"{name}"' not in sources]
    assert not gone, f"described in metrics.md, and nowhere written: {gone}"
    for name, (kind, labels) in found.items():
        _, said_kind, said_labels, _ = described[name]
        assert said_kind == kind, name
        assert labels <= set(re.findall(r"`(\w+)`", said_labels)), (name, labels)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_names_metrics_that_are_described(page):
    described = {row[0].strip("`") for row in rows(DOCS / "metrics.md", 4)}
    named = set(METRIC.findall(page.read_text())) - NOT_METRICS
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert not {name for name in bases | named if name not in described} - (named - bases)


def test_every_field_of_the_access_log_is_described_in_its_order(served):
    log = Path(served.flags["--access-log"])
    waiting.until("logged", lambda: log.exists() and log.read_text().endswith("\n"), 10.0)
    line = json.loads(log.read_text().splitlines()[0])
    assert list(line) == [row[0].strip("`") for row in rows(DOCS / "access-log.md", 2)]


def test_settings_that_are_named_exist():
    names = set(re.findall(r"^# ([a-z0-9-]+): ", finish("check-config", "--print").stdout, re.M))
    assert len(names) > 60
    for page in PAGES:
        for setting in re.findall(r"^([a-z0-9-]+) = ", page.read_text(), re.MULTILINE):
            assert setting in names, f"{page.name}: {setting}"
        for first in re.findall(r"^\| `([a-z0-9]+(?:-[a-z0-9]+)+)` \|", page.read_text(), re.M):
            assert first in names or (page.parent / first).exists(), f"{page.name}: {first}"
        for option in re.findall(r"^evenkeel serve .*?(--[a-z0-9-]+)", page.read_text(), re.M):
            assert option[2:] in names, f"{page.name}: {option}"


def test_defaults_that_are_named_are_so():
    shown = finish("check-config", "--print").stdout
    defaults = dict(re.findall(r"^# ([a-z0-9-]+): (\S+) \(default\)$", shown, re.MULTILINE))
    table = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \|", (DOCS / "tuning.md").read_text(), re.M)
    assert len(table) >= 8
    for setting, default in table:
        assert defaults[setting] == default, setting


COMMANDS = sorted(
    {
        match
        for page in PAGES
        for match in re.findall(
            r"(?:^|`)evenkeel ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", page.read_text(), re.M
        )
    }
)


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_that_are_named_exist(words):
    words = words.split()
    # What is no sub-command is a name of something, and --help does not mind.
    done = finish(*words, "--help")
    assert done.returncode == 0, f"{words}: {done.stderr}"
    assert " ".join(["Usage: evenkeel", words[0]]) in done.stdout, done.stdout


def backtick_flags():
    """Each command line of the pages with its long flags."""
    for page in PAGES:
        for line in re.findall(r"^evenkeel ([a-z].*)$", page.read_text(), re.MULTILINE):
            words = line.split("#")[0].split()
            yield page.name, words, [word.split("=")[0] for word in words if word.startswith("--")]


def test_flags_that_are_named_exist():
    for page, words, flags in backtick_flags():
        path = [word for word in words[:2] if re.fullmatch("[a-z-]+", word)]
        help_text = finish(*path, "--help").stdout + finish(path[0], "--help").stdout
        for flag in flags:
            assert f"{flag}" in help_text, f"{page}: evenkeel {' '.join(words)}"


def test_a_backup_is_made_from_a_running_server_and_restored(own_edge, own_control, tmp_path):
    """The commands of backup-and-restore.md, by the library that sqlite3 is made of."""
    own_control.pool(origins=[{"name": "a", "address": "192.0.2.1"}])
    copy = tmp_path / "evenkeel.db"
    source = sqlite3.connect(f"file:{own_edge.data}/documents.db?mode=ro", uri=True)
    with sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    assert target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    target.close()
    evenkeel = Cli(own_edge)
    evenkeel("export", str(tmp_path / "before.json"))
    own_control.pool(origins=[{"name": "b", "address": "192.0.2.1"}])
    assert own_edge.stop() == 0
    for name in ("documents.db-wal", "documents.db-shm"):
        (own_edge.data / name).unlink(missing_ok=True)
    (own_edge.data / "documents.db").write_bytes(copy.read_bytes())
    own_edge.start()
    evenkeel("export", str(tmp_path / "after.json"))
    assert (tmp_path / "after.json").read_text() == (tmp_path / "before.json").read_text()
    said = finish("check", str(tmp_path / "after.json"))
    assert said.returncode == 0, said


def test_signals_do_what_is_said(own_edge):
    own_edge.signal(signal.SIGHUP)
    waiting.until("looked", lambda: "again" in own_edge.log.read_text(), 10.0)
    assert own_edge.is_ready()
    assert own_edge.stop() == 0


def test_what_jq_is_asked_for_are_fields():
    fields = {row[0].strip("`") for row in rows(DOCS / "access-log.md", 2)}
    for page in PAGES:
        for program in re.findall(r"^jq -r '?([^'\n]*)'?", page.read_text(), re.MULTILINE):
            named = set(re.findall(r"\.([a-z_]+)\b", program.split(" /var")[0])) - {"log"}
            assert named <= fields, f"{page.name}: {named - fields}"


def test_the_image_is_built_from_files_that_exist():
    text = (ROOT / "packaging/container/Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    sources = [file for files in copied for file in files if not file.startswith("--")]
    ours = [file for file in sources if not file.startswith("/out")]
    assert len(ours) >= 8
    for file in ours:
        assert (ROOT / file).exists(), file
        assert f"!{file}" in ignored, f".dockerignore leaves {file} out"
    # What the build reads beside its own crates has to be there too.
    for path in ROOT.glob("crates/*/src/**/*.rs"):
        for named in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', path.read_text()):
            file = (path.parent / named).resolve()
            assert file.relative_to(ROOT).parts[0] in ours, f"{path}: {named} is not copied"
    command = json.loads(re.search(r"^CMD (\[\"serve.*)$", text, re.MULTILINE).group(1))
    file = ROOT / "packaging/container/evenkeel.toml"
    assert command == ["serve", "--config", "/etc/evenkeel/evenkeel.toml"]
    done = finish("check-config", str(file), "--data-dir", "/tmp")
    assert done.returncode == 0, done
    health = json.loads(re.search(r"^HEALTHCHECK .* CMD (.*)$", text, re.MULTILINE).group(1))
    assert finish(*health[1:], "--help").returncode == 0
