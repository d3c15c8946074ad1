"""The guide is what its sources say: run with `EVENKEEL_WRITE_GUIDE=1` to write it anew."""

import json
import os

import pytest

from harness import guide
from harness.evenkeel import binary

WRITE = "EVENKEEL_WRITE_GUIDE"


@pytest.fixture(scope="module")
def pages():
    return list(guide.pages(binary()))


def test_every_page_is_what_its_sources_say(pages):
    for page in pages:
        file = guide.GUIDE / f"{page.name}.md"
        if os.environ.get(WRITE):
            file.write_text(page.text())
        written = file.read_text() if file.exists() else ""
        assert written == page.text(), f"{file.name} is old: set {WRITE}=1 and run this again"


def test_examples_are_members_of_a_document(pages):
    for page in pages:
        if not page.facts.get("schema"):
            continue
        for path, fact in page.facts["settings"].items():
            member = json.loads("{" + fact["example"] + "}")
            assert list(member) == [path.split(".")[-1]], f"{page.name}: {path}"
