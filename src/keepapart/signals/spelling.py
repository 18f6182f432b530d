"""Spelling: names that somebody may have written in two ways for one thing, so that neither is another's.

1. Two names are *alike* where they are the same in small letters, by Unicode's compatible form, without the
   dot at the end; so are a name without a domain and all that are that name with one. Tools and people write
   one host as `pve-3`, `PVE-3` and `pve-3.example.net`, one address as `fd00::1` and `FD00:0::1`, one id with
   its dashes or without: such names don't tell two apart.
2. A name, an address and an id are of three *sorts*: one host may have one of each, so none tells another's
   host apart.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

SHORTEST_ID = 32  # digits: a UUID's; hashes are as long or longer
DIGITS = frozenset("0123456789abcdef")


def alike(names: Sequence[str | None]) -> list[str | None]:
    """Return what names that are alike have in common, for each name; None where there is none."""
    common = _common(dict.fromkeys(name for name in names if name))
    return [common[name] if name else None for name in names]


def sorts(names: Sequence[str | None]) -> list[str]:
    """Return of which sort each name is: "name", "address" or "id"; empty where there is none."""
    told = {name: _sort(name) for name in dict.fromkeys(names) if name}
    return [told[name] if name else "" for name in names]


def _common(names: Iterable[str]) -> Mapping[str, str]:
    plain = {name: _plain(name) for name in names}
    there = set(plain.values())
    bare = {name: name.partition(".")[0] for name in there}
    return {name: bare[one] if bare[one] in there else one for name, one in plain.items()}


def _plain(name: str) -> str:
    plain = name.lower() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
    plain = plain.rstrip(".")
    return _id(plain) or _address(plain) or plain


def _sort(name: str) -> str:
    if _id(name.lower()):
        return "id"
    return "address" if _address(name) else "name"


def _id(name: str) -> str:
    """Return an id without its dashes; empty where it is none."""
    digits = name.replace("-", "") if len(name) >= SHORTEST_ID else ""
    return digits if len(digits) >= SHORTEST_ID and DIGITS.issuperset(digits) else ""


def _address(name: str) -> str:
    """Return an address as it is commonly written; empty where it is none."""
    if ":" not in name and not name[:1].isdecimal():  # most are names
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""
