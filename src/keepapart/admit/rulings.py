"""Rulings: from a round's pairs to what becomes of each candidate. Pure.

1. A candidate that shares a host with a member is turned down. So is one that shares a host with a member due
   to be replaced, because that member might stay. Exception: it may replace exactly that member, unless
   that one is kept.
2. A candidate that isn't known to be separate from a member is *undecided* if every such pair was measured
   and only the network's kind isn't established yet: it is held, and judged again in the next round. If one
   of these pairs has no evidence at all, or one of the two has no way in, the candidate is turned down:
   further rounds would bring none.
3. Of the rest, the largest mutually separate set is kept, at most as many as are wanted. Each of the others
   is turned down if it shares a host with one that is kept, and is undecided if not.
4. Each candidate that is kept replaces one of the members that are to go: the one whose host it shares, if
   any; else first those that can't be measured, because nothing can be known to be separate from them. A
   candidate that isn't known to be separate from one of them, its own or another, is recorded with it, and
   that is reported if the member stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import UNSET

from keepapart.admit import events as e
from keepapart.admit.steps import Check
from keepapart.domains.clique import heaviest_clique
from keepapart.model import Pair, Verdict

Between = Callable[[str, str], Pair | None]
ALONE = "there is no member yet to share a host with"


def judge(
    step: Check, pairs: Iterable[Pair], gone: Mapping[int, str], absent: Mapping[str, str], trouble: str
) -> e.Judged:
    """Judge a round.

    `gone` says by attempt why candidates didn't take part, `absent` by id why members and candidates that run
    didn't, `trouble` why other pairs are missing.
    """
    known = {frozenset((p.a, p.b)): p for p in pairs}

    def between(a: str, b: str) -> Pair | None:
        return known.get(frozenset((a, b)))

    rulings = {n: e.Ruling(n, "", e.TURNED_DOWN, because) for n, because in gone.items()}
    eligible: dict[int, str] = {}
    for number, name in step.candidates.items():
        if number not in gone:
            ruling = _alone(number, name, step, between, absent, trouble)
            if ruling:
                rulings[number] = ruling
            else:
                eligible[number] = name
    kept = _best(eligible, step, between)
    unmeasured = tuple(r for r in step.leaving if _all_unknown(r, step, between, gone))
    places = _places(kept, step, between, unmeasured)
    against = (*step.against, *kept.values())
    for number, name in eligible.items():
        if number in kept:
            rulings[number] = _kept(number, name, step, between, places[number])
        else:
            rulings[number] = _not_kept(number, name, kept.values(), between, absent, trouble)
    return e.Judged(tuple(rulings[n] for n in sorted(rulings)), against, unmeasured)


def _alone(
    number: int, name: str, step: Check, between: Between, absent: Mapping[str, str], trouble: str
) -> e.Ruling | None:
    """Judge a candidate by the members alone; None where nothing speaks against it."""
    together = [o for o in (*step.against, *step.leaving) if _says(between(name, o)) is Verdict.CO_RESIDENT]
    in_its_place = len(together) == 1 and together[0] not in step.against and not step.kept
    beside = [] if in_its_place else together
    if beside:
        because = f"shares a host with {beside[0]}: {_because(between(name, beside[0]))}"
        return e.Ruling(number, Verdict.CO_RESIDENT.value, e.TURNED_DOWN, because, shares=beside[0])
    rivals = [other for other in step.candidates.values() if other != name and name in absent]
    return _unknown(number, name, (*step.against, *rivals), between, absent, trouble)


def _unknown(
    number: int,
    name: str,
    others: Iterable[str],
    between: Between,
    absent: Mapping[str, str],
    trouble: str,
) -> e.Ruling | None:
    doubtful = [o for o in others if _says(between(name, o)) is Verdict.UNKNOWN]
    if not doubtful:
        return None
    unmeasured = [o for o in doubtful if not _measured(between(name, o)) or name in absent or o in absent]
    other = (unmeasured or doubtful)[0]
    because = absent.get(name) or absent.get(other) or _because(between(name, other)) or trouble
    then: e.Then = e.TURNED_DOWN if unmeasured else e.UNDECIDED
    because = f"can't tell whether it shares a host with {other}: {because}"
    return e.Ruling(number, Verdict.UNKNOWN.value, then, because)


def _best(eligible: Mapping[int, str], step: Check, between: Between) -> dict[int, str]:
    numbers, names = list(eligible), list(eligible.values())
    places = [_shared(a, step, between) for a in names]

    def both(i: int, j: int) -> bool:
        rivals = bool(places[i]) and places[i] == places[j]  # for one place, whatever is said of the two
        return i != j and not rivals and _says(between(names[i], names[j])) is Verdict.SEPARATE

    apart = [sum(1 << j for j in range(len(names)) if both(i, j)) for i in range(len(names))]
    best = heaviest_clique(apart, [1] * len(names), enough=step.wanted)
    return {numbers[i]: names[i] for i in best.members[: step.wanted]}


def _not_kept(
    number: int, name: str, kept: Iterable[str], between: Between, absent: Mapping[str, str], trouble: str
) -> e.Ruling:
    """Judge a candidate that isn't kept by those that are."""
    for other in kept:
        if _says(between(name, other)) is Verdict.CO_RESIDENT:
            because = f"shares a host with {other}: {_because(between(name, other))}"
            return e.Ruling(number, Verdict.CO_RESIDENT.value, e.TURNED_DOWN, because)
    ruling = _unknown(number, name, kept, between, absent, trouble)
    because = "on a host of its own, but no more members are wanted"
    return ruling or e.Ruling(number, Verdict.SEPARATE.value, e.UNDECIDED, because)


def _places(
    kept: Mapping[int, str], step: Check, between: Between, unmeasured: Sequence[str]
) -> dict[int, str]:
    """Say for whom each of those kept stands in; for nobody where the cluster only grows."""
    free = [*step.absent, *unmeasured, *(r for r in step.leaving if r not in unmeasured)]
    places = {number: _shared(name, step, between) for number, name in kept.items()}
    free = [r for r in free if r not in places.values()]
    return {number: place or (free.pop(0) if free else "") for number, place in places.items()}


def _shared(name: str, step: Check, between: Between) -> str:
    """Name the leaving member whose host the candidate shares, if any: there is one at most here."""
    return next((r for r in step.leaving if _says(between(name, r)) is Verdict.CO_RESIDENT), "")


def _kept(number: int, name: str, step: Check, between: Between, place: str) -> e.Ruling:
    shares = _shared(name, step, between)
    others = [r for r in (*step.absent, *step.leaving) if r != shares]
    unproven = tuple(r for r in others if _says(between(name, r)) is not Verdict.SEPARATE)
    because = f"on another host than {', '.join(step.against)}" if step.against else ALONE
    return e.Ruling(number, Verdict.SEPARATE.value, e.KEPT, because, place, unproven, shares or UNSET)


def _all_unknown(other: str, step: Check, between: Between, gone: Mapping[int, str]) -> bool:
    asked = [name for number, name in step.candidates.items() if number not in gone]
    return bool(asked) and not any(_measured(between(name, other)) for name in asked)


def _says(pair: Pair | None) -> Verdict:
    return pair.verdict if pair else Verdict.UNKNOWN


def _measured(pair: Pair | None) -> bool:
    return pair is not None and (pair.verdict is not Verdict.UNKNOWN or bool(pair.evidence))


def _because(pair: Pair | None) -> str:
    return pair.because if pair else ""
