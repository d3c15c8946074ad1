"""The life of one configuration, from the first apply to destroy, and what was seen on the way."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tofu import Plan, Run, Tofu

from harness.evenkeel import ACCOUNT

FIRST, CHANGED = {"changed": "false"}, {"changed": "true"}

# How a resource is named to `import`, by its type; account-wide ones otherwise.
IMPORT_IDS = {
    "cloudflare_load_balancer": "{zone_id}/{id}",
    "cloudflare_record": "{zone_id}/{id}",
    "cloudflare_dns_record": "{zone_id}/{id}",
    "cloudflare_zone": "{id}",
}

RESOURCE = re.compile(r'^resource "(\w+)" "(\w+)" \{$(.*?)^\}$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A resource as the files have it. With `for_each` it stands for several."""

    address: str
    has_change: bool


def blocks(folder: Path) -> list[Block]:
    """Every resource of a configuration, in the order of the files."""
    return [
        Block(f"{kind}.{name}", "var.changed" in body)
        for file in sorted(folder.glob("*.tf"))
        for kind, name, body in RESOURCE.findall(file.read_text())
    ]


@dataclass
class Course:
    """Everything that was seen, by step."""

    created: Run
    after_create: Plan = field(default_factory=Plan)
    to_update: Plan = field(default_factory=Plan)
    updated: Run | None = None
    after_update: Plan = field(default_factory=Plan)
    to_import: Plan = field(default_factory=Plan)
    imported: Run | None = None
    after_import: Plan = field(default_factory=Plan)
    destroyed: Run | None = None
    # Ids by address, after creation and after the update.
    ids: list[dict[str, str]] = field(default_factory=list)
    # Outputs after the update.
    outputs: dict[str, object] = field(default_factory=dict)


def run(files: Path, folder: Path, provider: Path, zone, word: str, **environ: str) -> Course:
    """All of it, whatever fails on the way: one run then shows everything there is to mend."""
    variables = {"account_id": ACCOUNT, "zone_id": zone.id, "zone": zone.name, "run": word}

    def fresh(name: str) -> Tofu:
        tofu = Tofu(folder / name, provider, variables, **environ)
        for file in files.glob("*.tf"):
            shutil.copy(file, tofu.folder)
        return tofu

    def ids(tofu: Tofu) -> dict[str, str]:
        return {address: found["id"] for address, found in tofu.resources().items()}

    tofu = fresh("life")
    course = Course(tofu.apply(**FIRST))
    course.after_create = tofu.plan(**FIRST)
    course.ids.append(ids(tofu))
    course.to_update = tofu.plan(**CHANGED)
    course.updated = tofu.apply(**CHANGED)
    course.after_update = tofu.plan(**CHANGED)
    course.ids.append(ids(tofu))
    course.outputs = tofu.outputs()

    anew = fresh("anew")
    (anew.folder / "import.tf").write_text(imports(course.ids[-1], zone.id))
    course.to_import = anew.plan(**CHANGED)
    course.imported = anew.apply(**CHANGED)
    (anew.folder / "import.tf").unlink()
    course.after_import = anew.plan(**CHANGED)
    course.destroyed = anew.destroy(**CHANGED)
    return course


def imports(ids: dict[str, str], zone: str) -> str:
    """Import blocks for these objects."""
    text = ""
    for address, id in ids.items():
        form = IMPORT_IDS.get(address.split(".")[0], "{account_id}/{id}")
        name = form.format(account_id=ACCOUNT, zone_id=zone, id=id)
        text += f'import {{\n  to = {address}\n  id = "{name}"\n}}\n'
    return text
