"""The judge where every signal is `LabelTestimony`: a million instances, and no array of all pairs. Pure.

The rules are those of `judgement`, and this is how it keeps them:
1. A *label chain* is the set of instances connected by equal labels of at least the given strength, even if
   other labels contradict the connection. Of two instances in different chains no signal says same, so labels
   alone say whether they are separate.
2. A chain that no label as strong contradicts is a group of co-resident instances.
3. Any other chain is judged pair by pair, by `judge`, unless it has more than `LIMIT` instances. Of a larger
   one only what is conclusive is kept: its conclusive chains without contradiction, and what tells those
   apart. All other pairs in it are unknown.
4. A group carries a label over to all its members (rule 4 of `judgement`) where every member that a signal
   knows has the same label. Where members have different labels, each keeps only its own.
The second halves of 3 and 4 are all that `judge` may know and that is unknown here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes, either
from keepapart.judging.judgement import Contradiction
from keepapart.judging.label_chains import Chains, batches, chains, contradictions, unchained
from keepapart.judging.label_counts import alike
from keepapart.judging.label_judgement import LabelJudgement, Settled, judge_some
from keepapart.judging.labelling import Labelling
from keepapart.model import Strength
from keepapart.signals import LabelTestimony

LIMIT = 1024  # instances of a chain that is judged pair by pair
BATCH = 256  # instances of several chains judged at once: more would be slower, as all pairs are made


def judge_by_label(
    ids: Sequence[str], testimonies: Sequence[LabelTestimony], assurance: Strength
) -> LabelJudgement:
    """Weigh all testimonies of the instances `ids`.

    Equal labels may only ever say same and different ones only different, as with every signal there is;
    raises `ValueError` otherwise.
    """
    if any(t.if_equal < 0 or t.if_different > 0 for t in testimonies):
        raise ValueError("equal labels that say different, or different ones that say same")
    alone = unchained(len(ids))
    firm = chains(testimonies, Strength.CONCLUSIVE, alone, alone.of)
    firm_groups = either(firm.torn, alone.of, firm.of)
    whole = chains(testimonies, Strength.STRONG, firm, firm_groups)
    small = whole.torn & (whole.sizes <= LIMIT)
    torn = whole.torn & ~small
    by_pair = _by_pair(ids, testimonies, assurance, whole, small)
    firm_groups = either(small, by_pair.firm_groups, firm_groups)
    groups = either(small, by_pair.groups, either(torn, firm_groups, whole.of))
    conclusive, strong = _settled(testimonies, (firm.of, whole.of), (firm_groups, groups))
    within = np.where(small, by_pair.possible, whole.sizes)
    if torn.any():
        within[torn] = _possible_in_torn(conclusive, whole, torn)
    settled = conclusive if assurance is Strength.CONCLUSIVE else strong
    return LabelJudgement(
        ids,
        testimonies,
        assurance,
        conclusive,
        strong,
        small,
        torn,
        within=within,
        possible=within + _possible_beyond(settled, whole),
        contradictions=[*contradictions(testimonies, whole, firm_groups, torn), *by_pair.contradictions],
    )


@dataclass(frozen=True, slots=True)
class _ByPair:
    """What `judge` says of those whose chains it was asked about; the others are alone in it.

    `firm_groups` and `groups` [n] number who is co-resident conclusively, and at all; `possible` [n] counts
    those of its chain that each is not separate from.
    """

    firm_groups: Labels
    groups: Labels
    possible: Sizes
    contradictions: Sequence[Contradiction]


def _by_pair(
    ids: Sequence[str],
    testimonies: Sequence[LabelTestimony],
    assurance: Strength,
    whole: Chains,
    wanted: Mask,
) -> _ByPair:
    """Judge the chains of the wanted instances pair by pair."""
    firm_groups, groups = (np.arange(len(ids), dtype=np.int32) for _ in range(2))
    possible: Sizes = np.ones(len(ids), np.int64)
    contradictions = []
    for members in batches(whole, wanted, BATCH):
        found = judge_some(ids, testimonies, assurance, members)
        together = whole.of[members][:, None] == whole.of[members]
        possible[members] = (together & ~found.separate).sum(axis=1)
        for numbers, strength in ((firm_groups, Strength.CONCLUSIVE), (groups, Strength.STRONG)):
            same = found.weights >= strength
            np.fill_diagonal(same, val=True)
            numbers[members] = members[same.argmax(axis=1)]  # the first of its group
        for one in found.contradictions:
            joined = frozenset(members[list(one.members)].tolist())
            contradictions.append(
                Contradiction(int(members[one.i]), int(members[one.j]), one.strength, joined)
            )
    return _ByPair(firm_groups, groups, possible, contradictions)


def _settled(
    testimonies: Sequence[LabelTestimony], chain_of: tuple[Labels, Labels], groups: tuple[Labels, Labels]
) -> tuple[Settled, Settled]:
    """Return what is settled conclusively, and what at least strongly."""
    known = {number: Labelling.of(testimony) for number, testimony in enumerate(testimonies)}
    settled = []
    for strength, chain, group in zip((Strength.CONCLUSIVE, Strength.STRONG), chain_of, groups, strict=True):
        separating = [number for number, t in enumerate(testimonies) if t.if_different <= -strength]
        known |= {number: known[number].carried_over(group) for number in separating}
        settled.append(Settled(chain, group, {number: known[number] for number in separating}))
    conclusive, strong = settled
    return conclusive, strong


def _possible_in_torn(conclusive: Settled, whole: Chains, torn: Mask) -> Sizes:
    """Count for those of torn chains whom they may share a host with of their own chain: all of it but those
    of other conclusive chains that conclusive labels tell apart.
    """
    known = [Labelling(one.labels[torn], one.scope_of) for one in conclusive.labellings.values()]
    beyond = alike(known, whole.of[torn]) - alike(known, conclusive.chains[torn])
    sizes: Sizes = np.bincount(conclusive.chains).astype(np.int64)
    return beyond + sizes[conclusive.chains[torn]]


def _possible_beyond(settled: Settled, whole: Chains) -> Sizes:
    """Count for each whom it may share a host with of other chains: those that no label tells apart."""
    known = list(settled.labellings.values())
    return alike(known, np.zeros_like(whole.of)) - alike(known, whole.of)
