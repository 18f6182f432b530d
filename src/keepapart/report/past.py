"""What was found before, in a terminal: the history of a cluster and of a pair."""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.documents.past import HistoryEntry, SayingEntry
from keepapart.report import words
from keepapart.report.lines import STYLES, VERDICTS, console, line, mark

DIFFERENCES = 5  # that are told of one audit


def print_history(cluster: str, rows: Sequence[HistoryEntry], chosen: str | None = None) -> None:
    """Print one line for each audit, newest first; `chosen` is the verb whose audits these are, if one's."""
    out = console()
    if not rows:
        by = f" by `keepapart {chosen}`" if chosen else ""
        line(out, f"no audits of cluster {cluster!r}{by} are stored yet; run `keepapart audit`")
        return
    shown = [(r.number, r.members, r.hosts, r.verdicts.co_resident, r.verdicts.unknown) for r in rows]
    number, members, hosts, together, unknown = (
        max(len(f"{value:,}") for value in column) for column in zip(*shown, strict=True)
    )
    verb = max(len(row.verb) for row in rows)
    for row in rows:
        line(
            out,
            (f"{row.number:>{number}}  ", "dim"),
            f"{row.at}  {row.verb:<{verb}}  {row.members:>{members},} members  ",
            f"{row.hosts:>{hosts},} hosts  ",
            (
                f"{row.verdicts.co_resident:>{together},} co-resident",
                "bold red" if row.verdicts.co_resident else "",
            ),
            "  ",
            (f"{row.verdicts.unknown:>{unknown},} unknown", "yellow" if row.verdicts.unknown else ""),
        )
        indent = " " * (number + 2)
        if missing := row.members - row.reached:
            line(out, (f"{indent}{missing} not reached", "yellow"))
        if row.moved:
            line(out, indent, (words.listed([words.move(m) for m in row.moves], 12), "bold"))
        for differing in row.facts_differ[:DIFFERENCES]:
            line(out, (f"{indent}facts differ: ", "yellow"), differing.because)
        if (more := len(row.facts_differ) - DIFFERENCES) > 0:
            line(out, f"{indent}and {more:,} more that differ (all: --json)")


def print_sayings(a: str, b: str, said: Sequence[SayingEntry]) -> None:
    """Print what each audit said of the pair, newest first; evidence where it differs from the one above."""
    out = console()
    line(out, (f"{a} and {b}", "bold"))
    shown = None
    for one in said:
        tone = VERDICTS[one.verdict]
        strength = f", {one.strength}" if one.strength else ""
        out.print()
        line(
            out,
            (f"{one.number:>3}  ", "dim"),
            f"{one.at}  ",
            (f"{mark(tone, out)} {one.verdict.value}{strength}", STYLES[tone]),
            (f"  ({one.verb})", "dim"),
        )
        if (one.verdict, one.because, one.evidence) == shown:
            line(out, ("     as above", "dim"))
            continue
        shown = (one.verdict, one.because, one.evidence)
        line(out, f"     {one.because}")
        for piece in one.evidence:
            line(
                out,
                (f"     {piece.signal} says {piece.says.value}, {piece.strength}: ", "bold"),
                piece.because,
            )
        line(
            out,
            ("     network: ", "dim"),
            (f"{one.network.standing} – {one.network.because}", "dim"),
        )
