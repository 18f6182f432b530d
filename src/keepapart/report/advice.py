"""What to do next: steps that can be done where they are given, by command lines that can be pasted. Pure.

1. What is most urgent comes alone: members that are down; moves without which the cluster doesn't survive;
   members without a way in; what is unknown; what could be better.
2. A cluster is moved by as few as make it survive what it is to survive. A host each is only named.
3. keepapart's own verbs are advised only where its provider can do what they need; elsewhere the platform's
   commands are, by the provider or as it is recognised; and where neither is known, what an operator does.
4. Ids are quoted for a shell, and commands name the configuration that was named.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.model import Instance, Pair, Strength, many
from keepapart.probe.measured import UNHEARD
from keepapart.probe.own_addresses import ONE_MACHINE
from keepapart.report import words
from keepapart.report.ground import HERE, LAB, Ground, Step, typed
from keepapart.report.platforms import NONE, PLATFORMS, Platform
from keepapart.report.ssh_advice import about_ssh, ssh_line
from keepapart.signals.network import NetworkStatus

TYPED = 6  # ids that somebody would still type after a command
SHOWN = 3  # instances for each of which steps are written out
GONE = ("shutting-down", "terminated", "deleted")  # states from which nothing is started again


def advise(audit: Assessment, ground: Ground = HERE) -> list[Step]:
    """Return what to do next, at least one step."""
    for advice in (_bring_back, _move, _get_in, _hear, _find_out, _grow, _spread):
        if steps := list(advice(audit, ground)):
            return steps
    if not isinstance(audit, Audit):
        return [Step(f"{ground.command} audit", "measures whether it is so, and what facts leave open")]
    if not ground.listed:
        return [Step(f"{ground.command} init", f"writes {ground.file}: audits of its members are kept")]
    return [Step(f"{ground.command} history", "shows what audits found before, and who moved since")]


def _bring_back(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Start what is down."""
    if not audit.down:
        return
    gone = [name for name, state in audit.down.items() if state in GONE]
    stopped = {name: state for name, state in audit.down.items() if state not in GONE}
    why = "it counts as lost until it runs"
    if not audit.risk.quorate:
        why = "the cluster has too few members until it runs"
    if gone and ground.launches:
        yield Step(f"{ground.command} admit --count {len(gone)}", f"in place of {words.listed(gone)}: {why}")
    elif gone:
        yield Step("", f"boot a stand-in for {words.listed(gone)}, and put it on the list: {why}")
    platform, lab = _platform(audit, ground), str(ground.settings.get("lab", ""))
    if stopped and ground.provider == LAB:
        of = f"--lab {shlex.quote(lab)} " if lab else ""
        yield Step(f"keepapart lab start {of}{typed(list(stopped)[:TYPED])}", why)
    elif stopped and platform.start:
        for instance in _instances(audit, list(stopped)[:SHOWN]):
            start = platform.wake.get(instance.state, platform.start)
            yield from _steps([(start, why)], instance, audit, ground)
    elif stopped:
        yield Step("", f"start {words.listed(list(stopped))} where it runs: {why}")
    yield _again(audit, ground, "where they are now")


def _move(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Give as few as it takes another host, so that any one may fail."""
    enough = audit.risk.running > audit.risk.need
    purpose = "the fewest moves after which any one host may fail" if enough else "leaves one on each host"
    if replace := audit.risk.replace:
        yield from _moves(audit, ground, replace, ".risk.replace", purpose)


def _moves(
    audit: Assessment, ground: Ground, names: Sequence[str], where: str, purpose: str
) -> Iterator[Step]:
    """Say how these get another host; `where` they are in the audit as JSON."""
    platform = _platform(audit, ground)
    if ground.launches:
        ids = _arguments(audit, ground, names, where)
        yield Step(f"{ground.command} replace {ids}", f"{purpose}; each goes when its stand-in is in")
        if ground.moves and audit.risk.running > audit.risk.need:
            chosen = _not_in_a_group(audit, names)
            ids = ids if list(names) == chosen else typed(chosen)
            keep = "or, to keep what is on their disks: each gets another host, one at a time"
            yield Step(f"{ground.command} move {ids}", keep)
    elif platform.move:
        for command, why in () if _in_spread_groups(audit) else platform.prepare:
            yield Step(command.format(aws=ground.aws(), group=_group(audit, ground)), why)
        for instance in _instances(audit, _not_in_a_group(audit, names)[:SHOWN]):
            yield from _steps(platform.move, instance, audit, ground)
        yield _again(audit, ground, f"{purpose}: whether it is so")
    else:
        yield Step(
            "", f"{purpose}: boot a stand-in for {words.listed(names)}, and let the old run until it is in"
        )
        yield Step("", _list_it(ground))
        yield _again(
            audit,
            ground,
            "on a host of its own? Then let it join, and take the old one out; if not, boot another before"
            " ending it, or that gets the same slot",
        )


def _arguments(audit: Assessment, ground: Ground, names: Sequence[str], where: str) -> str:
    """Write ids as arguments; many are taken from the audit as JSON, where none of them needs quotes."""
    if len(names) > TYPED and shlex.join(names) == " ".join(names):
        return f"$({_audit(audit, ground)} --json | jq -r '{where}[]')"
    return typed(names)


def _not_in_a_group(audit: Assessment, names: Sequence[str]) -> list[str]:
    """Name a host-mate instead of one that is in a spread group already: a group parts only its own."""
    inside = _in_spread_groups(audit)
    chosen: list[str] = []
    for host in audit.members("host").values():
        wanted = [name for name in host if name in names]
        outside = [name for name in host if name not in inside]
        first = [*(name for name in wanted if name in outside), *outside, *wanted]
        chosen += list(dict.fromkeys(first))[: len(wanted)]
    return chosen


def _grow(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Add members where no placement of those that there are survives a host."""
    risk = audit.risk
    if risk.survives is not False or risk.running > risk.need:
        return
    missing = (3 if risk.by_majority else risk.need + 1) - risk.running
    if missing <= 0:
        return
    why = f"{many(risk.running, 'member')} can't spare any: {risk.need:,} must live on"
    if ground.launches:
        yield Step(f"{ground.command} admit --count {missing}", why)
    else:
        yield Step("", f"{why}; boot {missing} more, and {_list_it(ground)}")
        yield _again(audit, ground, "whether they are on hosts of their own")


def _get_in(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """See to the ways in that failed."""
    lost = {
        name: why
        for name, why in audit.lost.items()
        if isinstance(audit, Audit) and name not in audit.down and why not in UNHEARD
    }
    twice = [name for name, why in lost.items() if ONE_MACHINE in why]
    shut = {name: why for name, why in lost.items() if name not in twice}
    if twice:
        yield Step("", f"{words.listed(twice)}: leave out all but one name of each machine")
    shown = 0
    for why, names in words.by_reason(shut):
        (instance,) = _instances(audit, names[:1])
        if (line := ssh_line(instance, ground.reach)) and shown < SHOWN:
            shown += 1
            yield Step(line, about_ssh(why, instance.id, ground.file))
    if lost:
        once = f"there is a way in to {words.listed(list(shut))}" if shut else "each machine has one name"
        yield _again(audit, ground, f"once {once}")


def _hear(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Let datagrams through to whom none came."""
    deaf = [n for n, why in audit.lost.items() if isinstance(audit, Audit) and why in UNHEARD]
    if deaf:
        yield Step(
            "",
            f"let UDP through between members (to {words.listed(deaf)} nothing came): a fixed [network] port"
            f" in {ground.file} for the firewall's rule, or [network] tcp_port = 22 where that port is open",
        )
        yield _again(audit, ground, "once datagrams or connections get through")


def _find_out(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Say how what is unknown can be known."""
    if not audit.open_pairs:
        return
    if not isinstance(audit, Audit):
        yield Step(f"{ground.command} audit", "measures what facts leave open")
    elif Strength.WEAK in (audit.network.strength, audit.network.strength_of_two):
        yield _of_the_network(ground)
    elif audit.round.tally.by.any() and not audit.round.tally.arrived.any():
        let = "let UDP through between members, or name a TCP port that they have open to each other"
        yield Step("", f"{let} ([network] tcp_port): nobody confirms the counts that there are")
    elif not (audit.counts["separate"] or audit.counts["co-resident"]) or (
        _in_spread_groups(audit) and audit.network.standing is not NetworkStatus.VOUCHED
    ):
        yield from _ways_out(audit, ground)
    else:
        pair = words.unknown_reasons(audit)[0][2]
        yield Step(
            f"{ground.command} check {typed((pair.a, pair.b))}",
            "shows all evidence on one of the unknown pairs",
        )


def advise_on(audit: Audit, pair: Pair, ground: Ground) -> list[Step]:
    """Return what to do next about a pair on which hops might say more."""
    unvouched = audit.network.strength is Strength.WEAK
    return [_of_the_network(ground)] if unvouched and pair.evidence and not pair.strength else []


def _of_the_network(ground: Ground) -> Step:
    return Step(ground.same("network"), "says who could vouch for this network, and how to find out")


def _ways_out(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Name what shows hosts where hops don't."""
    platform = _platform(audit, ground)
    yield Step("", f"hops say nothing in this network: {platform.promises}")
    if platform.provider and ground.provider != platform.provider:
        yield Step("", f'[cloud] provider = "{platform.provider}" in {ground.file} reads them')
    elif platform.find_out and ground.provider not in PLATFORMS:
        yield Step("", platform.find_out)
    inside = _in_spread_groups(audit)
    outside = [name for name in audit.ids if name not in inside]
    if not platform.prepare or not outside:
        return
    if ground.launches:
        if ground.moves and audit.risk.running > audit.risk.need:
            ids = typed(outside) if inside else _arguments(audit, ground, outside, ".instances[].id")
            why = "puts them into a spread group, one at a time: stopped, placed anew, started"
            yield Step(f"{ground.command} move {ids}", why)
        return
    for command, why in () if inside else platform.prepare:
        yield Step(command.format(aws=ground.aws(), group=_group(audit, ground)), why)
    if platform.move:
        (instance,) = _instances(audit, outside[:1])
        yield from _steps(platform.move, instance, audit, ground)
        yield _again(audit, ground, f"after {instance.id}; then the next, one at a time")


def _spread(audit: Assessment, ground: Ground) -> Iterator[Step]:
    """Say what a host each would take, where the cluster survives without."""
    spread = audit.risk.spread
    if not spread:
        return
    survives = (
        "the cluster survives any one host" if audit.risk.survives else "this leaves one member on each"
    )
    if len(spread) > TYPED:
        yield Step("", f"{survives}; a host each would take {many(len(spread), 'move')}")
    else:
        yield from _moves(audit, ground, spread, ".risk.spread", f"{survives}; a host each, if you want it")


def _again(audit: Assessment, ground: Ground, purpose: str) -> Step:
    return Step(_audit(audit, ground), purpose)


def _audit(audit: Assessment, ground: Ground) -> str:
    return ground.same("audit" if isinstance(audit, Audit) else "audit --stated")


def _list_it(ground: Ground) -> str:
    if not ground.listed:
        return "name what you booted as well"
    return f"add what you booted to {ground.file}: [[instances]], with its id and address"


def _steps(
    commands: Sequence[tuple[str, str]], instance: Instance, audit: Assessment, ground: Ground
) -> Iterator[Step]:
    """Fill in command lines for one instance; where EC2's id of it isn't known, the first finds it out."""
    written = shlex.quote(instance.id)
    of_ec2 = any("{aws}" in command for command, _ in commands)
    if of_ec2 and ground.provider != "ec2" and not re.fullmatch(r"i-[0-9a-f]{8,17}", instance.id):
        named = f"Name=private-ip-address,Values={instance.address}"
        query = "--query 'Reservations[0].Instances[0].InstanceId' --output text"
        found = f"id=$({ground.aws()} describe-instances --filters {named} {query})"
        yield Step(found, f"how EC2 calls {instance.id}")
        written = '"$id"'
    for command, why in commands:
        line = command.format(aws=ground.aws(), group=_group(audit, ground), id=written)
        yield Step(line, why.format(id=instance.id))


def _group(audit: Assessment, ground: Ground) -> str:
    """Return the placement group to use: the one that is configured, else one of the cluster's own."""
    named = str(ground.settings.get("placement_group", ""))
    return shlex.quote(named if named not in ("", "auto") else f"keepapart-{audit.cluster}")


def _in_spread_groups(audit: Assessment) -> set[str]:
    return {i.id for i in audit.instances if i.fact("group") and i.fact("group_strategy") == "spread"}


def _instances(audit: Assessment, names: Sequence[str]) -> list[Instance]:
    there = {instance.id: instance for instance in audit.instances}
    return [there[name] for name in names]


def _platform(audit: Assessment, ground: Ground) -> Platform:
    return PLATFORMS.get(_platform_name(audit, ground), NONE)


def _platform_name(audit: Assessment, ground: Ground) -> str:
    """Name the platform: the provider, else what most members show or state; empty where neither is known."""
    if ground.provider in (*PLATFORMS, LAB):  # a lab shows what it plays
        return ground.provider
    stated = [instance.fact("platform") for instance in audit.instances]
    shown = (
        [name for sight in audit.sights for name in sight.platforms[:1]] if isinstance(audit, Audit) else []
    )
    seen = Counter(name for name in (*stated, *shown) if name)
    return seen.most_common(1)[0][0] if seen else ""
