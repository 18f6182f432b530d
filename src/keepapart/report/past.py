"""What was found before, in a terminal: the history of a cluster and of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from keepapart.model import Verdict
from keepapart.report import words
from keepapart.report.terminal import MARKS, STYLES, VERDICTS, console, line, plain


def print_history(cluster: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one row for each audit, newest first."""
    out = console()
    if not rows:
        line(out, f"nothing is kept of cluster {cluster!r} yet; `keepapart audit` makes a beginning")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in (
        "",
        "when",
        "for",
        "members",
        "hosts",
        "co-resident",
        "unknown",
        "moved",
    ):
        number = column in ("", "members", "hosts", "co-resident", "unknown")
        table.add_column(column, justify="right" if number else "left", no_wrap=column != "moved")
    for row in rows:
        counts, missing = row["verdicts"], row["members"] - row["reached"]
        table.add_row(
            Text(str(row["number"]), "dim"),
            row["at"],
            plain(row["verb"]),
            f"{row['members']}" + (f" (−{missing})" if missing else ""),
            str(row["hosts"]),
            Text(f"{counts['co-resident']:,}", "bold red" if counts["co-resident"] else ""),
            Text(f"{counts['unknown']:,}", "yellow" if counts["unknown"] else ""),
            plain(words.listed(row["moved"]) if row["moved"] else "–"),
        )
    out.print(table)
    if any(row["moved"] for row in rows):
        line(out, ("moved: shares a host with others than in the audit before", "dim"))
    if any(row["members"] != row["reached"] for row in rows):
        line(out, ("(−n): so many of them were not reached", "dim"))


def print_sayings(a: str, b: str, said: Sequence[Mapping[str, Any]]) -> None:
    """Print what each audit said of the pair, newest first; evidence where it differs from the one above."""
    out = console()
    line(out, (f"{a} and {b}", "bold"))
    shown = None
    for one in said:
        tone = VERDICTS[Verdict(one["verdict"])]
        strength = f", {one['strength']}" if one["strength"] else ""
        out.print()
        line(
            out,
            (f"{one['number']:>3}  ", "dim"),
            f"{one['at']}  ",
            (f"{MARKS[tone]} {one['verdict']}{strength}", STYLES[tone]),
            (f"  ({one['verb']})", "dim"),
        )
        if (one["verdict"], one["because"], one["evidence"]) == shown:
            line(out, ("     as above", "dim"))
            continue
        shown = (one["verdict"], one["because"], one["evidence"])
        line(out, f"     {one['because']}")
        for piece in one["evidence"]:
            line(
                out,
                (f"     {piece['signal']} says {piece['says']}, {piece['strength']}: ", "bold"),
                piece["because"],
            )
        line(
            out,
            ("     network: ", "dim"),
            (f"{one['network']['standing']} – {one['network']['because']}", "dim"),
        )
