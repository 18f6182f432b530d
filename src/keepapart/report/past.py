"""What was found before, in a terminal: the history of a cluster and of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.model import Verdict
from keepapart.report import words
from keepapart.report.terminal import MARKS, STYLES, VERDICTS, console, line


def print_history(cluster: str, rows: Sequence[Mapping[str, Any]], chosen: str | None = None) -> None:
    """Print one line for each audit, newest first; `chosen` is the verb whose audits these are, if one's."""
    out = console()
    if not rows:
        by = f"by `keepapart {chosen}` " if chosen else ""
        line(out, f"nothing is kept of cluster {cluster!r} {by}yet; `keepapart audit` makes a beginning")
        return
    wide = {key: max(len(f"{row[key]:,}") for row in rows) for key in ("number", "members", "hosts")}
    verb = max(len(row["verb"]) for row in rows)
    pairs = {key: max(len(f"{row['verdicts'][key]:,}") for row in rows) for key in ("co-resident", "unknown")}
    for row in rows:
        together, unknown = (f"{row['verdicts'][key]:>{width},} {key}" for key, width in pairs.items())
        line(
            out,
            (f"{row['number']:>{wide['number']}}  ", "dim"),
            f"{row['at']}  {row['verb']:<{verb}}  {row['members']:>{wide['members']},} members  ",
            f"{row['hosts']:>{wide['hosts']},} hosts  ",
            (together, "bold red" if row["verdicts"]["co-resident"] else ""),
            "  ",
            (unknown, "yellow" if row["verdicts"]["unknown"] else ""),
        )
        indent = " " * (wide["number"] + 2)
        if missing := row["members"] - row["reached"]:
            line(out, (f"{indent}{missing} not reached", "yellow"))
        if row["moved"]:
            line(out, (f"{indent}moved: ", "bold"), words.listed(row["moved"], 12))
    if any(row["moved"] for row in rows):
        line(out, ("moved: shares a host with others than in the audit before", "dim"))


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
