"""A whole project in a terminal: a line for each group, what is worst first."""

from __future__ import annotations

from collections import Counter

from keepapart.auditing.project import GroupFinding, ProjectFinding
from keepapart.model import many, timestamp
from keepapart.report.lines import STYLES, console, line, mark
from keepapart.report.words import Tone, down, listed

LINES = 40  # groups that are listed; the others are counted
DIFFERENCES = 12
TONES = {
    "have no majority now": Tone.BAD,
    "share a host": Tone.BAD,
    "are open": Tone.OPEN,
    "are well": Tone.GOOD,
}
ONE = {
    "have no majority now": "has no majority now",
    "share a host": "shares a host",
    "are open": "is open",
    "are well": "is well",
}


def print_groups(found: ProjectFinding, *, wide: bool = False) -> None:
    """Print the answer, then the groups that are in trouble or unknown; all of them where it is `wide`."""
    out = console()
    kinds = Counter(map(_kind, found.groups))
    told = [f"{kinds[kind]:,} {ONE[kind] if kinds[kind] == 1 else kind}" for kind in TONES if kinds[kind]]
    worst = next((tone for kind, tone in TONES.items() if kinds[kind]), Tone.OPEN)
    answer = f"{mark(worst, out)} {_headline(found)}: {', '.join(told) or 'there are none'}"
    line(out, (answer, STYLES[worst]))
    none = f"; {found.ungrouped:,} in none" if found.ungrouped else ""
    line(out, (f"{found.name}: {many(found.size, 'instance')}{none}; {timestamp(found.at)}", "dim"))
    out.print()
    troubled = [group for group in found.groups if wide or tone(group) is not Tone.GOOD]
    shown = troubled if wide else troubled[:LINES]
    for group in shown:
        line(
            out,
            (f"{mark(tone(group), out)} {group.name}", STYLES[tone(group)]),
            f"  {many(len(group.ids), 'member')}: {_trouble(group)}",
        )
    if len(troubled) > len(shown):
        line(out, f"and {len(troubled) - len(shown):,} more (all: --json)")
    for difference in found.differences[:DIFFERENCES]:
        line(out, ("facts differ: ", STYLES[Tone.OPEN]), str(difference))
    if (rest := len(found.differences) - DIFFERENCES) > 0:
        line(out, f"and {rest:,} more that differ (all: --json)")


def tone(group: GroupFinding) -> Tone:
    """Say how a group is: bad where too few run or some share a host, open where some pairs are unknown."""
    return TONES[_kind(group)]


def _kind(group: GroupFinding) -> str:
    if not group.quorate:
        return "have no majority now"
    if group.shared:
        return "share a host"
    return "are open" if group.verdicts["unknown"] else "are well"


def _headline(found: ProjectFinding) -> str:
    what = "server group" if found.by == "group" else f"value of {found.by}" if ":" in found.by else "tag"
    if len(found.groups) == 1 or not what.startswith("value"):
        return many(len(found.groups), what)
    return f"{len(found.groups):,} values of {found.by}"


def _trouble(group: GroupFinding) -> str:
    told = _of_those_that_run(group)
    if not group.down:
        return told
    return f"{down(group)}{'' if group.quorate else ': it has no majority now'}; {told}"


def _of_those_that_run(group: GroupFinding) -> str:
    if not group.shared:
        pairs = sum(group.verdicts.values())
        if not group.verdicts["unknown"]:
            return "a host each"
        return f"{group.verdicts['unknown']:,} of {many(pairs, 'pair')} unknown"
    told = [f"{listed(ids)} share {host}" for host, ids in group.shared[:3]]
    more = f" and {many(len(group.shared) - 3, 'host')} more" if len(group.shared) > 3 else ""
    lost = {True: "the majority outlives any one host", False: "the majority doesn't outlive it"}
    return "; ".join(told) + more + (f": {lost[group.survives]}" if group.survives is not None else "")
