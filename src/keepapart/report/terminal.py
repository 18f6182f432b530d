"""An audit in a terminal: the answer first, then the hosts as boxes, then what is not known and why.

Nothing that comes from outside (ids, addresses, reasons) is read as markup or reaches the terminal as a
control character.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.changes import Changes
from keepapart.auditing.listed_pairs import pairs
from keepapart.model import Pair, many, timestamp
from keepapart.report import words
from keepapart.report.ground import Step
from keepapart.report.hosts import NAMES, print_hosts
from keepapart.report.lines import STYLES, VERDICTS, command, console, fact, line, mark, plain
from keepapart.report.places import unplaced
from keepapart.report.words import Tone

STATED = 12  # zones that are listed, and as many partitions and fault domains
REASONS = 5  # of pairs being unknown, and of nothing being known of instances
CONTRADICTIONS = 12
DIFFERENCES = 12  # between two sources of facts
SUSPECTED = 12  # groups that are suspected of sharing a host
MOST_COLUMNS = 64  # of a hop matrix


def print_audit(
    audit: Assessment,
    steps: Sequence[Step] = (),
    changes: Changes | None = None,
    *,
    all_pairs: bool,
    wide: bool = False,
) -> None:
    """Print the whole audit, the `steps` to take and the `changes` since the one before.

    `all_pairs` adds a line for every pair. `wide` lets lines be as long as they are.
    """
    out = console(wide=wide)
    found = words.answer(audit)
    line(out, (f"{mark(found.tone, out)} {found.text}", STYLES[found.tone]))
    counts = audit.counts
    line(
        out,
        (
            f"{audit.cluster}: {many(len(audit.ids), 'member')}, "
            f"{many(len(audit.domains.hosts), 'host')} known; pairs: "
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
    _differences(out, audit)
    if all_pairs:
        _pairs(out, audit)
    out.print()
    fact(out, "risk", words.stakes(audit))
    fact(out, "a year", words.odds(audit))
    if changes is not None:
        fact(out, "changed", words.changed(changes))
    if audit.risk.replace:
        fact(out, "replace", words.listed(audit.risk.replace, 12))
    _basis(out, audit)
    print_if_vouched(out, audit)
    _next(out, steps)


def print_pair(audit: Audit, pair: Pair, steps: Sequence[Step] = ()) -> None:
    """Print the verdict on one pair, its reason, every piece of evidence, and what to do next."""
    out = console()
    tone = VERDICTS[pair.verdict]
    verdict = Text(f"{mark(tone, out)} {pair.verdict.value.upper()}", STYLES[tone])
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
    _next(out, steps)


def print_hops(audit: Audit, *, wide: bool = False) -> None:
    """Print the hop matrix, row = from, column = to; columns that don't fit are left out, and counted.

    In a `wide` one all do.
    """
    out = console(wide=wide)
    ids = [plain(name) for name in audit.ids]
    least = audit.round.tally.way
    widest = max(len(name) for name in ids)
    number = len(str(len(ids)))
    room = out.width - number - widest - 3
    headed = sum(max(2, len(name)) + 2 for name in ids) <= room
    fitting = max(1, room // (max(2, number) + 2))
    shown = len(ids) if headed or wide else min(len(ids), MOST_COLUMNS, fitting)
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
            " All of it: keepapart hops -o wide",
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
            line(out, (title, "bold"), (f"  {many(len(ids), 'member')}: ", "dim"), words.listed(ids, 12))
        if len(named) > STATED:
            line(out, f"and {len(named) - STATED} more (all: --json)")


def _unplaced(out: Console, audit: Assessment) -> None:
    """Print the instances that no host box holds, and why nothing is known of some of them."""
    for state, names in words.by_reason(audit.down):
        out.print()
        line(out, (f"{state}, on no host  ", STYLES[Tone.BAD]), words.listed(names, NAMES))
    lost = {name: because for name, because in audit.lost.items() if name not in audit.down}
    waiting = [audit.ids[i] for i in unplaced(audit) if audit.ids[i] not in lost]
    if waiting:
        out.print()
        line(out, ("on no known host  ", STYLES[Tone.OPEN]), words.listed(waiting, NAMES))
    if not lost:
        return
    out.print()
    line(out, (f"{words.lost(audit)}: {len(lost):,}", STYLES[Tone.OPEN]))
    reasons = words.by_reason(lost)
    for because, names in reasons[:REASONS]:
        line(out, f"  {words.listed(names, 12)}: {because}")
    if len(reasons) > REASONS:
        line(out, f"  and {len(reasons) - REASONS} more reasons (all: --json)")


def _unknown(out: Console, audit: Assessment) -> None:
    found = words.unknown_reasons(audit)
    if not found:
        return
    out.print()
    line(out, (f"unknown: {many(audit.open_pairs, 'pair')}", STYLES[Tone.OPEN]))
    for because, count, pair in found[:REASONS]:
        which = f"{pair.a} and {pair.b}" + (f" and {many(count - 1, 'pair')} more" if count > 1 else "")
        line(out, f"  {which}: {because}")
    if rest := sum(count for _, count, _ in found[REASONS:]):
        line(out, f"  and {many(rest, 'pair')} more, for other reasons: --json")


def _contradictions(out: Console, audit: Assessment) -> None:
    told = words.contradictions(audit)
    for text in told[:CONTRADICTIONS]:
        line(out, ("contradiction: ", STYLES[Tone.OPEN]), text)
    if len(told) > CONTRADICTIONS:
        line(out, f"and {many(len(told) - CONTRADICTIONS, 'contradiction')} more")


def _differences(out: Console, audit: Assessment) -> None:
    for found in audit.differences[:DIFFERENCES]:
        line(out, ("facts differ: ", STYLES[Tone.OPEN]), str(found))
    if (rest := len(audit.differences) - DIFFERENCES) > 0:
        line(out, f"and {rest:,} more that differ (all: --json)")


def _pairs(out: Console, audit: Assessment) -> None:
    out.print()
    widest = max((len(name) for name in audit.ids), default=0)
    for pair in pairs(audit, all_pairs=True):
        tone = VERDICTS[pair.verdict]
        verdict = f"{mark(tone, out)} {pair.verdict.value:<11} "
        line(
            out,
            (verdict, STYLES[tone]),
            f"{pair.a:<{widest}} {pair.b:<{widest}}  ",
            (pair.because, "dim"),
        )


def _basis(out: Console, audit: Assessment) -> None:
    label, what, because = words.basis(audit)
    fact(out, label, what, (f" – {because}", "dim"))


def _next(out: Console, steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps):
        label = "" if number else "next"
        if step.command:
            command(out, label, step.command)
            line(out, (f"         {step.purpose}", "dim"))
        else:
            fact(out, label, step.purpose)


def print_if_vouched(out: Console, audit: Assessment) -> None:
    """Print what would be said if the operator vouched for the network, where that changes anything."""
    if (would := audit.if_vouched) and any(would.verdicts.values()):
        counted = ", ".join(f"{count:,} {verdict}" for verdict, count in would.verdicts.items())
        fact(out, "if so", f"if hosts are gateways here, pairs would be: {counted}")
        for group in would.suspected[:SUSPECTED]:
            line(out, (f"         {words.listed(group, 12)} would share a host", "dim"))


def _hop(count: int, *, speaks: bool) -> Text:
    if count == 0:
        return Text("–", "yellow")
    return Text(str(count), "bold red" if count == 2 and speaks else "")
