"""`[facts]`: what a file or a program of the operator's says of where instances are.

```json
{"at": "2026-11-28T10:00:00Z", "web-1": {"host": "pve-3"}, "web-2": {"host": "pve-7", "zone": "a"}}
```

1. It is one JSON object of facts by id, by the names that they have in `[[instances]]`; null is as if it
   weren't there. It may tell of others too; where it tells of no member, that is an error. So is an id that
   stands twice: two machines of one name are not on the host of either.
2. `at`, as text, is when all of it was read; within the facts of an instance, when these were. It is a time
   as RFC 3339 has it, with its offset from UTC.
3. With a time it is taken for what the platform's API said then, which grows old (`signals/sources.py`).
   What has none is a label: nobody knows how old it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import is_
from pathlib import Path
from typing import Any

from keepapart.clouds.program import Program
from keepapart.config import Config
from keepapart.errors import CloudError, ConfigError
from keepapart.memory import uncollected
from keepapart.model import Instance, Source, Statement
from keepapart.settings import PlacementFacts
from keepapart.tables import checked, plain

AT = "at"
WANTED = '{"at": "2026-11-28T10:00:00Z", "web-1": {"host": "pve-3"}} is wanted'


class FactsTable(PlacementFacts, frozen=True, kw_only=True):
    """The facts of one instance as JSON has them, and when they were read."""

    at: str = ""


def without_nulls(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is told: null is as if it weren't there."""
    return {key: value for key, value in told.items() if value is not None}


@uncollected()
def joined(config: Config, instances: Sequence[Instance], *, members: bool) -> list[Instance]:
    """Return instances with what `[facts]` says of them; all there are where these are the `members`.

    Raises `ConfigError` for a file, and `CloudError` for a program, that can't be read, says what can't be
    meant, or tells of none of the members.
    """
    settings = config.facts
    if not (settings.file or settings.command):
        return list(instances)
    name = "[facts] file" if settings.file else "[facts] command"
    try:
        if settings.file:
            by, text = Path(settings.file).name, _read(Path(settings.file))
        else:
            program = Program(name, settings.command, config.path.parent, settings.seconds)
            by, text = name, program.answer()
        found = _with_statements(instances, text, by, name)
        if members and instances and all(map(is_, found, instances)):
            raise ConfigError(f"{name}: tells of no member", f"keys are ids: {instances[0].id}, …")
    except OSError as error:
        raise ConfigError(f"{name}: can't be read: {error.strerror}: {plain(settings.file)}") from None
    except ConfigError as error:
        if settings.file:
            raise
        raise CloudError(error.cause, error.mend) from None
    return found


def _read(path: Path) -> bytes:
    """Read a file. Raises `ConfigError` where it is a pipe or the like, which may never end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ConfigError(
            f"[facts] file: no plain file: {plain(str(path))}", "`command` runs what prints facts"
        )
    return path.read_bytes()


def _with_statements(instances: Sequence[Instance], text: bytes, by: str, where: str) -> list[Instance]:
    """Return the instances with what is said of each. Raises `ConfigError`."""
    try:
        told = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON that can be meant: {error}", WANTED) from None
    if not isinstance(told, dict):
        raise ConfigError(f"{where}: no JSON object of facts by id", WANTED)
    of_all = told.get(AT)
    read = time_of(of_all, f"{where}: {AT}") if isinstance(of_all, str) else None
    found = []
    for instance in instances:
        if isinstance(facts := told.get(instance.id), dict):
            of_one = f"{where}: {plain(instance.id)}"
            table = checked(without_nulls(facts), FactsTable, of_one)
            at = time_of(table.at, f"{of_one} {AT}") if table.at else read
            source = Source.LABEL if at is None else Source.API
            found.append(instance.with_statement(Statement(source, by, table.facts, at)))
        elif facts is None:
            found.append(instance)
        else:
            raise ConfigError(f"{where}: {plain(instance.id)}: no JSON object of facts", WANTED)
    return found


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its keys and values. Raises `ValueError` where a key stands twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        (first, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{plain(first)!r} stands twice in an object")
    return made


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def time_of(text: str, where: str) -> float:
    """Read a time, in seconds since the epoch. Raises `ConfigError` that begins with `where`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ConfigError(f"{where}: {text!r} is no time with its zone", "2026-11-28T10:00:00Z is one")
    return at.timestamp()
