"""The campaign's figures, as a table on the terminal and as docs/campaign.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from campaign.score import NOBODY, OPERATOR, PLATFORM, Result, Score

COLUMNS = (
    "worlds",
    "pairs",
    "nobody vouches",
    "the platform",
    "the operator",
    "unknown",
    "co-residents found",
)
INTRODUCTION = """\
Random worlds of known truth are measured and judged by the code that does so with real clusters, and every
verdict is held against the truth. Each round is judged as if nobody vouched for the network (`auto`), as if
the platform's adapter did, and by an operator who says `model = "routed-host"`, truly or not. Each of these
cells is *false separates + false co-residents*: a pair is falsely separate if its instances shared a host at
any time of the round. *Unknown* is a share of all pairs, *co-residents found* of those that share a host,
both by the last word in the row.

No verdict of either sort may be false where nobody vouches, but where a platform states what isn't so. No
co-residents may be called separate, whoever vouches, where hosts are gateways and counts don't lie. Otherwise
`python -m campaign` ends with 1.""".splitlines()


@dataclass(frozen=True)
class Part:
    """Some kinds' results under one heading; `says` is what each kind is, in a sentence."""

    heading: str
    text: str
    results: Sequence[Result]
    says: Sequence[str]


def cells(result: Result) -> list[str]:
    """Put a result into words, one for each of `COLUMNS`; every kind is judged by nobody's word at least."""
    scores = result.scores
    first = scores[NOBODY]
    last = scores[next(by for by in (OPERATOR, PLATFORM, NOBODY) if by in scores)]
    return [
        f"{first.worlds:,}",
        f"{first.pairs:,}",
        *(_false(scores.get(by)) for by in (NOBODY, PLATFORM, OPERATOR)),
        _share(last.unknown, last.pairs),
        _share(last.found, last.together),
    ]


def show(part: Part) -> None:
    """Print one part's table."""
    table = Table("network", *COLUMNS, title=part.heading)
    for column in table.columns[1:]:
        column.justify = "right"
    for result in part.results:
        table.add_row(result.kind, *cells(result))
    if len(part.results) > 1:
        table.add_section()
        table.add_row("all", *cells(_total(part.results)))
    Console(width=130).print(table)
    for result in part.results:
        for by, worlds in result.wrong.items():
            which = ", ".join(map(str, worlds))
            Console(width=130).print(
                f"{result.kind}, vouched for by {by}: false verdicts on worlds {which}, …"
            )


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
            lines.append(f"| {result.kind} | {says} | {' | '.join(cells(result))} |")
        lines.append(f"| **all** | | {' | '.join(f'**{c}**' for c in cells(_total(part.results)))} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _total(results: Sequence[Result]) -> Result:
    return sum(results, start=Result("all"))


def _false(score: Score | None) -> str:
    return "–" if score is None else f"{score.false_separate:,} + {score.false_co_resident:,}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
