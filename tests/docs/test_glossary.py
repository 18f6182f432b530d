"""The glossary: every word in it is used, and every public class has a word in it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from tests.test_public import public

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "glossary.md"


def entries() -> list[str]:
    """Return the part of each entry that stands before its meaning."""
    return re.findall(r"^- (\*\*.*?):", PAGE.read_text(encoding="utf-8"), re.M)


TERMS = [term for entry in entries() for term in re.findall(r"\*\*(.+?)\*\*", entry)]


def words(text: str) -> str:
    """Return a text as words in small letters: what_this and WhatThis are both "what this"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\s-]+", " ", text)
    return apart.lower()


def test_every_term_is_used() -> None:
    """A word that neither the code nor the documentation uses is no word of the project."""
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    used = words(" ".join(file.read_text(encoding="utf-8") for file in files if file != PAGE))
    assert not [term for term in TERMS if not re.search(rf"\b{re.escape(words(term))}", used)]


def test_no_term_stands_twice() -> None:
    """One word has one meaning."""
    assert len(TERMS) > 50
    assert len(set(TERMS)) == len(TERMS)


def test_every_public_class_has_a_word() -> None:
    """Whoever meets a name of the API finds its noun in the glossary."""
    named = {name for entry in entries() for name in re.findall(r"`(\w+)`", entry)}
    classes = {name for name, thing in public().items() if inspect.isclass(thing)}
    own_word = {name for name in classes if name.endswith(("Error", "Settings"))}
    assert classes - own_word <= named
