"""What an audit says, in words: the same sentences in a terminal and on a page. Pure.

The answer never says that members are apart while a pair is unknown: unknown is never separate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.changes import Changes, Move
from keepapart.auditing.pair_kinds import DOWN
from keepapart.auditing.project import GroupFinding
from keepapart.documents.changes import MoveEntry
from keepapart.domains.risk import Loss, losses, majority
from keepapart.model import STATED_LEVELS, Pair, Says, Verdict, many, timestamp
from keepapart.signals.network import NetworkStatus
from keepapart.signals.sources import PLATFORM, statements_of, weight_of
from keepapart.signals.stated import PLACEMENT

NAMED = 6  # in a phrase; more are counted

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


def answer(audit: Assessment) -> Answer:
    """Answer what is asked: does the cluster run, do members share a host, and what does that cost?"""
    if not audit.risk.quorate:
        lost = _no_quorum(audit)
        return Answer(Tone.BAD, f"{down(audit)}: {lost}" if audit.down else lost)
    found = _of_those_that_run(audit)
    if not audit.down:
        return found
    tone = Tone.OPEN if found.tone is Tone.GOOD else found.tone
    return Answer(tone, f"{down(audit)}; {found.text}")


def down(of: Assessment | GroupFinding) -> str:
    """Say which members don't run: "2 of 3 members are stopped"."""
    states = Counter(of.down.values())
    verb = "is" if states.total() == 1 else "are"
    share = f"{states.total():,} of {many(len(of.ids), 'member')} {verb}"
    if len(states) == 1:
        return f"{share} {next(iter(states))}"
    return f"{share} down ({', '.join(f'{count:,} {state}' for state, count in states.items())})"


def _no_quorum(audit: Assessment) -> str:
    risk = audit.risk
    if risk.by_majority:
        return "the cluster has no majority now"
    return (
        f"{risk.running:,} {'runs' if risk.running == 1 else 'run'} now, and the cluster needs {risk.need:,}"
    )


def _of_those_that_run(audit: Assessment) -> Answer:
    size, counts, unknown = audit.domains.running, audit.counts, audit.open_pairs
    shared = [host for host in audit.domains.hosts if len(host.members) > 1]
    open_pairs = f"{unknown:,} of {many(size * (size - 1) // 2, 'pair')} "
    open_pairs += "is unknown" if unknown == 1 else "are unknown"
    if shared:
        together = sum(len(host.members) for host in shared)
        where = "a host" if len(shared) == 1 else f"{len(shared):,} hosts"
        text = f"{together:,} of {size:,} members share {where}: losing {_loss(audit)}"
        return Answer(Tone.BAD, text + (f"; {open_pairs}" if unknown else ""))
    if unknown:
        if (would := audit.if_vouched) and (groups := would.suspected):
            who = "; ".join(listed(group) for group in groups[:3])
            more = f" and {len(groups) - 3} more groups" if len(groups) > 3 else ""
            text = f"{who}{more} probably share a host, if hosts are gateways here, which nobody vouches for"
            if isinstance(audit, Audit) and audit.network.by:
                text = f"{who}{more} probably share a host: nobody vouches for it that two hops are one"
            return Answer(Tone.OPEN, f"{text}: {open_pairs}")
        if not counts["separate"]:
            return Answer(Tone.OPEN, f"it is not known which members share a host: {open_pairs}")
        return Answer(Tone.OPEN, f"no two are known to share a host, but {open_pairs}")
    if audit.risk.unasked and size == 1:
        return Answer(
            Tone.OPEN, "one alone shares a host with nobody that was asked about: name two, or none"
        )
    if audit.risk.size == 1:
        return Answer(Tone.BAD, "there is only one member: if its host fails, the whole cluster fails")
    every = f"each of the other {size:,}" if audit.down else "every member"
    if audit.risk.unasked:
        every = f"each of these {size:,}"
    elif size == 1:
        every = "the other one"
    if audit.risk.survives is False:
        return Answer(
            Tone.BAD,
            f"{every} is on a host of its own, but {audit.risk.running} are too few to survive losing one",
        )
    return Answer(Tone.GOOD, f"{every} is on a host of its own")


def stakes(audit: Assessment) -> str:
    """Say whether the cluster survives the loss of any one host; what the largest rack, zone, … takes."""
    worst: dict[str, Loss] = {}
    for loss in losses(audit.domains, audit.risk):
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
    now = "not worked out for so many members" if audit.odds.most is None else percent(audit.odds.most)
    if audit.odds.most is not None:
        now = f"{'at most ' if audit.odds.now is None else ''}{now} as it is"
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
    if not risk.quorate:
        return f"The cluster is without its quorum now: it needs {risk.need:,}, and {_running(audit)}."
    known = max(len(risk.lost), min(1, risk.running))
    takes = _of_all(audit, known, risk.most)
    if risk.survives:
        bound = f": it takes at most {takes.rpartition(' to ')[2]}" if risk.most > known else ""
        return f"The cluster survives the loss of any one host{bound}."
    if risk.survives is None:
        may = _outcome(audit, risk.survives)
        others = f"the {risk.unasked:,} that weren't asked about" if risk.unasked else "unknown pairs"
        return f"Losing one host takes {takes}, as {others} may share one{may}."
    if not risk.worst:
        return "The cluster does not survive the loss of one host."
    return f"The cluster does not survive the loss of {risk.worst}, which takes {listed(risk.lost)}."


def _of_all(audit: Assessment, least: int, most: int) -> str:
    """Say how many are lost: "3 of 5", or "2 to 4 of 5" where it isn't known."""
    of = f"the {audit.risk.running:,} that run" if audit.risk.down else f"{audit.risk.size:,}"
    return f"{least:,}{f' to {most:,}' if most > least else ''} of {of}"


def _running(audit: Assessment) -> str:
    return f"{audit.risk.running:,} of {audit.risk.size:,} {'runs' if audit.risk.running == 1 else 'run'}"


def _outcome(audit: Assessment, survives: bool | None) -> str:
    """Say what becomes of the cluster then; nothing where it survives."""
    if survives:
        return ""
    may = " may" if survives is None else ""
    if audit.risk.by_majority:
        return f": the majority{may} go{'' if may else 'es'}"
    return f": fewer than {audit.risk.need}{may} live on"


def _loss(audit: Assessment) -> str:
    """Say of the worst known host what losing it takes."""
    risk = audit.risk
    least = "at least " if audit.open_pairs else ""
    takes = f"{risk.worst} takes {least}{len(risk.lost)}"
    if risk.survives:
        return f"{takes}, and the cluster survives that"
    if risk.survives is None:
        return takes
    if risk.running - len(risk.lost) < majority(risk.size):
        return f"{takes}, and the cluster loses its majority"
    return f"{takes}, more than the cluster is to survive"


def by_reason(reasons: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Gather ids by their reason: (reason, ids)."""
    found: dict[str, list[str]] = {}
    for name, because in reasons.items():
        found.setdefault(because, []).append(name)
    return list(found.items())


def move(found: Move | MoveEntry) -> str:
    """Say who moved, from where to where."""
    return f"{found.id} moved from {found.came_from} to {found.went_to}"


def changed(found: Changes) -> str:
    """Say in one line what changed since the audit before."""
    told = [move(one) for one in found.moved[:NAMED]]
    if len(found.moved) > NAMED:
        told.append(f"{len(found.moved) - NAMED:,} more moved")
    for names, what in (
        (found.joined, "joined"),
        (found.left, "left"),
        (found.stopped, "stopped"),
        (found.started, "started"),
    ):
        told += [f"{listed(names)} {what}"] if names else []
    pairs = [
        f"{abs(count):,} {'more' if count > 0 else 'fewer'} {verdict}"
        for verdict, count in found.verdicts.items()
    ]
    told += [f"pairs: {', '.join(pairs)}"] if pairs else []
    return f"since {found.since}: {'; '.join(told) or 'nothing changed'}"


def unknown_reasons(audit: Assessment) -> list[tuple[str, int, Pair]]:
    """Group unknown pairs of members that run by reason: (reason, how many, the first of them).

    The most frequent comes first.
    """
    found = []
    for number, kind in enumerate(audit.kinds.kinds):
        if kind.verdict is Verdict.UNKNOWN and kind != DOWN:
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
    if pair.evidence and all(piece.says is Says.SAME for piece in pair.evidence):
        return f"{pair.a} and {pair.b} probably share a host, but it is not sure: assume that they do"
    return f"it is unknown whether {pair.a} and {pair.b} share a host: assume that they do"


def basis(audit: Assessment) -> tuple[str, str, str]:
    """Return what the audit rests on: what it is about, what it is, and in more words."""
    if isinstance(audit, Audit):
        return "network", NETWORK[audit.network.standing], audit.network.because
    stated = Counter(
        (said.by, fact) for i in audit.instances for said in statements_of(i) for fact in said.facts
    )
    sources = dict.fromkeys(by for by, _ in stated)
    told = {by: ", ".join(_counted(stated, by)) for by in sources}
    of = [
        facts if by == PLATFORM else f"by {by}: {facts}{_of_when(audit, by)}"
        for by, facts in told.items()
        if facts
    ]
    return "facts", "stated facts alone", "; ".join(of) or "there are none"


def _of_when(audit: Assessment, by: str) -> str:
    """Say why what a source tells doesn't hold two apart; empty where all of it is of now."""
    statements = [said for i in audit.instances for said in statements_of(i) if said.by == by]
    times = [said.at for said in statements if not weight_of(said, audit.at).of_now]
    if not times:
        return ""
    known = [at for at in times if at is not None]
    when = f"read {timestamp(min(known))}" if known else "without a time"
    return f", {when}: who differs there may share a host by now"


def _counted(stated: Counter[tuple[str, str]], by: str) -> list[str]:
    """Say of how many members a source states each fact."""
    told = [(fact.replace("_", " "), stated[by, fact]) for fact in PLACEMENT]
    return [f"{fact} of {many(count, 'member')}" for fact, count in told if count]


def lost(audit: Assessment) -> str:
    """Say what is lacking of the instances of which nothing is known."""
    return "not reached" if isinstance(audit, Audit) else "without facts"


def listed(names: Sequence[str], most: int = NAMED, word: str = "and") -> str:
    """Join names into a phrase; beyond `most` they are only counted."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return f" {word} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
