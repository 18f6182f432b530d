"""docs/contract.md says what there is: each verb, each key with its default, each document."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_type_hints

from keepapart.cli import VERBS
from keepapart.config import Config, parse
from keepapart.documents.schemas import DOCUMENTS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
FILE = Path("keepapart.toml")


def configuration() -> dict[str, Any]:
    """Return the configuration that the page shows."""
    blocks: list[str] = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    return tomllib.loads("\n".join(blocks))


def test_every_verb_is_in_the_table() -> None:
    """The table has a row for each verb, and no other."""
    table = PAGE.partition("## Commands")[2].partition("###")[0]
    assert re.findall(r"^\| `([a-z]+)", table, re.M) == sorted(VERBS, key=VERBS.index)


def test_every_key_is_shown_with_its_default() -> None:
    """The configuration shown holds every key, and changes nothing but the list of instances."""
    shown = configuration()
    instances = shown.pop("instances")
    assert parse(shown, FILE) == parse({}, FILE)
    sections = {name: kind for name, kind in get_type_hints(Config).items() if name in shown}
    for name, kind in sections.items():
        assert set(shown[name]) == set(get_type_hints(kind)) - {"settings"}, name
    assert set(get_type_hints(Config)) == {*shown, "path", "instances"}
    assert parse({"instances": instances}, FILE).instances


def test_every_document_is_named() -> None:
    """The table has a row for each document, and no other."""
    named = re.findall(r"^\| `(keepapart\.[a-z]+/\d+)`", PAGE, re.M)
    assert set(named) == {document.__struct_config__.tag for document in DOCUMENTS}
