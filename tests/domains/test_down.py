"""What is down counts as down: on no host, lost already, and no cluster without its quorum is well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.assessment import odds
from keepapart.domains.fault_domains import Domains, domains
from keepapart.domains.risk import losses, needed, risk
from keepapart.domains.yearly import yearly
from keepapart.judging.judge import judge
from keepapart.model import Strength
from keepapart.settings import RiskSettings
from keepapart.signals import PairTestimony

RATES = RiskSettings()


def placed(hosts: Sequence[int], down: Sequence[int] = (), silent: Sequence[int] = ()) -> Domains:
    """Return the domains of members on these hosts, of whom some are down and some say nothing."""
    at = np.array(hosts)
    weights = np.where(at[:, None] == at, 2, -2).astype(np.int8)
    np.fill_diagonal(weights, 0)
    for i in (*down, *silent):
        weights[i, :] = weights[:, i] = 0
    ids = [f"web-{k}" for k in range(len(hosts))]
    judgement = judge(ids, [PairTestimony("s", weights, lambda _i, _j: "…")], Strength.STRONG)
    reached = [i not in (*down, *silent) for i in range(len(hosts))]
    return domains(judgement, None, reached, down=down)


def test_two_of_three_stopped_is_no_quorum() -> None:
    """One of three runs: there is no majority now, and no loss is survived; the chance of it is certainty."""
    found = placed([0, 1, 2], down=[1, 2])
    told = risk(["a", "b", "c"], found, [True, False, False], "majority")
    assert (told.need, told.running, list(told.down)) == (2, 1, ["b", "c"])
    assert (told.quorate, told.survives) == (False, False)
    assert odds(found, told, RATES).now == 1.0


def test_one_of_three_stopped_leaves_nothing_to_lose() -> None:
    """Two of three run, on hosts of their own: quorate, and the loss of either is fatal, which is known."""
    found = placed([0, 1, 2], down=[2])
    told = risk(["a", "b", "c"], found, [True, True, False], "majority")
    assert (told.quorate, told.survives, told.most) == (True, False, 1)
    assert [(loss.name, loss.lost, loss.most, loss.survives) for loss in losses(found, told)] == [
        ("host-1", 1, 1, False),
        ("host-2", 1, 1, False),
    ]


def test_one_of_five_stopped_leaves_nothing_open() -> None:
    """Who is down can't be on anybody's host: the other four are placed, and the loss of one is survived."""
    found = placed(range(5), down=[4])
    told = risk("abcde", found, [True] * 4 + [False], "majority")
    assert (told.survives, told.most, len(found.hosts)) == (True, 1, 4)


def test_who_doesn_t_answer_may_be_anywhere() -> None:
    """Of twenty, three that say nothing may be on one host with any other: at most four are lost."""
    found = placed(range(20), silent=[0, 1, 2])
    told = risk([f"web-{k}" for k in range(20)], found, [False] * 3 + [True] * 17, "majority")
    assert (told.survives, told.most, len(told.lost)) == (True, 4, 1)


@settings(max_examples=300)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.data())
def test_the_fewest_moves_are_the_fewest(hosts: list[int], data: st.DataObject) -> None:
    """After `replace` moved to hosts of their own any one host may go, and no fewer moves do.

    Where no moves suffice, because too few run, all but what must be back in any case is left to them.
    """
    size = len(hosts)
    down = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=size - 1)))
    survive = data.draw(st.one_of(st.just("majority"), st.integers(1, size)))
    up = [i for i in range(size) if i not in down]
    ids = [str(i) for i in range(size)]
    found = risk(ids, placed(hosts, down), [i in up for i in range(size)], survive)
    spare = len(up) - needed(survive, size)

    def survives(moved: Sequence[int]) -> bool:
        left = Counter(hosts[i] for i in up if i not in moved)
        return max([*left.values(), *(1 for _ in moved)], default=0) <= spare

    moved = [int(name) for name in found.replace]
    assert set(found.replace) <= set(found.spread)
    if spare >= 1:
        assert survives(moved)
        assert not any(survives(fewer) for k in range(len(moved)) for fewer in combinations(up, k))


def test_five_hundred_need_no_host_each() -> None:
    """Of 500 members two to a host the majority survives any host, and nobody has to move for it."""
    hosts = [i // 2 for i in range(500)]
    found = risk([str(i) for i in range(500)], placed(hosts), [True] * 500, "majority")
    assert (found.survives, list(found.replace), len(found.spread)) == (True, [], 250)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_the_odds_are_bounded_wherever_the_silent_are(hosts: list[int], data: st.DataObject) -> None:
    """Whatever hosts those who don't answer are on, the chance to lose quorum is no more than the bound."""
    size = len(hosts)
    silent = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    down = [i for i in sorted(data.draw(st.sets(st.integers(0, size - 1)))) if i not in silent]
    need = data.draw(st.integers(1, size))
    there = placed(hosts, down, silent)
    stakes = risk(
        [str(i) for i in range(size)], there, [i not in (*down, *silent) for i in range(size)], need
    )
    found = odds(there, stakes, RATES)
    sizes = [*Counter(host for i, host in enumerate(hosts) if i not in down).values()]
    true = yearly(sizes, need, RATES.host_failures_per_year, RATES.hours_to_replace)
    assert found.most is not None
    assert true <= found.most * (1 + 1e-3)
    if not silent:
        assert found.now == found.most == true
