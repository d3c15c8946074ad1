"""The Debian package in a Debian of its own: installed, started, upgraded, removed, purged.

`cargo xtask test package` makes the Debian and two versions of the package, and names them.
"""

import os
import re
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import http1, waiting
from harness.ports import free_port

UNIT = "/usr/lib/systemd/system/evenkeel.service"
SOCKETS = [
    f"/usr/lib/systemd/system/evenkeel-{kind}.socket" for kind in ("http", "https", "api", "dns")
]
CONFIG = "/etc/evenkeel/evenkeel.toml"
TOKEN = "/etc/evenkeel/environment"

CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"

# What docs/operations/packages.md says of the unit; lower is better.
EXPOSURE_MAX = 2.0


def named(variable: str) -> Path:
    """A file that the suite made."""
    path = Path(os.environ.get(variable, ""))
    assert path.exists(), f"{variable} is not set: run `cargo xtask test package`"
    return path


class Debian:
    """A root folder with a Debian in it."""

    def __init__(self, root: Path):
        self.root = root

    def path(self, inside: str) -> Path:
        """The same file, from outside."""
        return self.root / inside.lstrip("/")

    def run(self, *command: str, code: int = 0, **variables: str) -> str:
        """Runs a command inside; returns what it prints."""
        done = subprocess.run(
            [CHROOT, self.root, *command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
            | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def install(self, package: Path) -> str:
        """Installs or upgrades to a package file."""
        shutil.copy(package, self.path("/tmp/evenkeel.deb"))
        return self.run("dpkg", "--force-confold", "--install", "/tmp/evenkeel.deb")

    def about(self, inside: str) -> tuple[str, str, int]:
        """Owner, group and mode of a file."""
        owner, group, mode = self.run("stat", "-c", "%U %G %a", inside).split()
        return owner, group, int(mode, 8)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    """A fresh copy with the old version installed."""
    root = tmp_path_factory.mktemp("debian") / "root"
    subprocess.run(["cp", "-a", named("EVENKEEL_DEBIAN"), root], check=True, timeout=120)
    system = Debian(root)
    try:
        system.install(named("EVENKEEL_DEB_OLD"))
        yield system
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_what_is_installed_belongs_to_whom_it_should(debian):
    for inside, expected in [
        ("/usr/bin/evenkeel", ("root", "root", 0o755)),
        (UNIT, ("root", "root", 0o644)),
        *[(unit, ("root", "root", 0o644)) for unit in SOCKETS],
        (CONFIG, ("root", "evenkeel", 0o640)),
        (TOKEN, ("root", "root", 0o600)),
        ("/etc/logrotate.d/evenkeel", ("root", "root", 0o644)),
        ("/var/lib/evenkeel", ("evenkeel", "evenkeel", 0o750)),
        ("/var/log/evenkeel", ("evenkeel", "evenkeel", 0o750)),
        ("/usr/share/man/man1/evenkeel.1.gz", ("root", "root", 0o644)),
        ("/usr/share/bash-completion/completions/evenkeel", ("root", "root", 0o644)),
        ("/usr/share/doc/evenkeel/operations/README.md", ("root", "root", 0o644)),
    ]:
        assert debian.about(inside) == expected, inside
    user = debian.run("getent", "passwd", "evenkeel").strip().split(":")
    assert user[5] == "/var/lib/evenkeel" and user[6].endswith("nologin")
    assert re.fullmatch(r"EVENKEEL_API_TOKEN=[0-9a-f]{48}\n", debian.path(TOKEN).read_text())
    assert debian.path("/etc/systemd/system/multi-user.target.wants/evenkeel.service").is_symlink()
    assert not debian.path("/etc/systemd/system/sockets.target.wants").exists()
    assert debian.run("dpkg", "--verify", "evenkeel") == ""
    dependencies = debian.run("dpkg-query", "--show", "--showformat", "${Depends}", "evenkeel")
    assert "libc6" in dependencies and "adduser" in dependencies


def test_units_are_valid_and_confined(debian):
    verify = ["systemd-analyze", f"--root={debian.root}", "--man=no", "verify"]
    units = [UNIT, *SOCKETS]
    done = subprocess.run([*verify, *units], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "evenkeel" in line]
    assert done.returncode == 0 and not said, done
    security = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    limit = f"--threshold={round(EXPOSURE_MAX * 10)}"
    done = subprocess.run(
        [*security, limit, str(debian.path(UNIT))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-200:]
    print(done.stdout.splitlines()[-1])


def test_logs_are_rotated_by_a_file_that_logrotate_takes(debian):
    said = debian.run("logrotate", "--debug", "/etc/logrotate.d/evenkeel")
    assert "error" not in said.lower(), said


def exec_start(debian: Debian, setting: str = "ExecStart") -> list[str]:
    """The command of the installed unit."""
    unit = debian.path(UNIT).read_text()
    return re.search(rf"^{setting}=(.*)$", unit, re.MULTILINE).group(1).split()


def start(debian: Debian, api: int) -> subprocess.Popen:
    """What the service manager would start, as the user it would start it as."""
    token = debian.path(TOKEN).read_text().strip().split("=", 1)[1]
    return subprocess.Popen(
        [CHROOT, "--userspec=evenkeel:evenkeel", debian.root, *exec_start(debian)],
        env={
            "PATH": "/usr/bin:/bin",
            "EVENKEEL_API_TOKEN": token,
            "EVENKEEL_API": f"127.0.0.1:{api}",
            "EVENKEEL_HTTP": f"127.0.0.1:{free_port()}",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def is_ready(process: subprocess.Popen, api: int) -> bool:
    """Whether it answers; fails at once when it has ended."""
    assert process.poll() is None, process.returncode
    try:
        return http1.get(api, "/readyz", "localhost").status == 200
    except (OSError, http1.Closed):
        return False


def test_the_service_starts_as_its_unit_says_and_keeps_its_documents(debian):
    debian.run(*exec_start(debian, "ExecStartPre"))
    api = free_port()
    process = start(debian, api)
    try:
        waiting.until("ready", lambda: is_ready(process, api), 20.0)
        token = debian.path(TOKEN).read_text().strip().split("=", 1)[1]
        headers = [("Authorization", f"Bearer {token}")]
        answer = http1.get(api, "/client/v4/accounts", "localhost", headers)
        assert answer.status == 200, answer
    finally:
        process.terminate()
        assert process.wait(30) == 0
    owner, group, mode = debian.about("/var/lib/evenkeel")
    assert (owner, group, mode) == ("evenkeel", "evenkeel", 0o750)
    kept = list(debian.path("/var/lib/evenkeel").iterdir())
    assert kept and all(stat.S_IMODE(file.stat().st_mode) & 0o007 == 0 for file in kept), kept


def test_an_upgrade_keeps_configuration_documents_and_token(debian):
    config = debian.path(CONFIG)
    config.write_text(config.read_text() + 'pop = "LIS"\n')
    token = debian.path(TOKEN).read_text()
    documents = {
        file.name: file.stat().st_ino for file in debian.path("/var/lib/evenkeel").iterdir()
    }
    debian.path(CONFIG).chmod(0o600)
    debian.install(named("EVENKEEL_DEB_NEW"))
    version = debian.run("dpkg-query", "--show", "--showformat", "${Version}", "evenkeel")
    assert version == "0.0.0-2"
    assert tomllib.loads(config.read_text())["pop"] == "LIS"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600, "an operator's choice stays"
    assert debian.path(TOKEN).read_text() == token
    assert {
        file.name: file.stat().st_ino for file in debian.path("/var/lib/evenkeel").iterdir()
    } == documents
    debian.run(*exec_start(debian, "ExecStartPre"))


def test_removing_keeps_what_purging_deletes(debian):
    debian.run("dpkg", "--remove", "evenkeel")
    assert not debian.path("/usr/bin/evenkeel").exists()
    for kept in (CONFIG, TOKEN, "/var/lib/evenkeel"):
        assert debian.path(kept).exists(), kept
    debian.run("dpkg", "--purge", "evenkeel")
    for gone in (
        "/etc/evenkeel",
        "/var/lib/evenkeel",
        "/var/log/evenkeel",
        "/usr/share/doc/evenkeel",
    ):
        assert not debian.path(gone).exists(), gone
    left = subprocess.run(
        ["find", ".", "-xdev", "-name", "*evenkeel*", "-not", "-path", "./tmp/*"],
        cwd=debian.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert left.stdout == ""
    debian.run("getent", "passwd", "evenkeel", code=2)


def test_a_second_installation_is_like_the_first(debian):
    debian.install(named("EVENKEEL_DEB_NEW"))
    assert debian.about(CONFIG) == ("root", "evenkeel", 0o640)
    assert "LIS" not in tomllib.loads(debian.path(CONFIG).read_text()).get("pop", "")


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error():
    done = subprocess.run(
        ["lintian", "--fail-on", "error", "--tag-display-limit", "0", named("EVENKEEL_DEB_NEW")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
