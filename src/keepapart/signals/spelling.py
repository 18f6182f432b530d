"""Spelling: names that somebody may have written in two ways for one thing, so that neither is another's.

Two names are *alike* where they are the same in small letters, by Unicode's compatible form, without the dot
at the end; so are a name without a domain and all that are that name with one. Tools and people write one
host as `pve-3`, `PVE-3` and `pve-3.example.net`: such names don't tell two apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def alike(names: Sequence[str | None]) -> list[str | None]:
    """Return what names that are alike have in common, for each name; None where there is none."""
    common = _common(dict.fromkeys(name for name in names if name))
    return [common[name] if name else None for name in names]


def _common(names: Iterable[str]) -> Mapping[str, str]:
    plain = {name: _plain(name) for name in names}
    there = set(plain.values())
    bare = {name: name.partition(".")[0] for name in there}
    return {name: bare[one] if bare[one] in there else one for name, one in plain.items()}


def _plain(name: str) -> str:
    if name.isascii():
        return name.lower().rstrip(".")
    return unicodedata.normalize("NFKC", name).casefold().rstrip(".")
