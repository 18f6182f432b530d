"""What `/v1/clusters/NAME/export/FORMAT` answers: the last audit's map, as `keepapart export` prints it.

Nothing is measured and nothing written. So where racks are given for good, only those are told that
`keepapart export` has given already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keepapart.auditing.history import newest_whole
from keepapart.config import Config
from keepapart.documents.domains import DomainsDocument
from keepapart.errors import SharedError, UnknownError, UsageError
from keepapart.exports import Format, formats, named
from keepapart.exports.domain_map import mapped
from keepapart.exports.packing import packed
from keepapart.exports.row import Texts
from keepapart.model import CHOICES, MAP_LEVELS, Choice, MapLevel
from keepapart.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a format by its name, and as far as given what `export`'s flags of the names say."""

    form: Format
    level: MapLevel
    unknown: Choice
    settings: Texts
    only: Sequence[str]

    @classmethod
    def of(
        cls,
        form: Format,
        level: str | None,
        unknown: str | None,
        settings: Sequence[str],
        only: Sequence[str],
    ) -> Wanted:
        """Read a question. Raises `UsageError` for what can't be meant."""
        chosen_level = form.row.levels[0] if level is None else level
        chosen = "refuse" if unknown is None else unknown
        for flag, value, there in (("level", chosen_level, MAP_LEVELS), ("unknown", chosen, CHOICES)):
            if value not in there:
                raise UsageError(f"{flag}: {value!r}", f"one of {', '.join(there)} is wanted")
        form.hold_choice(chosen)  # type: ignore[arg-type]
        pairs = {}
        for one in settings:
            key, equals, value = one.partition("=")
            if not equals:
                raise UsageError(f"set: {one!r}", "NAME=VALUE is wanted")
            pairs[key] = value
        return cls(form, chosen_level, chosen, form.settings(chosen_level, pairs), only)  # type: ignore[arg-type]

    @property
    def kind(self) -> str:
        """The type of content of the answer."""
        return "application/json" if self.form.row.file.endswith(".json") else "text/plain"


def form_of(config: Config, name: str) -> Format:
    """Return the format of a name. Raises `UsageError` where there is none, `ConfigError` for own rows."""
    return named(name, formats(Path(config.export.formats) if config.export.formats else None))


def exported(store: Store, cluster: str, at: str, wanted: Wanted) -> str:
    """Return the map of the audit that was made `at`, or of one since.

    Raises `UnknownError` where unknown pairs forbid it, and where no such audit is kept; `SharedError` where
    no rack was given yet, or none is right; `UsageError` for names and settings.
    """
    kept = newest_whole(store, cluster)
    if kept is None or kept[0].at < at:
        raise UnknownError(f"the audit of {at} reached nobody, so there is no map of it")
    found = mapped(*kept, wanted.level, wanted.unknown, wanted.form.choices)
    if wanted.form.row.packs:
        found = _given(store, found, wanted)
    texts = wanted.form.render(found, wanted.settings, packed=wanted.form.row.packs)
    return wanted.form.text(texts, wanted.only)


def _given(store: Store, found: DomainsDocument, wanted: Wanted) -> DomainsDocument:
    name = wanted.form.name
    told = store.told.of(found.cluster, name)
    placed = [one.id for one in found.instances if one.domain]
    if missing := [one for one in wanted.only or placed if one in placed and one not in told]:
        raise SharedError(
            f"{name}: {missing[0]} was given no rack yet", f"`keepapart export {name}` gives racks for good"
        )
    return packed(found, wanted.settings["racks"], told)
