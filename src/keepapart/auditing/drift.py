"""Labels that don't match what is measured any more, as where a machine migrated. Pure.

1. A label is whatever isn't said of now (`sources.weight_of`), facts that were read earlier among it; and
   what keepapart wrote. Measured is what the same round shows without any: a wrong one can refute a network.
2. A label doesn't match where it states two values of two members that are on one host, or one host of two
   that are apart. Values are compared as `sources.COMPARED` has it, within one source alone.
3. Of those between whom it doesn't match, the fewest are told that explain it: who is in most such pairs
   first. Where that can't be told, as of two alone, it is either's, and both are.
4. What differs from another source already is told as that, and not again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask
from keepapart.judging.judge import PairJudgement
from keepapart.model import Fact, Instance, Source
from keepapart.signals.sources import COMPARED, Difference, Said, Stated, View, weight_of
from keepapart.signals.stated import host_names

MEASURED = "what is measured"
NAMED = 4  # members in a sentence


def drifted(
    instances: Sequence[Instance], known: Stated, judged: PairJudgement, measured: PairJudgement
) -> list[Difference]:
    """List what labels state of members that doesn't match what is `measured`; `judged` are the verdicts."""
    return [
        found
        for view in labels(known)
        for fact in COMPARED
        if fact in view.states
        for found in _of_fact(instances, view, fact, measured, judged)
    ]


def labels(known: Stated) -> list[View]:
    """Return the sources that are labels (rule 1) and state what can be held against anything."""
    others = [view for view in known.views if not view.weight.of_now]
    return [view for view in (*others, *known.own) if view.states & COMPARED.keys()]


def without_labels(instances: Sequence[Instance], now: float) -> list[Instance]:
    """Return the instances as if nobody had written any label."""
    return [
        replace(one, said=[said for said in one.said if weight_of(said, now).of_now]) if one.said else one
        for one in instances
    ]


def _of_fact(
    instances: Sequence[Instance], view: View, fact: Fact, measured: PairJudgement, judged: PairJudgement
) -> Iterator[Difference]:
    """Yield the members of which one source states what isn't so."""
    values = host_names(view) if fact == "host" else view.known(fact)
    at = np.flatnonzero([value is not None for value in values])
    terms = list(zip(values, *(view.column(term) for term in COMPARED[fact]), strict=True))
    told, scopes = _numbered([terms[i] for i in at]), _numbered([terms[i][1:] for i in at])
    same_value, in_terms = told[:, None] == told, scopes[:, None] == scopes
    here = np.ix_(at, at)
    split = measured.co_resident[here] & in_terms & ~same_value
    joined = measured.separate[here] & same_value if fact == "host" else np.zeros_like(split)
    for n in _fewest(split | joined):
        i = int(at[n])
        mates, apart = ([int(at[m]) for m in np.flatnonzero(pairs[n])] for pairs in (split, joined))
        same, other = judged.co_resident[i], judged.separate[i]
        by_measure = bool(same[mates].all() and other[apart].all())
        by_label = bool(other[mates].all() and same[apart].all())
        first = Said(MEASURED, None, _found(judged.ids, values, mates, apart), None, by_measure)
        second = Said(view.by, _source(instances[i], view), values[i] or "", view.times.get(i), by_label)
        yield Difference(instances[i].id, fact, first, second)


def _fewest(conflicts: Mask) -> list[int]:
    """List who explains all conflicts: the one in most of them, then of what is left; equals together."""
    left, found = conflicts.copy(), []
    while (counts := left.sum(axis=1)).any():
        worst = np.flatnonzero(counts == counts.max())
        found += worst.tolist()
        left[worst, :] = left[:, worst] = False
    return sorted(found)


def _found(
    ids: Sequence[str], values: Sequence[str | None], mates: Sequence[int], apart: Sequence[int]
) -> str:
    """Say where one is: what is stated of those on its host, and who they are; else from whom it is apart."""
    if not mates:
        return f"apart from {_some(ids, apart)}"
    value, _ = Counter(values[j] for j in mates).most_common(1)[0]
    return f"{value}, with {_some(ids, [j for j in mates if values[j] == value])}"


def _source(instance: Instance, view: View) -> Source:
    return next(said.source for said in instance.said if said.by == view.by)


def _numbered(values: Sequence[object]) -> npt.NDArray[np.intp]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.intp)


def _some(ids: Sequence[str], places: Sequence[int]) -> str:
    named = ", ".join(ids[i] for i in places[:NAMED])
    return named if len(places) <= NAMED else f"{named} and {len(places) - NAMED} more"
