"""Hosts and what is on them, drawn for a terminal: boxes where there are few, else a line each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from keepapart.auditing.assessment import Assessment
from keepapart.domains.fault_domains import Domain
from keepapart.model import many
from keepapart.report.lines import line, plain
from keepapart.report.places import Branch, places

NAMES = 40  # ids in one enumeration
BOXES = 48  # hosts that are drawn as boxes; more are listed, a line each
LINES = 40  # hosts with several members that are listed in all where there are too many for boxes


def print_hosts(out: Console, audit: Assessment) -> None:
    """Draw who is where: hosts as boxes within their racks, or a line each where there are many."""
    found = places(audit)
    if len(audit.domains.hosts) <= BOXES:
        for place in found:
            out.print()
            out.print(_drawn(audit, place, out.width))
        return
    bound = max(5, LINES // sum(len(list(_racks(place))) for place in found))
    for place in found:
        out.print()
        _listed(out, audit, place, bound)


def _racks(place: Branch) -> Iterator[Branch]:
    """Yield the innermost places that hold hosts."""
    if place.inner[0].level == "host":
        yield place
    else:
        for part in place.inner:
            yield from _racks(part)


def _drawn(audit: Assessment, place: Branch, width: int) -> RenderableType:
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


def _boxes(audit: Assessment, place: Branch, width: int) -> Columns:
    drawn = [_members(audit, host) for host in place.hosts]
    # one width for all: a map is read by its grid
    widest = max(max(len(text) for text in one) for one in drawn) + 4
    widest = max(widest, *(len(_title(host)) + 6 for host in place.hosts))
    return Columns(
        [
            Panel(
                Text("\n").join(lines),
                title=plain(_title(host)),
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


def _members(audit: Assessment, host: Domain) -> list[Text]:
    """Return a line for each member of a host; beyond `NAMES` they are only counted."""
    shown = [audit.instances[i] for i in host.members[:NAMES]]
    lines = [Text.assemble(plain(i.id), (f"  {plain(i.address)}".rstrip(), "dim")) for i in shown]
    return [*lines, Text(more.strip())] if (more := _and_more(host)) else lines


def _and_more(host: Domain) -> str:
    return f" and {len(host.members) - NAMES:,} more" if len(host.members) > NAMES else ""


def _listed(out: Console, audit: Assessment, place: Branch, bound: int, indent: str = "") -> None:
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
        names = ", ".join(audit.ids[i] for i in host.members[:NAMES])
        line(out, (f"{indent}■ {_title(host)}  ", "red"), names + _and_more(host))
    if len(shared) > bound:
        line(out, f"{indent}and {len(shared) - bound:,} more hosts with several members (all: --json)")
    if alone := len(place.hosts) - len(shared):
        line(out, (f"{indent}□ ", "green"), f"{many(alone, 'host')} with one member each (all: --json)")
