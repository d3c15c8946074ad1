"""OpenTofu on a folder of its own: runs a command to its end and reads what it says.

The provider comes from `dev_overrides` of a command line configuration of the run's own, so that no
registry is asked and nothing is installed.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# A command over some eighty resources takes seconds; a busy machine a few times that.
COMMAND_SECONDS = 240.0

# Requests at once: more than a user's default of ten, so that the suite is over sooner.
PARALLELISM = 20

# The new value of what the service computes.
UNKNOWN = "(known after apply)"


@dataclass(frozen=True)
class Change:
    """What a plan would do to one resource."""

    actions: tuple[str, ...]
    paths: tuple[str, ...] = ()
    is_import: bool = False


@dataclass
class Plan:
    """What would be done, by address; resources that stay as they are included."""

    changes: dict[str, Change] = field(default_factory=dict)
    # What scripts go by: that there is nothing to do, outputs included.
    is_empty: bool = False


@dataclass
class Run:
    """How a command ended: its exit code, and its errors by the resource they are about."""

    code: int
    errors: dict[str, str] = field(default_factory=dict)


class Tofu:
    """One folder with a configuration and its state."""

    def __init__(self, folder: Path, provider: Path, variables: dict[str, str], **environ: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.variables = variables
        plugins = folder / "plugins"
        plugins.mkdir()
        (plugins / "terraform-provider-cloudflare").symlink_to(provider)
        config = folder / "tofu.rc"
        overrides = f'dev_overrides {{ "cloudflare/cloudflare" = "{plugins}" }}'
        config.write_text(f"provider_installation {{\n  {overrides}\n  direct {{}}\n}}\n")
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CLOUDFLARE_", "EVENKEEL_", "TF_"))
        }
        self.environ |= {"TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1", **environ}

    def apply(self, **variables: str) -> Run:
        """Makes it so."""
        return self._run("apply", "-auto-approve", f"-parallelism={PARALLELISM}", **variables)

    def destroy(self, **variables: str) -> Run:
        """Takes everything away."""
        return self._run("destroy", "-auto-approve", f"-parallelism={PARALLELISM}", **variables)

    def plan(self, **variables: str) -> Plan:
        """What would be done; nothing is."""
        file = self.folder / "plan"
        options = ("-detailed-exitcode", f"-out={file}", f"-parallelism={PARALLELISM}")
        run = self._run("plan", *options, **variables)
        assert run.code in (0, 2), run.errors
        shown = json.loads(self._call("show", "-json", str(file)).stdout)
        changes = {
            change["address"]: Change(
                tuple(change["change"]["actions"]),
                tuple(differences(change["change"])),
                "importing" in change["change"],
            )
            for change in shown.get("resource_changes", [])
            if change["mode"] == "managed"
        }
        return Plan(changes, run.code == 0)

    def resources(self) -> dict[str, dict]:
        """Attributes of everything in the state, by address."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        found = {}
        for resource in state["resources"]:
            if resource["mode"] != "managed":
                continue
            for instance in resource["instances"]:
                key = instance.get("index_key")
                index = "" if key is None else f"[{json.dumps(key)}]"
                address = f"{resource['type']}.{resource['name']}{index}"
                found[address] = instance["attributes"]
        return found

    def outputs(self) -> dict[str, object]:
        """Values of the outputs."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        return {name: output["value"] for name, output in state["outputs"].items()}

    def _run(self, command: str, *options: str, **variables: str) -> Run:
        chosen = {**self.variables, **variables}
        arguments = [f"-var={name}={value}" for name, value in chosen.items()]
        done = self._call(command, "-json", "-input=false", *options, *arguments)
        run = Run(done.returncode)
        for line in done.stdout.splitlines():
            diagnostic = json.loads(line).get("diagnostic", {})
            if diagnostic.get("severity") == "error":
                address = diagnostic.get("address", "")
                what = f"{diagnostic['summary']}: {diagnostic.get('detail', '')}"
                run.errors[address] = run.errors.get(address, "") + what
        if run.code == 1 and not run.errors:
            run.errors[""] = done.stdout[-2000:] + done.stderr[-2000:]
        return run

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [os.environ["EVENKEEL_TOFU"], *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )


def differences(change: dict) -> Iterator[str]:
    """Paths at which a change's two sides differ, with both values."""
    unknown = change.get("after_unknown") or {}
    return _differences(change["before"], change["after"], unknown, "")


def _differences(before: object, after: object, unknown: object, path: str) -> Iterator[str]:
    if unknown is True:
        yield f"{path}: {before!r} -> {UNKNOWN}"
    elif isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after, *(unknown or {})}):
            deeper = (unknown or {}).get(name, False)
            sides = before.get(name), after.get(name)
            yield from _differences(*sides, deeper, f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, sides in enumerate(zip(before, after, strict=True)):
            deeper = unknown[place] if isinstance(unknown, list) and place < len(unknown) else False
            yield from _differences(*sides, deeper, f"{path}[{place}]")
    elif before != after:
        yield f"{path}: {before!r} -> {after!r}"
