"""An audit in a terminal: the answer first, then the hosts as boxes, then what is not known and why.

Nothing that comes from outside (ids, addresses, reasons) is read as markup or reaches the terminal as a
control character.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from keepapart.auditing.assess import Audit
from keepapart.auditing.document import timestamp
from keepapart.auditing.listed_pairs import pairs
from keepapart.domains.fault_domains import Domain
from keepapart.model import Pair, Verdict
from keepapart.report import words
from keepapart.report.words import Branch, Tone

NAMES = 40  # ids in one enumeration
BOXES = 48  # hosts that are drawn as boxes; more are listed, a line each
LINES = 120  # hosts with several members that are listed in all where there are too many for boxes
STATED = 12  # zones that are listed, and as many partitions and fault domains
REASONS = 5  # of pairs being unknown, and of instances not being reached
SUSPECTED = 12  # groups that are suspected of sharing a host
MOST_COLUMNS = 64  # of a hop matrix

STYLES = {Tone.GOOD: "bold green", Tone.BAD: "bold red", Tone.OPEN: "bold yellow"}
MARKS = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.OPEN: "?"}
VERDICTS = {Verdict.CO_RESIDENT: Tone.BAD, Verdict.SEPARATE: Tone.GOOD, Verdict.UNKNOWN: Tone.OPEN}


def print_audit(audit: Audit, *, all_pairs: bool) -> None:
    """Print the whole audit; `all_pairs` adds a line for every pair."""
    out = console()
    found = words.answer(audit)
    line(out, (f"{MARKS[found.tone]} {found.text}", STYLES[found.tone]))
    counts = audit.counts
    line(
        out,
        (
            f"{audit.cluster}: {words.many(len(audit.round.ids), 'member')}, "
            f"{words.many(len(audit.domains.hosts), 'host')} known; pairs: "
            + ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())
            + f"; {timestamp(audit.at)}",
            "dim",
        ),
    )
    _hosts(out, audit)
    _stated(out, audit)
    _unplaced(out, audit)
    _unknown(out, audit)
    for text in words.contradictions(audit):
        line(out, ("contradiction: ", STYLES[Tone.OPEN]), text)
    if all_pairs:
        _pairs(out, audit)
    out.print()
    fact(out, "risk", words.stakes(audit))
    fact(out, "a year", words.odds(audit))
    if audit.risk.replace:
        fact(out, "replace", words.listed(audit.risk.replace, 12))
    _network(out, audit)
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
        if name in audit.round.lost:
            fact(out, "reach", f"{name}: {audit.round.lost[name]}")
    if pair.evidence:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("signal", "says", "strength"):
            table.add_column(column, no_wrap=True)
        table.add_column("because", overflow="fold")
        for piece in pair.evidence:
            row = (piece.signal, piece.says.value, piece.strength.label, piece.because)
            table.add_row(*(plain(cell) for cell in row))
        out.print(table)
    _network(out, audit)


def print_hops(audit: Audit) -> None:
    """Print the hop matrix, row = from, column = to; columns that don't fit are left out, and counted."""
    out = console()
    ids = [plain(name) for name in audit.round.ids]
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
    _network(out, audit)


def plain(text: str) -> Text:
    """Make text that can neither style nor steer the terminal."""
    return Text("".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text))


def console() -> Console:
    """Return stdout as rich sees it; nothing printed there is read as markup."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a narrow encoding costs a mark, not the report
    return Console(highlight=False, markup=False, emoji=False)


def line(out: Console, *parts: str | tuple[str, str]) -> None:
    """Print one paragraph of text or (text, style) parts: wrapped in a terminal, one line where piped."""
    out.print(_joined(parts), soft_wrap=not out.is_terminal)


def fact(out: Console, label: str, *parts: str | tuple[str, str]) -> None:
    """Print a labelled paragraph; in a terminal its lines stand under one another beside the label."""
    if not out.is_terminal:
        line(out, (f"{label:<9}", "bold"), *parts)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    grid.add_row(Text(label, "bold"), _joined(parts))
    out.print(grid)


def _joined(parts: Iterable[str | tuple[str, str]]) -> Text:
    text = Text()
    for part in parts:
        written, style = part if isinstance(part, tuple) else (part, "")
        text.append(plain(written).plain, style)
    return text


def _hosts(out: Console, audit: Audit) -> None:
    """Draw who is where: hosts as boxes within their racks, or a line each where there are many."""
    places = words.places(audit)
    if len(audit.domains.hosts) <= BOXES:
        for place in places:
            out.print()
            out.print(_drawn(audit, place, out.width))
        return
    bound = max(5, LINES // sum(len(list(_racks(place))) for place in places))
    for place in places:
        out.print()
        _listed(out, audit, place, bound)


def _racks(place: Branch) -> Iterator[Branch]:
    """Yield the innermost places that hold hosts."""
    if place.inner[0].level == "host":
        yield place
    else:
        for part in place.inner:
            yield from _racks(part)


def _drawn(audit: Audit, place: Branch, width: int) -> RenderableType:
    """Draw a rack under its heading, anything larger as a frame; hosts alone where nothing above is known."""
    heading = Text.assemble((place.title, "bold"), (f"  {place.holds}", "dim"))
    if place.inner[0].level == "host":
        boxes = _boxes(audit, place, width)
        return Group(heading, boxes) if len(audit.domains.at) > 1 else boxes
    inside = [_drawn(audit, part, width - 4) for part in place.inner]
    spaced = chain.from_iterable((Text(), part) for part in inside)
    return Panel(
        Group(*islice(spaced, 1, None)),
        title=heading,
        title_align="left",
        box=box.SQUARE,
        border_style="dim",
        width=width,
    )


def _boxes(audit: Audit, place: Branch, width: int) -> Columns:
    drawn = [[_member(audit, i) for i in host.members] for host in place.hosts]
    # one width for all: a map is read by its grid
    widest = max(max(len(text) for text in one) for one in drawn)
    widest = max(widest, *(len(_title(host)) for host in place.hosts)) + 4
    return Columns(
        [
            Panel(
                Text("\n").join(lines),
                title=Text(_title(host)),
                title_align="left",
                box=box.HEAVY if len(host.members) > 1 else box.ROUNDED,
                border_style="red" if len(host.members) > 1 else "green",
                width=min(widest, width),
            )
            for host, lines in zip(place.hosts, drawn, strict=True)
        ]
    )


def _title(host: Domain) -> str:
    return f"{host.name} ×{len(host.members)}" if len(host.members) > 1 else host.name


def _member(audit: Audit, i: int) -> Text:
    instance = audit.instances[i]
    return Text.assemble(plain(instance.id), "  ", (plain(instance.address).plain, "dim"))


def _listed(out: Console, audit: Audit, place: Branch, bound: int, indent: str = "") -> None:
    """Print a line for each host with several members, at most `bound` a rack, and count the others."""
    if len(audit.domains.at) > 1:
        line(out, indent, (place.title, "bold"), (f"  {place.holds}", "dim"))
    indent += "  "
    if place.inner[0].level != "host":
        for part in place.inner:
            _listed(out, audit, part, bound, indent)
        return
    shared = sorted((h for h in place.hosts if len(h.members) > 1), key=lambda h: -len(h.members))
    for host in shared[:bound]:
        names = ", ".join(audit.round.ids[i] for i in host.members)
        line(out, (f"{indent}■ {_title(host)}  ", "red"), names)
    if len(shared) > bound:
        line(out, f"{indent}and {len(shared) - bound} more hosts with several members (all: --json)")
    if alone := len(place.hosts) - len(shared):
        many = words.many(alone, "host")
        line(out, (f"{indent}□ ", "green"), f"{many} with one member each (all: --json)")


def _stated(out: Console, audit: Audit) -> None:
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


def _unplaced(out: Console, audit: Audit) -> None:
    """Print the instances that no host box holds, and why those not reached were not."""
    lost = audit.round.lost
    waiting = [audit.round.ids[i] for i in words.unplaced(audit) if audit.round.ids[i] not in lost]
    if waiting:
        out.print()
        line(out, ("on no known host  ", STYLES[Tone.OPEN]), words.listed(waiting, NAMES))
    if not lost:
        return
    out.print()
    line(out, (f"not reached: {len(lost)}", STYLES[Tone.OPEN]))
    by_reason: dict[str, list[str]] = {}
    for name, because in lost.items():
        by_reason.setdefault(because, []).append(name)
    for because, names in list(by_reason.items())[:REASONS]:
        line(out, f"  {words.listed(names, 12)}: {because}")
    if len(by_reason) > REASONS:
        line(out, f"  and {len(by_reason) - REASONS} more reasons (all: --json)")


def _unknown(out: Console, audit: Audit) -> None:
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


def _pairs(out: Console, audit: Audit) -> None:
    out.print()
    widest = max((len(name) for name in audit.round.ids), default=0)
    for pair in pairs(audit, all_pairs=True):
        tone = VERDICTS[pair.verdict]
        verdict = f"{MARKS[tone]} {pair.verdict.value:<11} "
        line(
            out,
            (verdict, STYLES[tone]),
            f"{pair.a:<{widest}} {pair.b:<{widest}}  ",
            (pair.because, "dim"),
        )


def _network(out: Console, audit: Audit) -> None:
    finding = audit.network
    fact(out, "network", f"{words.NETWORK[finding.standing]}", (f" – {finding.because}", "dim"))


def print_if_vouched(out: Console, audit: Audit) -> None:
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
