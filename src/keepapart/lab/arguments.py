"""What the arguments of a request to the lab may be; they are checked strictly, before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keepapart.errors import UsageError

TEXT, TEXTS, TAGS, COUNT = "text", "a list of texts", "a table of texts", "a whole number from 1"
RACKS, FLAG, SECONDS = "a list of texts or null", "true or false", "a number from 0"


def check(operation: str, arguments: Mapping[str, object], wanted: Mapping[str, str]) -> None:
    """Raise `UsageError` unless the arguments are those `wanted`, by name, each of its kind."""
    if arguments.keys() != wanted.keys():
        raise UsageError(f"{operation} wants {', '.join(wanted) or 'nothing'}, not {', '.join(arguments)}")
    for name, kind in wanted.items():
        if not _IS[kind](arguments[name]):
            raise UsageError(f"{operation}: {name} must be {kind}, not {arguments[name]!r}")


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _tags(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


_IS: Mapping[str, Callable[[object], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    TEXTS: _texts,
    RACKS: lambda value: value is None or _texts(value),
    TAGS: _tags,
    FLAG: lambda value: isinstance(value, bool),
    COUNT: _count,
    SECONDS: _seconds,
}
