"""`evenkeel demo` as a newcomer meets it: it starts, and every command that it suggests works."""

import os
import queue
import signal
import subprocess
import threading

import pytest

from harness.evenkeel import binary, environment

START_SECONDS = 30
COMMAND_SECONDS = 20


@pytest.fixture
def demo(tmp_path):
    """The running demo, and its output so far as a queue of lines."""
    process = subprocess.Popen(
        [binary(), "demo"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            print(line, end="")
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    yield process, lines
    if process.poll() is None:
        process.kill()
        process.wait()
    reader.join()


def suggestions(lines: "queue.Queue[str | None]") -> list[str]:
    """The curl commands of the opening text, which ends with the last of them."""
    found: list[str] = []
    while True:
        try:
            line = lines.get(timeout=3 if found else START_SECONDS)
        except queue.Empty:
            return found
        if line is None:
            return found
        if line.strip().startswith("curl "):
            found.append(line.strip())


def test_every_suggested_command_works(demo):
    process, lines = demo
    commands = suggestions(lines)
    assert len(commands) >= 2, "the demo suggests what to try"
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command],
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout, f"{command} shows something"
        assert "error code: 5" not in done.stdout and '"success":false' not in done.stdout
    assert process.poll() is None, "the demo goes on"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
