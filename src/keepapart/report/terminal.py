"""An audit in a terminal: the answer first, then the hosts as boxes, then what is not known and why.

Nothing that comes from outside (ids, addresses, reasons) is read as markup or reaches the terminal as a
control character.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.document import timestamp
from keepapart.auditing.listed_pairs import pairs
from keepapart.model import Pair
from keepapart.report import words
from keepapart.report.hosts import NAMES, print_hosts
from keepapart.report.lines import MARKS, STYLES, VERDICTS, console, fact, line, plain
from keepapart.report.words import Tone

STATED = 12  # zones that are listed, and as many partitions and fault domains
REASONS = 5  # of pairs being unknown, and of nothing being known of instances
CONTRADICTIONS = 12
SUSPECTED = 12  # groups that are suspected of sharing a host
MOST_COLUMNS = 64  # of a hop matrix


def print_audit(audit: Assessment, *, all_pairs: bool) -> None:
    """Print the whole audit; `all_pairs` adds a line for every pair."""
    out = console()
    found = words.answer(audit)
    line(out, (f"{MARKS[found.tone]} {found.text}", STYLES[found.tone]))
    counts = audit.counts
    line(
        out,
        (
            f"{audit.cluster}: {words.many(len(audit.ids), 'member')}, "
            f"{words.many(len(audit.domains.hosts), 'host')} known; pairs: "
            + ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())
            + f"; {timestamp(audit.at)}",
            "dim",
        ),
    )
    print_hosts(out, audit)
    _stated(out, audit)
    _unplaced(out, audit)
    _unknown(out, audit)
    _contradictions(out, audit)
    if all_pairs:
        _pairs(out, audit)
    out.print()
    fact(out, "risk", words.stakes(audit))
    fact(out, "a year", words.odds(audit))
    if audit.risk.replace:
        fact(out, "replace", words.listed(audit.risk.replace, 12))
    _basis(out, audit)
    print_if_vouched(out, audit)
    command, purpose = words.next_step(audit)
    fact(out, "next", (command, "bold cyan"))
    line(out, (f"         {purpose}", "dim"))


def print_pair(audit: Audit, pair: Pair) -> None:
    """Print the verdict on one pair, its reason and every piece of evidence."""
    out = console()
    tone = VERDICTS[pair.verdict]
    verdict = Text(f"{MARKS[tone]} {pair.verdict.value.upper()}", STYLES[tone])
    strength = f"strength: {pair.strength.label}" if pair.strength else None
    out.print(
        Panel(
            Text.assemble(verdict, "\n", plain(words.of_pair(pair))),
            box=box.HEAVY,
            border_style=STYLES[tone],
            subtitle=Text(strength) if strength else None,
            expand=False,
            padding=(0, 2),
        )
    )
    fact(out, "because", pair.because)
    for name in (pair.a, pair.b):
        if name in audit.lost:
            fact(out, "reach", f"{name}: {audit.lost[name]}")
    if pair.evidence:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("signal", "says", "strength"):
            table.add_column(column, no_wrap=True)
        table.add_column("because", overflow="fold")
        for piece in pair.evidence:
            row = (piece.signal, piece.says.value, piece.strength.label, piece.because)
            table.add_row(*(plain(cell) for cell in row))
        out.print(table)
    _basis(out, audit)


def print_hops(audit: Audit) -> None:
    """Print the hop matrix, row = from, column = to; columns that don't fit are left out, and counted."""
    out = console()
    ids = [plain(name) for name in audit.ids]
    least = audit.round.tally.way
    widest = max(len(name) for name in ids)
    number = len(str(len(ids)))
    room = out.width - number - widest - 3
    headed = sum(max(2, len(name)) + 2 for name in ids) <= room
    shown = len(ids) if headed else min(len(ids), MOST_COLUMNS, max(1, room // (max(2, number) + 2)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=False)
    table.add_column(Text("from \\ to"), no_wrap=True)
    for column in range(shown):
        head = ids[column] if headed else Text(str(column + 1))
        table.add_column(head, justify="right", no_wrap=True)
    speaks = audit.network.strength is not None
    for row in range(min(len(ids), max(shown, MOST_COLUMNS))):
        cells = [
            Text("·", "dim") if row == column else _hop(int(least[row, column]), speaks=speaks)
            for column in range(shown)
        ]
        name = ids[row] if headed else Text.assemble((f"{row + 1:>{number}} ", "dim"), ids[row])
        table.add_row(name, *cells)
    out.print(table)
    if shown < len(ids):
        line(
            out,
            f"{shown} of {len(ids)} columns shown; columns are numbered as rows are."
            " All of it: keepapart hops --json",
        )
    line(out, ("– was not measured; hops are routers between + 1, the least over all flows", "dim"))
    _basis(out, audit)


def _stated(out: Console, audit: Assessment) -> None:
    """Print a line for each zone, partition and fault domain that is stated, and who is in it."""
    for level in audit.domains.stated:
        out.print()
        named = list(audit.members(level).items())
        for name, ids in named[:STATED]:
            title = words.called(level, name)
            line(
                out, (title, "bold"), (f"  {words.many(len(ids), 'member')}: ", "dim"), words.listed(ids, 12)
            )
        if len(named) > STATED:
            line(out, f"and {len(named) - STATED} more (all: --json)")


def _unplaced(out: Console, audit: Assessment) -> None:
    """Print the instances that no host box holds, and why nothing is known of some of them."""
    lost = audit.lost
    waiting = [audit.ids[i] for i in words.unplaced(audit) if audit.ids[i] not in lost]
    if waiting:
        out.print()
        line(out, ("on no known host  ", STYLES[Tone.OPEN]), words.listed(waiting, NAMES))
    if not lost:
        return
    out.print()
    line(out, (f"{words.lost(audit)}: {len(lost):,}", STYLES[Tone.OPEN]))
    by_reason: dict[str, list[str]] = {}
    for name, because in lost.items():
        by_reason.setdefault(because, []).append(name)
    for because, names in list(by_reason.items())[:REASONS]:
        line(out, f"  {words.listed(names, 12)}: {because}")
    if len(by_reason) > REASONS:
        line(out, f"  and {len(by_reason) - REASONS} more reasons (all: --json)")


def _unknown(out: Console, audit: Assessment) -> None:
    found = words.unknown_reasons(audit)
    if not found:
        return
    out.print()
    line(out, (f"unknown: {words.many(audit.counts['unknown'], 'pair')}", STYLES[Tone.OPEN]))
    for because, count, pair in found[:REASONS]:
        which = f"{pair.a} and {pair.b}" + (f" and {words.many(count - 1, 'pair')} more" if count > 1 else "")
        line(out, f"  {which}: {because}")
    if rest := sum(count for _, count, _ in found[REASONS:]):
        line(out, f"  and {words.many(rest, 'pair')} more, for other reasons: --json")


def _contradictions(out: Console, audit: Assessment) -> None:
    told = words.contradictions(audit)
    for text in told[:CONTRADICTIONS]:
        line(out, ("contradiction: ", STYLES[Tone.OPEN]), text)
    if len(told) > CONTRADICTIONS:
        line(out, f"and {words.many(len(told) - CONTRADICTIONS, 'contradiction')} more")


def _pairs(out: Console, audit: Assessment) -> None:
    out.print()
    widest = max((len(name) for name in audit.ids), default=0)
    for pair in pairs(audit, all_pairs=True):
        tone = VERDICTS[pair.verdict]
        verdict = f"{MARKS[tone]} {pair.verdict.value:<11} "
        line(
            out,
            (verdict, STYLES[tone]),
            f"{pair.a:<{widest}} {pair.b:<{widest}}  ",
            (pair.because, "dim"),
        )


def _basis(out: Console, audit: Assessment) -> None:
    label, what, because = words.basis(audit)
    fact(out, label, what, (f" – {because}", "dim"))


def print_if_vouched(out: Console, audit: Assessment) -> None:
    """Print what would be said if the operator vouched for the network, where that changes anything."""
    if would := audit.if_vouched:
        counted = ", ".join(f"{count:,} {verdict}" for verdict, count in would.verdicts.items())
        fact(out, "if so", f"if hosts are gateways here, pairs would be: {counted}")
        for group in would.suspected[:SUSPECTED]:
            line(out, (f"         {words.listed(group, 12)} would share a host", "dim"))


def _hop(count: int, *, speaks: bool) -> Text:
    if count == 0:
        return Text("–", "yellow")
    return Text(str(count), "bold red" if count == 2 and speaks else "")
