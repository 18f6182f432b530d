"""A format: a row, and what writes a map in the form that it describes.

1. A format says what its names may be, what an instance without one means there, how it is applied, and what
   a later change does. It says so to whoever asks for help, and on its page.
2. A name that the consumer wouldn't take is refused, never changed: `--rename` gives it another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import UsageError
from keepapart.exports.names import hold
from keepapart.exports.row import Row, Texts, Write
from keepapart.model import CHOICES, Choice, MapLevel
from keepapart.tables import nearest

SETTING = r"[A-Za-z0-9_./:@+-]*"  # what a setting may be: no consumer takes any of it for its syntax


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which another system reads a map.

    `write` takes a map and the settings; it returns the text of each instance's file by its id where each has
    one, else the one text, under "".
    """

    name: str
    row: Row
    write: Write

    @property
    def choices(self) -> Sequence[Choice]:
        """What may be chosen for unknown pairs."""
        return [choice for choice in CHOICES if choice != "leave-out" or self.row.safe]

    def settings(self, level: MapLevel, chosen: Texts | None = None) -> Texts:
        """Return all settings for a map of this level, with those chosen instead of the usual ones.

        Raises `UsageError` for a setting that there isn't or that won't do, and for the level.
        """
        row, chosen = self.row, chosen or {}
        if level not in row.levels:
            raise UsageError(f"{self.name}: no use for --level {level}", f"it takes {', '.join(row.levels)}")
        for name, value in chosen.items():
            if name not in row.settings:
                there = nearest(name, tuple(row.settings)) if row.settings else "there are none"
                raise UsageError(f"{self.name}: no setting {name!r}", there)
            if not re.fullmatch(SETTING, value):
                wanted = "letters, digits and _ . / : @ + - are wanted"
                raise UsageError(f"{self.name}: {name}: {wanted}, not {value!r}")
        usual = {name: value.replace("{level}", level) for name, value in row.settings.items()}
        found = {**usual, **chosen}
        if not re.fullmatch(row.keys, found.get("key", "")) and "key" in found:
            raise UsageError(f"{self.name}: key: {row.keys_are} is wanted, not {found['key']!r}")
        return found

    def render(self, found: DomainsDocument, chosen: Texts | None = None, *, packed: bool = False) -> Texts:
        """Return what `write` does, after every name was held against what the consumer takes.

        `packed` says that the domains are racks already, which were given for good and are kept. Raises as
        `settings`, and `UsageError` for names, and for domains that would have to be packed.
        """
        settings = self.settings(found.level, chosen)
        if self.row.packs and not packed:
            raise UsageError(
                f"{self.name}: racks are given for good, and kept", "`keepapart export` does that"
            )
        hold(self.name, self.row, found)
        written = self.write(found, settings)
        return {name: _headed(text, self.row.comment, found) for name, text in written.items()}

    def text(self, texts: Texts, ids: Sequence[str] = ()) -> str:
        """Return what `render` did as one text; where each instance has one, each under its id.

        With `ids` only theirs, one alone as it is. Raises `UsageError` for one that has none.
        """
        if not self.row.each:
            if ids:
                raise UsageError(f"{self.name}: it is one text for all instances", "ask for no instance")
            return texts[""]
        for name in ids:
            if name not in texts:
                raise UsageError(f"{self.name}: {name!r} is no member that has a domain")
        if len(ids) == 1:
            return texts[ids[0]]
        return "\n".join(f"{self.row.comment or '# '}{name}\n{texts[name]}" for name in ids or texts)

    def hold_choice(self, unknown: Choice) -> None:
        """Raise `UsageError` where what is chosen for unknown pairs is not safe there."""
        if unknown not in self.choices:
            raise UsageError(
                f"{self.name}: --unknown {unknown}: not safe there: {self.row.no_value}",
                f"{', '.join(self.choices)} are",
            )


def _headed(text: str, comment: str, found: DomainsDocument) -> str:
    """Say at the beginning of a text, where it may have comments, what it is of, and what it rests on."""
    if not comment:
        return text
    cluster = found.cluster if found.cluster.isprintable() else repr(found.cluster)
    doubt = f"{found.unknown_pairs} pairs unknown"
    if found.unknown != "refuse":
        doubt += f", --unknown {found.unknown}"
    head = f"{comment}keepapart: cluster {cluster} as of {found.at}; domains: {found.level}s; {doubt}\n"
    first, newline, rest = text.partition("\n")
    return f"{first}{newline}{head}{rest}" if first.startswith("#!") else f"{head}{text}"
