"""An audit as one page that needs nothing else: no font, no server, no script but one that searches.

It works from a file. The page allows that one script by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import jinja2

from keepapart.auditing.assessment import Assessment
from keepapart.auditing.changes import Changes
from keepapart.auditing.listed_pairs import ALL_PAIRS_UP_TO, pairs
from keepapart.domains.risk import losses
from keepapart.errors import OperationError, UsageError
from keepapart.files import replace_text
from keepapart.model import Instance, Pair, Verdict, many, timestamp
from keepapart.report import words
from keepapart.report.ground import Step
from keepapart.report.places import places, unplaced

DENSE = 60  # hosts beyond which boxes are drawn small
DRAWN = 20_000  # members, at the most: a page of more is too large to open
LISTED = 2000  # pairs in the list that stands in for the matrix of a larger cluster

LETTERS = {Verdict.CO_RESIDENT: "C", Verdict.SEPARATE: "·", Verdict.UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One instance as the page shows it; `because` says why it wasn't reached, where it wasn't."""

    instance: Instance
    because: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair of the matrix; `verdict` is None on the diagonal."""

    verdict: Verdict | None
    letter: str
    title: str


@dataclass(frozen=True, slots=True)
class StatedPlace:
    """A zone, partition or fault domain as the page shows it; `takes` says what its loss takes."""

    level: str
    name: str
    takes: str
    ids: Sequence[str]

    @property
    def title(self) -> str:
        """Its level and its name."""
        return words.called(self.level, self.name)


def write_page(
    audit: Assessment, path: str | Path, steps: Sequence[Step] = (), changes: Changes | None = None
) -> None:
    """Write the page to `path`, with the `steps` to take and the `changes` since the audit before.

    Raises `OperationError` where that can't be written, `UsageError` where it would be too large.
    """
    if len(audit.ids) > DRAWN:
        raise UsageError(
            f"{path}: a page of {len(audit.ids):,} members is too large", f"name {DRAWN:,} of them at most"
        )
    try:
        replace_text(Path(path), page(audit, steps, changes))
    except OSError as error:
        raise OperationError(f"{path}: the page can't be written there: {error.strerror or error}") from None


def page(audit: Assessment, steps: Sequence[Step] = (), changes: Changes | None = None) -> str:
    """Return the page."""
    loader = jinja2.PackageLoader("keepapart", "report")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["many"] = many
    size = len(audit.ids)
    chips = [Chip(i, audit.lost.get(i.id)) for i in audit.instances]
    outside = [chips[i] for i in unplaced(audit)]
    drawn = size <= ALL_PAIRS_UP_TO
    order = _order(audit)
    search, _, _ = loader.get_source(environment, "search.js")
    digest = base64.b64encode(hashlib.sha256(search.encode()).digest()).decode()
    return environment.get_template("audit.html.j2").render(
        search=search,
        digest=digest,
        audit=audit,
        at=timestamp(audit.at),
        answer=words.answer(audit),
        stakes=words.stakes(audit),
        odds=words.odds(audit),
        places=places(audit),
        chips=chips,
        down=[
            (state, [chips[i] for i in audit.domains.down if audit.instances[i].state == state])
            for state in dict.fromkeys(audit.down.values())
        ],
        unreached=[chip for chip in outside if chip.because],
        floating=[chip for chip in outside if not chip.because],
        reasons=words.unknown_reasons(audit),
        stated=_stated(audit),
        contradictions=words.contradictions(audit),
        differences=audit.differences,
        basis=words.basis(audit),
        lost=words.lost(audit),
        steps=steps,
        changed=None if changes is None else words.changed(changes),
        dense=len(audit.domains.hosts) > DENSE,
        order=[audit.ids[i] for i in order],
        matrix=_matrix(audit, order) if drawn else None,
        pairs=[] if drawn else list(islice(pairs(audit), LISTED)),
    )


def _order(audit: Assessment) -> list[int]:
    """Order instances as the boxes do, so that co-resident ones stand side by side in the matrix."""
    placed = [i for place in places(audit) for host in place.hosts for i in host.members]
    return [*placed, *unplaced(audit), *audit.domains.down]


def _matrix(audit: Assessment, order: Sequence[int]) -> list[list[Cell]]:
    return [[_cell(audit.judgement.pair(i, j) if i != j else None) for j in order] for i in order]


def _cell(pair: Pair | None) -> Cell:
    if pair is None:
        return Cell(None, "", "")
    title = f"{pair.a} and {pair.b}: {pair.verdict.value}\n{pair.because}"
    return Cell(pair.verdict, LETTERS[pair.verdict], title)


def _stated(audit: Assessment) -> list[StatedPlace]:
    """List the zones, partitions and fault domains that the platform states."""
    members = {level: audit.members(level) for level in audit.domains.stated}
    return [
        StatedPlace(loss.level, loss.name, words.taken(audit, loss), members[loss.level][loss.name])
        for loss in losses(audit.domains, audit.risk)
        if loss.level in members
    ]
