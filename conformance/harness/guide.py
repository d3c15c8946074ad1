"""The guide to every setting (docs/guide), made from three sources.

- `openapi/client-v4.json`, which is made from the types that serve the API: names, types, meaning.
- `evenkeel serve --help`: the flags.
- `docs/guide/facts/*.toml`, by hand: what no type knows, that is its default, where a setting
  counts, an example, what to see as well.

A setting without facts, and facts without a setting, are errors: the guide says everything, and
nothing that is not.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
FACTS = GUIDE / "facts"
REFERENCE = "#/components/schemas/"
HEADING = "<!-- Generated; facts/{name}.toml and the API's types are the sources. -->\n"
# Nesting of the deepest document: load balancer, rule, overrides, attributes, item.
DEPTH_MAX = 6


@dataclass
class Setting:
    """One setting, from whichever source."""

    path: str
    what: str
    type: str


@dataclass
class Page:
    """One page of the guide: what its facts file says about it, and its settings."""

    name: str
    facts: dict
    settings: list[Setting]

    def text(self) -> str:
        """The page as Markdown."""
        head = [f"# {self.facts['title']}", "", HEADING.format(name=self.name)]
        head.append(self.facts["intro"].strip())
        parts = ["\n".join(head), "## All settings\n\n" + self.contents()]
        return "\n\n".join([*parts, *map(self.section, self.settings)]) + "\n"

    def contents(self) -> str:
        """Links to every setting."""
        return "\n".join(f"- [`{s.path}`](#{anchor(s.path)})" for s in self.settings)

    def section(self, setting: Setting) -> str:
        """One setting in the shape that all have."""
        fact = self.facts["settings"][setting.path]
        see = ", ".join(self.link(other) for other in fact.get("see", [])) or "–"
        rows = [
            ("What", setting.what),
            ("Type", setting.type),
            ("Default", code(fact["default"])),
            ("Where it counts", fact["counts"]),
            ("Example", f"`{fact['example']}`"),
            ("See also", see),
        ]
        table = "\n".join(f"| {name} | {escaped(value)} |" for name, value in rows)
        return f"## `{setting.path}`\n\n| | |\n|---|---|\n{table}"

    def link(self, other: str) -> str:
        """A link to a setting of this page, or of another as `page#setting`."""
        page, _, path = other.rpartition("#")
        if not page:
            assert path in self.facts["settings"], f"{self.name}: no setting {path} to see"
            return f"[`{path}`](#{anchor(path)})"
        return f"[`{path}`]({page}.md#{anchor(path)})"

    def check(self) -> None:
        """Facts and settings are about the same things."""
        known, told = {s.path for s in self.settings}, set(self.facts["settings"])
        assert known == told, (
            f"docs/guide/facts/{self.name}.toml: without facts {sorted(known - told)}, "
            f"without a setting {sorted(told - known)}"
        )


def anchor(path: str) -> str:
    """The fragment that Markdown viewers make of a heading."""
    return re.sub(r"[^a-z0-9_\- ]", "", path.lower()).replace(" ", "-")


def code(text: str) -> str:
    """Values in code, words as they are."""
    return text if text.startswith("(") else f"`{text}`"


def escaped(text: str) -> str:
    """Text that does not end its cell."""
    return text.replace("|", "\\|")


class Schemas:
    """The components of the API's description."""

    def __init__(self, document: dict) -> None:
        self.all = document["components"]["schemas"]

    def resolve(self, schema: dict) -> dict:
        """The schema itself, without null and references around it."""
        while True:
            if "$ref" in schema:
                target = self.all[schema["$ref"].removeprefix(REFERENCE)]
                schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
                continue
            choices = [c for c in schema.get("anyOf", []) if c != {"type": "null"}]
            if len(choices) == 1:
                schema = {**choices[0], **{k: v for k, v in schema.items() if k != "anyOf"}}
                continue
            return schema

    def type(self, schema: dict) -> str:
        """A schema's type for people."""
        schema = self.resolve(schema)
        words = schema.get("enum") or [
            choice["const"] for choice in schema.get("oneOf", []) if "const" in choice
        ]
        for choice in schema.get("oneOf", []):
            words = [*words, *choice.get("enum", [])]
        if words:
            return "one of " + ", ".join(f"`{json.dumps(word)}`" for word in words)
        kind = schema.get("type")
        kinds = [k for k in (kind if isinstance(kind, list) else [kind]) if k != "null"]
        match kinds:
            case ["array"]:
                return f"list of {self.type(schema['items'])}"
            case ["object"] if "properties" in schema:
                return "object"
            case ["object"]:
                return f"map to {self.type(schema.get('additionalProperties') or {})}"
            case ["integer"] | ["number"] | ["string"] | ["boolean"]:
                return kinds[0] + self.bounds(schema)
            case _:
                return "any value"

    def bounds(self, schema: dict) -> str:
        """The range of a number, where the schema has one that says something."""
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and high is not None:
            return f", {low} to {high}"
        return f", from {low}" if low is not None else ""

    def settings(self, schema: dict, prefix: str = "", depth: int = 0) -> Iterator[Setting]:
        """Every member, those of members included. What repeats an outer object is named once."""
        assert depth < DEPTH_MAX
        for name, member in self.resolve(schema).get("properties", {}).items():
            path = f"{prefix}{name}"
            what = member.get("description") or self.resolve(member).get("description", "")
            yield Setting(path, what, self.type(member))
            inner = self.resolve(member)
            suffix = "."
            if "array" in (inner.get("type") or []):
                inner, suffix = self.resolve(inner["items"]), "[]."
            if "properties" in inner:
                yield from self.settings(inner, path + suffix, depth + 1)


def flags(binary: Path) -> Iterator[Setting]:
    """The flags of `evenkeel serve`, as its help tells them."""
    text = subprocess.run(
        [binary, "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "100000", "NO_COLOR": "1"},
    ).stdout
    found = re.findall(r"^\s+(?:-\w, )?--([a-z0-9-]+)(?: <([^>]+)>)?\s+([^\n]+)$", text, re.M)
    for flag, value, what in found:
        if flag in ("help", "version"):
            continue
        meaning = re.sub(r"\s*\[(env|default)[^\]]*\]", "", what).strip()
        yield Setting(flag, meaning, f"`{value}`" if value else "switch")


def pages(binary: Path) -> Iterator[Page]:
    """All pages, each checked against its facts."""
    document = json.loads((ROOT / "openapi" / "client-v4.json").read_text())
    schemas = Schemas(document)
    for path in sorted(FACTS.glob("*.toml")):
        facts = tomllib.loads(path.read_text())
        if schema := facts.get("schema"):
            settings = list(schemas.settings({"$ref": REFERENCE + schema}))
            skipped = tuple(facts.get("elsewhere", []))
            settings = (
                [s for s in settings if not s.path.startswith(skipped)] if skipped else settings
            )
        else:
            settings = list(flags(binary))
        page = Page(path.stem, facts, settings)
        page.check()
        yield page
