"""Formats that are templates: what a template is told, and what it can do with it.

==============  ==================================================================================
i               of a format with a file for each instance: that instance
instances       those that have a domain: `id`, `address`, `domain`, `host`, `rack`, `pod`, `site`, `zone`,
                and `path`, pairs of what the consumer calls a level and the name there, the outermost
                first and the domain last; all have the same levels
domains         pairs of a name and its instances; `by(level)` the same of a level
cluster, at     as in the document; `level` is what the consumer calls the domains' level
set             the settings
==============  ==================================================================================

Filters: `json` quotes, `hcl` quotes for HCL, `folded` as the row says, `host` puts an IPv6 address in
brackets, `sh` quotes for a shell, `later(hours)` adds to a time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from keepapart.documents.domains import DomainsDocument, PlacedEntry
from keepapart.errors import ConfigError
from keepapart.exports.names import folding
from keepapart.exports.row import Row, Texts, Write
from keepapart.model import MAP_LEVELS, MapLevel

if TYPE_CHECKING:
    from jinja2 import Environment

OUTERMOST_FIRST: tuple[MapLevel, ...] = MAP_LEVELS[::-1]


class _Instance:
    """An instance as templates see it."""

    def __init__(self, one: PlacedEntry, path: Sequence[tuple[str, str]]) -> None:
        self._one, self.path = one, path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._one, name)


def templated(row: Row) -> Write:
    """Return what writes a row's template. It raises `ConfigError` for a template that fails."""

    def write(found: DomainsDocument, settings: Texts) -> Texts:
        from jinja2 import TemplateError

        levels = above(found, row.above)
        instances = [
            _Instance(
                one,
                [(row.called.get(level, level), getattr(one, level)) for level in levels]
                + [(row.called.get(found.level, found.level), one.domain or "")],
            )
            for one in found.instances
            if one.domain
        ]
        told = {
            "instances": instances,
            "domains": list(_by(instances, "domain")),
            "by": lambda level: list(_by(instances, level)),
            "cluster": found.cluster,
            "at": found.at,
            "level": row.called.get(found.level, found.level),
            "set": settings,
        }
        try:
            template = _environment(row).from_string(row.text)
            if row.each:
                return {i.id: template.render(told, i=i) for i in instances}
            return {"": template.render(told)}
        except TemplateError as error:
            raise ConfigError(f"{row.title}: the template fails: {error}") from None

    return write


def above(found: DomainsDocument, wanted: Sequence[MapLevel]) -> list[MapLevel]:
    """List the levels above the domains', of those wanted, that every instance has and that nest.

    Who takes two paths for two places is told the truth: no domain is in two racks, no rack in two zones.
    """
    placed = [one for one in found.instances if one.domain]
    inner = [one.domain for one in placed]
    chosen: list[MapLevel] = []
    for level in OUTERMOST_FIRST[: OUTERMOST_FIRST.index(found.level)][::-1]:
        if level not in wanted:
            continue
        outer = [getattr(one, level) for one in placed]
        if all(outer) and len(set(zip(inner, outer, strict=True))) == len(set(inner)):
            chosen.insert(0, level)
            inner = outer
    return chosen


def _by(instances: Sequence[_Instance], level: str) -> Iterator[tuple[str, list[_Instance]]]:
    groups: dict[str, list[_Instance]] = {}
    for one in instances:
        if name := getattr(one, level):
            groups.setdefault(name, []).append(one)
    yield from groups.items()


def _environment(row: Row) -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "json": json.dumps,
        "hcl": lambda text: json.dumps(text).replace("${", "$${").replace("%{", "%%{"),
        "folded": folding(row),
        "host": lambda address: f"[{address}]" if ":" in address else address,
        "sh": shlex.quote,
        "later": _later,
    }
    return environment


def _later(at: str, hours: str) -> str:
    try:
        return f"{datetime.fromisoformat(at) + timedelta(hours=float(hours)):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):
        raise ConfigError(f"a number of hours is wanted, not {hours!r}") from None
