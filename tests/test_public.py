"""What `import keepapart` offers, to its users and to the authors of plug-ins."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import keepapart

PAGE = Path(__file__).parent.parent / "docs" / "api.md"

# Each says in `__all__` what may be relied on. What is in no other module's is an affair of keepapart's own.
MODULES = (
    "keepapart",
    "keepapart.admit",
    "keepapart.clouds",
    "keepapart.config",
    "keepapart.errors",
    "keepapart.exports",
    "keepapart.reach",
    "keepapart.reach.local",
    "keepapart.reach.pipe",
    "keepapart.settings",
    "keepapart.signals",
    "keepapart.tables",
    "keepapart.testing",
    "keepapart.testing.clouds",
    "keepapart.testing.reach",
    "keepapart.watch",
)


def public() -> dict[str, Any]:
    """Return every public object by its name. No name stands for two."""
    found: dict[str, Any] = {}
    for module in map(import_module, MODULES):
        for name in module.__all__:
            assert found.setdefault(name, getattr(module, name)) is getattr(module, name), name
    return found


def annotated(thing: Any, names: dict[str, Any]) -> Iterator[Any]:
    """Yield what a function takes and returns, what a value holds, and what a protocol asks for."""
    known = {**vars(collections.abc), **names}  # the node's own aliases are strings, for Python 3.6
    struct = inspect.isclass(thing) and issubclass(thing, msgspec.Struct)
    if struct or dataclasses.is_dataclass(thing) or inspect.isfunction(thing):
        yield from get_type_hints(thing, localns=known).values()
    elif getattr(thing, "_is_protocol", False):
        for member in vars(thing).values():
            if inspect.isfunction(member) and not member.__name__.startswith("_"):
                yield from get_type_hints(member, localns=known).values()


def classes(annotation: Any) -> Iterator[type]:
    """Yield the classes of keepapart's own that an annotation names, however deep."""
    if inspect.isclass(annotation) and annotation.__module__.startswith("keepapart."):
        yield annotation
    for part in get_args(annotation):
        for inner in part if isinstance(part, list) else [part]:
            yield from classes(inner)


def test_the_public_names_are_these() -> None:
    """The surface is small, whole and importable."""
    assert keepapart.__all__ == [
        "Assessment",
        "Audit",
        "Config",
        "Contradiction",
        "Controls",
        "Difference",
        "Domain",
        "Domains",
        "Evidence",
        "Extras",
        "Instance",
        "Judgement",
        "KeepapartError",
        "NetworkFinding",
        "NetworkPrior",
        "NetworkStatus",
        "Odds",
        "Pair",
        "PairJudgement",
        "PathConfidence",
        "Risk",
        "Round",
        "Route",
        "Said",
        "Says",
        "Scatter",
        "Source",
        "Statement",
        "Store",
        "Strength",
        "Tally",
        "Trace",
        "Trial",
        "Variation",
        "Verdict",
        "Voucher",
        "__version__",
        "audit",
        "audit_async",
        "check",
        "check_async",
        "checker",
        "load",
        "stated_audit",
    ]
    assert all(getattr(keepapart, name) for name in keepapart.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_a_public_module_lists_its_names_in_order(module: str) -> None:
    """`__all__` is sorted, names what there is, and names it once."""
    names = import_module(module).__all__
    assert all(hasattr(import_module(module), name) for name in names)
    assert len(set(names)) == len(names)


def test_whatever_a_public_name_hands_out_is_public() -> None:
    """Nobody needs a private module to write down the type of what keepapart takes or returns."""
    names = public()
    things = {id(thing) for thing in names.values()}
    hidden = {
        f"{kind.__module__}.{kind.__qualname__}, of {name}"
        for name, thing in names.items()
        for annotation in annotated(thing, names)
        for kind in classes(annotation)
        if id(kind) not in things
    }
    assert not hidden


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_on_the_page(module: str) -> None:
    """docs/api.md has a section for each public module, and in it a line for each name."""
    sections = re.split(r"^## `([\w.]+)`.*$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    section = dict(zip(sections[1::2], sections[2::2], strict=True))[module]
    listed = set(re.findall(r"`(\w+)[^`]*`", "".join(re.findall(r"^\|([^|]*)\|", section, re.M))))
    assert listed == set(import_module(module).__all__)


def test_another_name_is_none_of_them() -> None:
    """A name that there isn't is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = keepapart.nothing_such


def test_importing_it_loads_nothing_heavy() -> None:
    """numpy, SQLAlchemy and the platforms' clients are loaded where they are used."""
    heavy = "{'numpy', 'sqlalchemy', 'boto3', 'asyncssh'}"
    code = f"import sys, keepapart; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
