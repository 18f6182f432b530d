"""Names as a consumer takes them: what it wouldn't take is refused with the mend, and never changed."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import UsageError
from keepapart.exports.row import Row


def hold(format_name: str, row: Row, found: DomainsDocument) -> None:
    """Hold every name of a map against a row. Raises `UsageError` for the first that won't do."""
    placed = [one for one in found.instances if one.domain]
    domains = [domain.name for domain in found.domains]
    above = [
        name for level in row.above for name in dict.fromkeys(getattr(one, level) for one in placed) if name
    ]
    ids = [one.id for one in placed]
    fold = folding(row)
    for name in (*domains, *above):
        if not re.fullmatch(row.names, fold(name)):
            raise _refusal(format_name, name, row.names_are, "--rename")
    for name in ids:
        if not re.fullmatch(row.ids, name):
            raise _refusal(format_name, name, row.ids_are, "--rename-id")
        if row.each and ("/" in name or name in (".", "..")):
            raise _refusal(format_name, name, "a name of a file", "--rename-id")
    for one in placed:
        if row.address and not one.address:
            raise UsageError(
                f"{format_name}: {one.id} has no address", "give it one in [[instances]], or measure"
            )
    several = [*domains, *above, *row.reserved, *ids] if row.unique else list(map(fold, domains))
    if twice := _twice(several):
        raise UsageError(
            f"{format_name}: two things would be called {twice!r}, and there one name is one thing",
            "--rename (of a domain) or --rename-id (of an instance) gives one another",
        )


def folding(row: Row) -> Callable[[str], str]:
    """Return what puts `fold` in the place of what isn't a letter, a digit or an underscore.

    It stands before a digit, too, that a name begins with.
    """
    return lambda name: re.sub(r"[^A-Za-z0-9_]|^(?=[0-9])", row.fold, name) if row.fold else name


def _refusal(format_name: str, name: str, wanted: str, flag: str) -> UsageError:
    return UsageError(
        f"{format_name}: {name!r} can't be a name there: {wanted} is wanted",
        f"{flag} {shlex.quote(f'{name}=NAME')} gives it another",
    )


def _twice(names: Sequence[str]) -> str:
    return next((name for name, times in Counter(names).items() if times > 1), "")
