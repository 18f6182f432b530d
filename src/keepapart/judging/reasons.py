"""Why a verdict is what it is, in words: rule by rule as `judgement` numbers them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.judging.judgement import Contradiction
from keepapart.model import Evidence, Pair, Says, Strength, Verdict


def reasoned(
    ids: Sequence[str],
    i: int,
    j: int,
    weight: int,
    evidence: list[Evidence],
    assurance: Strength,
    contradictions: Sequence[Contradiction],
) -> Pair:
    """Return the verdict on instances `i` and `j` by their settled weight (rules 2 and 3), and its reason.

    Where a weight is settled, some of `evidence` is as strong and says the same.
    """
    evidence.sort(key=lambda e: -e.strength)
    a, b = ids[i], ids[j]
    if weight > 0:
        says, verdict = Says.SAME, Verdict.CO_RESIDENT
    elif weight <= -assurance:
        says, verdict = Says.DIFFERENT, Verdict.SEPARATE
    else:
        because = _why_unknown(ids, i, j, evidence, assurance, contradictions)
        return Pair(a, b, Verdict.UNKNOWN, None, because, tuple(evidence))
    strength = Strength(abs(weight))
    because = next(e.because for e in evidence if e.says is says and e.strength == strength)
    return Pair(a, b, verdict, strength, because, tuple(evidence))


def chained(ids: Sequence[str], chain: Sequence[int], strength: Strength) -> Evidence:
    """Say that a chain of co-resident pairs joins its ends (rule 4)."""
    names = " and ".join(ids[k] for k in chain)
    return Evidence("closure", Says.SAME, strength, f"a chain of co-resident pairs joins {names}")


def carried(ids: Sequence[str], i: int, j: int, a: int, b: int, strength: Strength) -> Evidence:
    """Say that `i` and `j` are apart because `a` and `b`, on the hosts of each, are (rule 4)."""
    parts = [f"{ids[k]} is co-resident with {ids[m]}" for k, m in ((i, a), (j, b)) if k != m]
    because = " and ".join(parts) + f", and {ids[a]} and {ids[b]} are on different hosts"
    return Evidence("closure", Says.DIFFERENT, strength, because)


def _why_unknown(
    ids: Sequence[str],
    i: int,
    j: int,
    evidence: Sequence[Evidence],
    assurance: Strength,
    contradictions: Sequence[Contradiction],
) -> str:
    for found in contradictions:
        if i in found.members and j in found.members:
            return (
                f"a chain of {found.strength.label} evidence puts {ids[found.i]} and {ids[found.j]} on one"
                " host, and equally strong evidence on different ones: the chain can't be trusted"
            )
    if not evidence:
        return "no signal says anything about this pair"
    first = evidence[0]
    for other in evidence:
        if other.strength == first.strength and other.says is not first.says:
            return (
                f"{first.signal} says {first.says.value} and {other.signal} says {other.says.value},"
                f" both {first.strength.label}"
            )
    if first.says is Says.SAME and first.strength is Strength.WEAK:
        return f"suspected: {first.signal} says same, but only weakly: {first.because}"
    if first.says is Says.SAME:
        return f"{first.signal} says same, but other evidence on these hosts contradicts it: {first.because}"
    if first.strength < assurance:
        return f"{first.signal} says different, but only {first.strength.label}ly: {first.because}"
    return f"{first.signal} says different, but other evidence on these hosts contradicts it: {first.because}"
