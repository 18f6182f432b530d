"""What the documentation points to is there: files, headings, modules, tests."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return what a link may name within a page: its headings, as they are spelt in an address."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder of the repository, and a heading in it where it names one."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not heading or heading in anchors(target), link


@every_page
def test_names_of_the_package_exist(page: Path) -> None:
    """`keepapart.clouds.Cloud` is a module, or a name in one."""
    for name in re.findall(r"`(keepapart(?:\.\w+)+)(?:\([^`]*\))?`", page.read_text(encoding="utf-8")):
        if name not in ("keepapart.toml", "keepapart.db"):
            assert resolve_name(name), name


@every_page
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    """`judging/judge.py` is a file of the package or the repository, `test_…` a function or file of tests."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`(\w+(?:/\w+)+\.(?:py|md|toml))`", text):
        assert any((folder / name).is_file() for folder in (ROOT, ROOT / "src" / "keepapart")), name
    named = set(re.findall(r"`(test_\w+)`", text))
    tests = (
        "".join(file.read_text(encoding="utf-8") for file in ROOT.glob("tests/**/test_*.py")) if named else ""
    )
    assert not [name for name in named if f"def {name}(" not in tests]
