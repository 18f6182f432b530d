"""All formats: the rows of the table, those that need logic, plug-ins, the operator's own rows."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from keepapart.errors import ConfigError, UsageError
from keepapart.exports.format import Format
from keepapart.exports.row import Row
from keepapart.exports.templates import templated
from keepapart.plugins import EXPORTS, installed
from keepapart.tables import checked, nearest, read

MODULES = ("kubernetes", "plain", "sets", "standbys")  # of this package, each with its FORMATS


def builtin() -> dict[str, Format]:
    """Return the formats that come with keepapart, by name."""
    table = files("keepapart.exports").joinpath("formats.toml").read_text(encoding="utf-8")
    rows = checked(tomllib.loads(table), dict[str, Row], "formats.toml:")
    found = {name: Format(name, row, templated(row)) for name, row in rows.items()}
    for module in MODULES:
        found |= {one.name: one for one in import_module(f"keepapart.exports.{module}").FORMATS}
    return dict(sorted(found.items()))


def formats(own: Path | None = None) -> dict[str, Format]:
    """Return all formats by name: keepapart's, those of plug-ins, and the rows of the operator's `own` table.

    Later ones stand in for earlier ones of the same name. Raises `ConfigError` for a row that is none.
    """
    found = builtin()
    for name, point in installed(EXPORTS).items():
        found[name] = point.load()
    if own:
        for name, values in read(own).items():
            row = checked(values, Row, f"{own}: [{name}]")
            if not row.text:
                raise ConfigError(f"{own}: [{name}]: text is missing", "a row needs its template")
            found[name] = Format(name, row, templated(row))
    return found


def named(name: str, known: Mapping[str, Format]) -> Format:
    """Return the format of a name. Raises `UsageError` where there is none."""
    for one in known.values():
        if name == one.name or name in one.row.also:
            return one
    names = [*known, *(other for one in known.values() for other in one.row.also)]
    raise UsageError(f"no format {name!r}", nearest(name, names))
