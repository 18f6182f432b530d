"""Tables of a TOML file, checked against types; one clear line says what doesn't fit.

A `Table` is a struct whose fields are the keys that there are, with their types, choices, ranges and
defaults. msgspec checks; what it refuses is told in the operator's words. Rules:

1. An unknown key is an error that names the nearest known one.
2. A value of the wrong type, out of its range or outside its choices is an error that says what would be
   right: what the type's `Meta(description=…)` says is wanted, else what follows from the type.
3. The error names the smallest part that is wrong: `[section] key`, `[[tables]] number 2 key`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from keepapart.errors import ConfigError

__all__ = ["Table", "Text", "checked"]

SHOWN = 60  # characters of a wrong value that an error repeats

Text = Annotated[str, Meta(min_length=1)]
T = TypeVar("T")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every table: the fields are its keys."""


NUMBERS: Mapping[Any, tuple[type, ...]] = {int: (int,), float: (int, float)}
SHAPES: Mapping[Any, Any] = {Mapping: dict, list: tuple, UnionType: Union}
WORDS: Mapping[Any, str] = {
    str: "text in quotes",
    Literal: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table of keys",
    Table: "a table of keys",
}


def read(path: Path) -> Mapping[str, Any]:
    """Read a TOML file. Raises `ConfigError` naming it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    except ValueError as error:  # also a number of more digits than Python reads
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def checked(values: object, kind: type[T], where: str) -> T:
    """Return the table `kind` with these values.

    `where` begins the text of the `ConfigError` that is raised where they don't fit: "FILE:" for a whole
    file, "[section]" for one table.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        _refuse(values, kind, where)
        raise ConfigError(f"{where.removesuffix(':')}: {error}") from None  # by a rule of the table's own


def plain(text: str) -> str:
    """Return a text of the operator's as it is, or in quotes where it would break the line."""
    return text if text.isprintable() else repr(text)


def nearest(word: str, known: Sequence[str]) -> str:
    """Say which known word was probably meant."""
    return _alike(word, known) or f"there is {', '.join(known)}"


def _alike(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else ""


def _refuse(value: object, kind: Any, where: str) -> None:
    """Find the smallest part of `value` that is no `kind`, and say so; return where every part is right."""
    shape, parts, _ = _type_info(kind)
    if shape is Table and isinstance(value, Mapping):
        _refuse_key(value, kind, where)
        return
    if shape is dict and isinstance(value, Mapping):
        for key, item in value.items():
            if not _fits({key: item}, kind):
                _complain(item, parts[1], f"{where} {plain(key)}")
    _complain(value, kind, where)


def _refuse_key(values: Mapping[str, Any], table: type[Table], where: str) -> None:
    keys = {key.encode_name: key for key in msgspec.structs.fields(table)}
    for name in values:
        if name not in keys:
            raise ConfigError(f"{where} {plain(name)}: no such key", nearest(name, tuple(keys)))
    for name, key in keys.items():
        if key.required and name not in values:
            raise ConfigError(f"{where.removesuffix(':')}: {name} is missing")
    for name, value in values.items():
        kind = keys[name].type
        if _fits(value, kind):
            continue
        shape, parts, _ = _type_info(kind)
        if shape is tuple and _type_info(parts[0]).shape is Table:
            _refuse_tables(value, parts[0], name, where)
        of_file = where.endswith(":")
        _refuse(value, kind, f"{where} [{name}]" if of_file and shape in (Table, dict) else f"{where} {name}")


def _refuse_tables(value: object, table: type[Table], name: str, where: str) -> None:
    if not isinstance(value, list):
        raise ConfigError(f"{where} {name}: write each as its own [[{name}]] table")
    for number, one in enumerate(value, 1):
        if not _fits(one, table):
            _refuse(one, table, f"{where} [[{name}]] number {number}")


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _complain(value: object, kind: Any, where: str) -> NoReturn:
    """Say of a value that has no smaller part what would be right in its place."""
    whole = _type_info(kind)
    options = [_type_info(one) for one in whole.parts] if whole.shape is Union else [whole]
    for shape, parts, meta in options:
        if isinstance(value, str) and shape is Literal:
            listed = ", ".join(map(repr, parts))
            raise ConfigError(f"{where}: {_shown(value)} is not one of {listed}", _alike(value, parts))
        if isinstance(value, NUMBERS.get(shape, ())) and not isinstance(value, bool):
            raise ConfigError(f"{where}: {_shown(value)} is not {_range(meta)}")
        if isinstance(value, list) and shape is tuple and _type_info(parts[0]).shape is Literal:
            for item in value:
                if isinstance(item, str) and not _fits(item, parts[0]):
                    _complain(item, parts[0], where)
    right = f"{' or '.join(filter(None, map(_words, options))) or 'another value'} is wanted"
    if whole.meta.description and (whole.shape is not str or isinstance(value, str)):
        right = whole.meta.description
    raise ConfigError(f"{where}: {right}, not {_shown(value)}")


class _TypeInfo(NamedTuple):
    """A type taken apart: its shape, what it is made of, and what `Meta` says of it."""

    shape: Any  # Table, dict, tuple, Union, Literal, or a plain type
    parts: tuple[Any, ...]
    meta: Meta


def _type_info(kind: Any) -> _TypeInfo:
    meta = Meta()
    if get_origin(kind) is Annotated:
        meta = next((said for said in kind.__metadata__ if isinstance(said, Meta)), meta)
        kind = kind.__origin__
    shape = SHAPES.get(get_origin(kind), get_origin(kind)) or kind
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        shape = Table
    return _TypeInfo(shape, get_args(kind), meta)


def _words(option: _TypeInfo) -> str:
    if option.shape is tuple:
        of_texts = _type_info(option.parts[0]).shape in (str, Literal)
        return "a list of texts in quotes" if of_texts else "a list"
    return WORDS.get(option.shape, "")


def _range(meta: Meta) -> str:
    low, high = ("…" if end is None else end for end in (meta.ge, meta.le))
    return f"within {low} to {high}"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "so long a number"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
