"""The campaign's figures, as a table on the terminal and as docs/campaign.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from campaign.run import Result
from campaign.score import Score

COLUMNS = (
    "worlds",
    "pairs",
    "false separate",
    "false co-resident",
    "of these where established",
    "unknown",
    "co-residents found",
)
INTRODUCTION = """\
Random worlds of known truth are measured and judged by the code that does so with real clusters, and every
verdict is held against the truth. A pair is *falsely separate* if its instances shared a host at any time of
the round. *Where established* counts the false co-residents on networks that keepapart took for routed-host.
*Unknown* is a share of all pairs, *co-residents found* of those that share a host.""".splitlines()


@dataclass(frozen=True)
class Part:
    """Some kinds' results under one heading; `says` is what each kind is, in a sentence."""

    heading: str
    text: str
    results: Sequence[Result]
    says: Sequence[str]


def cells(score: Score) -> list[str]:
    """Put a score into words, one for each of `COLUMNS`."""
    numbers = (
        score.worlds,
        score.pairs,
        score.false_separate,
        score.false_co_resident,
        score.false_established,
    )
    found = _share(score.found, score.together)
    return [*(f"{number:,}" for number in numbers), _share(score.unknown, score.pairs), found]


def show(part: Part) -> None:
    """Print one part's table."""
    table = Table("network", *COLUMNS, title=part.heading)
    for column in table.columns[1:]:
        column.justify = "right"
    for result in part.results:
        table.add_row(result.kind, *cells(result.score))
    if len(part.results) > 1:
        table.add_section()
        table.add_row("all", *cells(_total(part.results)))
    Console(width=130).print(table)
    for result in part.results:
        if result.wrong:
            Console().print(f"{result.kind}: false verdicts on worlds {', '.join(map(str, result.wrong))}, …")


def write(path: Path, command: str, seed: int, parts: Sequence[Part]) -> None:
    """Write all parts as Markdown."""
    today = datetime.now(UTC).date().isoformat()
    lines = [
        "# The campaign",
        "",
        f"Made on {today} with seed {seed} by `{command}`; the code is in `campaign/`.",
        "",
        *INTRODUCTION,
    ]
    for part in parts:
        lines += ["", f"## {part.heading}", "", part.text, ""]
        lines += [f"| network | what it does | {' | '.join(COLUMNS)} |", "|---|---|" + "--:|" * len(COLUMNS)]
        for result, says in zip(part.results, part.says, strict=True):
            lines.append(f"| {result.kind} | {says} | {' | '.join(cells(result.score))} |")
        lines.append(f"| **all** | | {' | '.join(f'**{c}**' for c in cells(_total(part.results)))} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _total(results: Sequence[Result]) -> Score:
    return sum((result.score for result in results), start=Score())


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
