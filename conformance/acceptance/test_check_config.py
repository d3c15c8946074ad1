"""`evenkeel check-config`: every mistake at once, each on a line that says where it stands."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.evenkeel import binary, environment, finish
from harness.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ROOT / "packaging/debian/evenkeel.toml"


@pytest.fixture
def file(tmp_path):
    """Writes a file and has it checked, in a folder of its own."""

    def check(text: str, *flags: str, **variables: str):
        path = tmp_path / "evenkeel.toml"
        path.write_text(text)
        return finish("check-config", str(path), *flags, cwd=tmp_path, **variables)

    return check


def test_a_good_file_is_called_good_and_nothing_is_made(file, tmp_path):
    done = file('data-dir = "new"\nhttp = ["127.0.0.1:0"]\npassive-health = true\n')
    assert done.returncode == 0 and "3 settings are given" in done.stderr, done
    assert [path.name for path in tmp_path.iterdir()] == ["evenkeel.toml"]


def test_every_mistake_of_a_file_is_named_with_its_line(file, tmp_path):
    (tmp_path / "broken.mmdb").write_text("no database")
    (tmp_path / "file").write_text("")
    done = file(
        'workers = "many"\n'  # 1
        "\n"
        'htpp = ["127.0.0.1:80"]\n'  # 3
        'api = "127.0.0.1:9000"\n'
        'http = ["127.0.0.1:9000"]\n'  # 5
        'region = "MARS"\n'  # 6
        'tls_cert = ["/nonexistent.pem"]\n'
        'tls_key = ["/nonexistent.key"]\n'
        'geoip = ["broken.mmdb"]\n'  # 9
        'data-dir = "file"\n'  # 10
        'dns-log = "absent/dns.log"\n'  # 11
        "connect-timeout = 0\n"  # 12
        'acme-directory = "https://ca.example"\n'
        "[limits]\n"
        "memory-max = 512\n"  # 15
    )
    assert done.returncode == 78 and not done.stdout, done
    lines = done.stderr.splitlines()
    for place, key in [
        (":1:", "workers"),
        (":3:", "htpp: no such setting; did you mean http?"),
        (":5:", "http: 127.0.0.1:9000 is taken by api"),
        (":6:", "region"),
        (":7:", "tls-cert"),
        (":9:", "geoip"),
        (":10:", "data-dir"),
        (":11:", "dns-log"),
        (":12:", "connect-timeout"),
        ("", "acme-agree-tos: missing beside acme-directory"),
        (":15:", "limits.memory-max: settings stand in no table; write memory-max"),
    ]:
        named = [line for line in lines if f"{place and f'evenkeel.toml{place} '}{key}" in line]
        assert len(named) == 1, f"{place} {key} in {done.stderr}"
    assert len(lines) == 11, done.stderr


def test_text_that_is_no_toml_is_told_by_its_place(file):
    done = file("workers = 2\nregion = MARS\nhttp = 'here'\npop = \n")
    assert done.returncode == 78
    lines = done.stderr.splitlines()
    for place, said in [(2, "not TOML at column 10"), (4, "not TOML"), (3, "http: ")]:
        named = [line for line in lines if f"evenkeel.toml:{place}: {said}" in line]
        assert named, f"{place} {said} in {done.stderr}"


def test_what_cannot_be_read_is_told_in_words(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'pop = "LIS"\nregion = "\xe9"\n')
    for name, said in [
        ("absent.toml", "config: cannot read absent.toml"),
        (".", "config: cannot read ."),
        ("latin.toml", "latin.toml:2: not UTF-8"),
    ]:
        done = finish("check-config", name, cwd=tmp_path)
        assert done.returncode == 78 and done.stderr.startswith(said), done


def test_flags_and_variables_are_judged_with_the_file(file):
    done = file('pop = "LIS"\n', "--workers=0", EVENKEEL_REGION="MARS")
    assert done.returncode == 78
    assert sorted(line.split(":")[0] for line in done.stderr.splitlines()) == [
        "EVENKEEL_REGION",
        "workers",
    ]
    # The file is not asked where a flag came first.
    assert file('pop = "far too long"\n', "--pop=LIS").returncode == 0
    assert finish("check-config", "a", "--config", "b").returncode == 2


def test_a_variable_with_a_slip_is_a_warning(file):
    done = file("", EVENKEEL_WORKER="2", EVENKEEL_SERVICE_HOST="10.0.0.1")
    assert done.returncode == 0
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 1 and "did you mean EVENKEEL_WORKERS?" in warnings[0], done.stderr


def test_what_is_in_force_is_printed_with_its_source_and_without_secrets(file, tmp_path):
    done = file(
        'pop = "LIS"\nhttp = ["127.0.0.1:1", "127.0.0.1:2"]\n',
        "--print",
        "--workers=3",
        EVENKEEL_REGION="SEAS",
        EVENKEEL_DNS_COOKIE_SECRET="00112233445566778899aabbccddeeff",
    )
    assert done.returncode == 0, done
    for line in [
        f'pop = "LIS" # {tmp_path}/evenkeel.toml:1',
        f'http = ["127.0.0.1:1", "127.0.0.1:2"] # {tmp_path}/evenkeel.toml:2',
        'workers = "3" # flag',
        'region = "SEAS" # EVENKEEL_REGION',
        "# api: 127.0.0.1:8787 (default)",
        "# dns-cookie-secret: not shown; from EVENKEEL_DNS_COOKIE_SECRET",
    ]:
        assert line in done.stdout.splitlines(), f"{line} in {done.stdout}"
    assert "00112233" not in done.stdout + done.stderr
    # What is printed is a file with the same meaning.
    again = file(done.stdout, "--print")
    keys = [line.split(" # ")[0] for line in done.stdout.splitlines() if not line.startswith("#")]
    assert [line.split(" # ")[0] for line in again.stdout.splitlines() if line[0] != "#"] == keys


def test_a_running_server_is_not_disturbed(own_edge):
    log = own_edge.folder / "dns.log"
    log.write_text("kept\n")
    words = [word for flag in own_edge.flags.items() for word in flag]
    done = finish("check-config", *words, "--dns-log", str(log))
    assert done.returncode == 0, done
    assert own_edge.is_ready() and log.read_text() == "kept\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root's rights to have none")
def test_a_folder_that_may_not_be_written_to_is_named():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        own = folder / "evenkeel"
        own.write_bytes(binary().read_bytes())
        own.chmod(0o755)
        done = subprocess.run(
            [own, "check-config", "--data-dir", str(folder / "data")],
            env=environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=10,
            user=65534,
            check=False,
        )
    assert done.returncode == 78 and done.stderr.startswith("data-dir:"), done


def test_ready_says_whether_a_server_serves(own_edge):
    server = f"http://127.0.0.1:{own_edge.api}"
    assert finish("ready", "--server", server).returncode == 0
    own_edge.stop()
    done = finish("ready", EVENKEEL_SERVER=server)
    assert done.returncode == 1 and server in done.stderr, done


def test_the_packaged_file_is_good(tmp_path):
    done = finish(
        "check-config", str(PACKAGED), "--data-dir", str(tmp_path), f"--api=127.0.0.1:{free_port()}"
    )
    assert done.returncode == 0, done


@pytest.mark.parametrize(
    ("text", "variables", "named"),
    [
        ('access-log = "."', {}, ":1: access-log: . is a folder"),
        ('access-log = "absent/a.log"', {}, ":1: access-log: "),
        ('access-log = ""', {}, ":1: access-log: the path is empty"),
        ('data-dir = ""', {}, ":1: data-dir: the path is empty"),
        ('data-dir = "evenkeel.toml"', {}, ":1: data-dir: evenkeel.toml is no folder"),
        ("connect-timeout = '1,5'", {}, ":1: connect-timeout: takes one value"),
        ("", {"EVENKEEL_API_TOKEN": "to ken"}, "EVENKEEL_API_TOKEN: "),
        ("", {"EVENKEEL_POP": "\udcff"}, "EVENKEEL_POP: its value is not UTF-8"),
    ],
)
def test_who_serves_gives_the_same_verdict(file, tmp_path, text, variables, named):
    checked = file(text, **variables)
    served = finish("serve", "--config", "evenkeel.toml", cwd=tmp_path, **variables)
    for done in (checked, served):
        assert done.returncode == 78, done
        assert named in done.stderr and len(done.stderr.splitlines()) == 1, done
