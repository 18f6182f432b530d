"""What an audit says, in words: the same sentences in a terminal and on a page. Pure.

The answer never says that members are apart while a pair is unknown: unknown is never separate.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.domains.fault_domains import STATED_LEVELS, Domain
from keepapart.domains.risk import Loss, losses
from keepapart.model import Pair, Verdict
from keepapart.signals.network import NetworkStatus
from keepapart.signals.stated import PLACEMENT

TYPED = 6  # ids that somebody would still type after a command

NETWORK = {
    NetworkStatus.VOUCHED: "routed-host, vouched for",
    NetworkStatus.UNVOUCHED: "unvouched: hops speak only weakly",
    NetworkStatus.REFUTED: "not routed-host: hops say nothing",
    NetworkStatus.OPAQUE: "opaque, as configured: hops say nothing",
}


class Tone(Enum):
    """How an answer sounds."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence and its tone."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A fault domain as it is drawn, or what is in none that is known of its level: `name` is None then.

    `inner` are the places of the level below; `hosts` all hosts in it, a host itself for one.
    """

    level: str
    name: str | None
    hosts: Sequence[Domain]
    inner: Sequence[Branch] = ()

    @property
    def title(self) -> str:
        """Its name, or that none is known."""
        return self.name or f"no {self.level} known"

    @property
    def holds(self) -> str:
        """What it holds, counted: "2 racks, 4 hosts, 5 members"."""
        counted = [many(len(self.inner), place.level) for place in self.inner[:1] if place.level != "host"]
        members = sum(len(host.members) for host in self.hosts)
        return ", ".join([*counted, many(len(self.hosts), "host"), many(members, "member")])


def answer(audit: Assessment) -> Answer:
    """Answer the question that was asked: do members share a host, and what does that cost?"""
    size, counts = len(audit.ids), audit.counts
    shared = [host for host in audit.domains.hosts if len(host.members) > 1]
    open_pairs = f"{counts['unknown']:,} of {many(sum(counts.values()), 'pair')} "
    open_pairs += "is unknown" if counts["unknown"] == 1 else "are unknown"
    if shared:
        together = sum(len(host.members) for host in shared)
        where = "a host" if len(shared) == 1 else f"{len(shared):,} hosts"
        text = f"{together:,} of {size:,} members share {where}: losing {_loss(audit)}"
        return Answer(Tone.BAD, text + (f"; {open_pairs}" if counts["unknown"] else ""))
    if counts["unknown"]:
        if (would := audit.if_vouched) and (groups := would.suspected):
            who = "; ".join(listed(group) for group in groups[:3])
            more = f" and {len(groups) - 3} more groups" if len(groups) > 3 else ""
            text = f"{who}{more} probably share a host, if hosts are gateways here, which nobody vouches for"
            return Answer(Tone.OPEN, f"{text}: {open_pairs}")
        if not counts["separate"]:
            return Answer(Tone.OPEN, f"it is not known which members share a host: {open_pairs}")
        return Answer(Tone.OPEN, f"no two are known to share a host, but {open_pairs}")
    if size == 1:
        return Answer(Tone.BAD, "there is only one member: if its host fails, the whole cluster fails")
    if audit.risk.survives is False:
        return Answer(
            Tone.BAD, f"every member is on a host of its own, but {size} are too few to survive losing one"
        )
    return Answer(Tone.GOOD, "every member is on a host of its own")


def stakes(audit: Assessment) -> str:
    """Say whether the cluster survives the loss of any one host; what the largest rack, zone, … takes."""
    worst: dict[str, Loss] = {}
    for loss in losses(audit.domains, audit.risk.need):
        if loss.level != "host" and (loss.level not in worst or loss.lost > worst[loss.level].lost):
            worst[loss.level] = loss
    alike: dict[str, list[str]] = {}
    for loss in worst.values():
        alike.setdefault(taken(audit, loss), []).append(called(loss.level, loss.name))
    takes = (f"Losing {listed(names, word='or')} takes {what}." for what, names in alike.items())
    return " ".join([_survival(audit), *takes])


def taken(audit: Assessment, loss: Loss) -> str:
    """Say what the loss of a whole domain takes: "3 of 5: the majority goes"."""
    return f"{_of_all(audit, loss.lost, loss.most)}{_outcome(audit, loss.survives)}"


def called(level: str, name: str) -> str:
    """Call a domain so that its level is plain: "zone eu-1a", "fault domain 1 of eu-1a"; "all of rack-1"."""
    return f"{level.replace('_', ' ')} {name}" if level in STATED_LEVELS else f"all of {name}"


def odds(audit: Assessment) -> str:
    """Say how probable it is that the cluster is without quorum at some moment of a year."""
    spread = f"{percent(audit.odds.spread)} with a host each"
    now = "not known as it is" if audit.odds.now is None else f"{percent(audit.odds.now)} as it is"
    return f"chance to be without quorum at some moment: {now}, {spread}"


def percent(share: float) -> str:
    """Write a share so that what is small doesn't read as nothing, nor what is nearly all as all."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if share < 1e-6:
        return "under 0.0001%"
    if share > 0.999:
        return "over 99.9%"
    return f"{share:.1%}" if share >= 0.01 else f"{share * 100:.2g}%"


def _survival(audit: Assessment) -> str:
    risk = audit.risk
    known = max(len(risk.lost), min(1, len(audit.instances)))
    takes = _of_all(audit, known, risk.most)
    if risk.survives:
        bound = f": it takes at most {takes.rpartition(' to ')[2]}" if risk.most > known else ""
        return f"The cluster survives the loss of any one host{bound}."
    if risk.survives is None:
        may = _outcome(audit, risk.survives)
        return f"Losing one host takes {takes}, as unknown pairs may share one{may}."
    if not risk.worst:
        return "The cluster does not survive the loss of one host."
    return f"The cluster does not survive the loss of {risk.worst}, which takes {listed(risk.lost)}."


def _of_all(audit: Assessment, least: int, most: int) -> str:
    """Say how many are lost: "3 of 5", or "2 to 4 of 5" where it isn't known."""
    return f"{least:,}{f' to {most:,}' if most > least else ''} of {len(audit.instances):,}"


def _outcome(audit: Assessment, survives: bool | None) -> str:
    """Say what becomes of the cluster then; nothing where it survives."""
    if survives:
        return ""
    may = " may" if survives is None else ""
    if audit.risk.need == len(audit.instances) // 2 + 1:
        return f": the majority{may} go{'' if may else 'es'}"
    return f": fewer than {audit.risk.need}{may} live on"


def _loss(audit: Assessment) -> str:
    """Say of the worst known host what losing it takes."""
    risk, size = audit.risk, len(audit.ids)
    least = "at least " if audit.counts["unknown"] else ""
    takes = f"{risk.worst} takes {least}{len(risk.lost)}"
    if risk.survives:
        return f"{takes}, and the cluster survives that"
    if risk.survives is None:
        return takes
    if size - len(risk.lost) < size // 2 + 1:
        return f"{takes}, and the cluster loses its majority"
    return f"{takes}, more than the cluster is to survive"


def places(audit: Assessment) -> list[Branch]:
    """Nest all hosts in racks, racks in pods and so on; what is in none comes last, level by level."""
    at = audit.domains.at
    found = [Branch("host", host.name, [host]) for host in at["host"]]
    rest: list[Branch] = []
    for level in list(at)[1:] or ["rack"]:
        made = at.get(level, ())
        inside = {part for domain in made for part in domain.parts}
        if left := [place for number, place in enumerate(found) if number not in inside]:
            rest.insert(0, _holding(level, None, left))
        found = [_holding(level, domain.name, [found[part] for part in domain.parts]) for domain in made]
    return found + rest


def _holding(level: str, name: str | None, inner: Sequence[Branch]) -> Branch:
    return Branch(level, name, [host for place in inner for host in place.hosts], inner)


def unplaced(audit: Assessment) -> list[int]:
    """List the instances that no verdict places on a host, by index."""
    return [i for i, host in enumerate(audit.domains.of("host")) if host is None]


def unknown_reasons(audit: Assessment) -> list[tuple[str, int, Pair]]:
    """Group unknown pairs by reason, most frequent first: (reason, how many, the first of them)."""
    found = []
    for number, kind in enumerate(audit.kinds.kinds):
        if kind.verdict is Verdict.UNKNOWN:
            (first,) = audit.kinds.first(number, 1)
            found.append((kind.because, audit.kinds.pairs[number], audit.judgement.pair(*first)))
    return sorted(found, key=lambda reason: -reason[1])


def contradictions(audit: Assessment) -> list[str]:
    """Put every contradiction into words."""
    ids = audit.ids
    found = [
        f"{found.strength.label} evidence puts {ids[found.i]} and {ids[found.j]} on one host, and equally"
        f" strong evidence on different ones: every pair among"
        f" {listed([ids[k] for k in sorted(found.members)])} that rests on it is unknown"
        for found in audit.judgement.contradictions
    ]
    return [*found, *(f"{because}: no {level}s are named" for level, because in audit.missing_levels)]


def of_pair(pair: Pair) -> str:
    """Say in one sentence what a verdict means."""
    if pair.verdict is Verdict.CO_RESIDENT:
        return f"{pair.a} and {pair.b} are on one host: when it fails, both fail"
    if pair.verdict is Verdict.SEPARATE:
        return f"{pair.a} and {pair.b} are on different hosts"
    return f"it is unknown whether {pair.a} and {pair.b} share a host: assume that they do"


def basis(audit: Assessment) -> tuple[str, str, str]:
    """Return what the audit rests on: what it is about, what it is, and in more words."""
    if isinstance(audit, Audit):
        return "network", NETWORK[audit.network.standing], audit.network.because
    stated = Counter(fact for i in audit.instances for fact in i.facts if i.running)
    of = [f"{fact.replace('_', ' ')} of {many(stated[fact], 'member')}" for fact in PLACEMENT if stated[fact]]
    return "facts", "stated facts alone", ", ".join(of) or "there are none"


def lost(audit: Assessment) -> str:
    """Say what is lacking of the instances of which nothing is known."""
    return "not reached" if isinstance(audit, Audit) else "without facts"


def next_step(audit: Assessment) -> tuple[str, str]:
    """Return the command to type next, and what it is for."""
    again = "keepapart audit" if isinstance(audit, Audit) else "keepapart audit --stated"
    if replace := audit.risk.replace:
        few = len(replace) <= TYPED
        ids = shlex.join(replace) if few else f"$({again} --json | jq -r '.risk.replace[]')"
        return f"keepapart replace {ids}", "leaves one member on each known host"
    if not isinstance(audit, Audit):
        return "keepapart audit", "measures whether it is so, and what facts leave open"
    if audit.lost:
        return "keepapart audit", f"once there is a way in to {listed(list(audit.lost))}"
    if audit.network.standing is NetworkStatus.UNVOUCHED and audit.counts["unknown"]:
        return "keepapart network", "says who could vouch for this network, and how to find out"
    if found := unknown_reasons(audit):
        pair = found[0][2]
        return (
            f"keepapart check {shlex.join((pair.a, pair.b))}",
            "shows all evidence on one of the unknown pairs",
        )
    return "keepapart history", "shows what audits found before, and who moved since"


def listed(names: Sequence[str], most: int = TYPED, word: str = "and") -> str:
    """Join names into a phrase; beyond `most` they are only counted."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return f" {word} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def many(number: int, thing: str) -> str:
    """Count things: "1 host", "2 hosts"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
