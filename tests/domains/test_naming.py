"""Names of fault domains: the same from one audit to the next, as far as they are the same domains."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.naming import Names, assign, remember

Groups = list[list[str]]


def audits(*series: Groups) -> list[list[str]]:
    """Name a series of audits, each with what the one before left."""
    names, named = Names(), []
    for groups in series:
        named.append(assign(groups, "host", names))
        names = remember(dict(zip(named[-1], groups, strict=True)), names)
    return named


def test_the_first_audit_counts_from_one() -> None:
    """Without a past, names follow the order of the groups."""
    assert audits([["a"], ["b", "c"]]) == [["host-1", "host-2"]]


def test_order_and_newcomers_change_no_name() -> None:
    """The same hosts listed otherwise, with new instances among them, keep their names."""
    assert audits([["a"], ["b", "c"]], [["x"], ["c", "b", "y"], ["a"]])[1] == ["host-3", "host-2", "host-1"]


def test_a_split_host_s_name_stays_with_the_larger_part() -> None:
    """Of two groups that claim a name, the one with more of its instances has it."""
    assert audits([["a", "b", "c"]], [["a"], ["b", "c"]])[1] == ["host-2", "host-1"]


def test_who_returns_finds_its_name_again() -> None:
    """An instance that was away for an audit comes back to the name it had."""
    assert audits([["a"], ["b"]], [["b"]], [["a"], ["b"]])[2] == ["host-1", "host-2"]


def test_a_name_given_up_is_not_given_again() -> None:
    """A new host is not named after one that is gone."""
    assert audits([["a"], ["b"]], [["b"]], [["b"], ["z"]])[2] == ["host-2", "host-3"]


@given(st.lists(st.permutations("abcdef"), min_size=1, max_size=5), st.data())
def test_names_are_always_distinct_and_complete(series: list[list[str]], data: st.DataObject) -> None:
    """However instances regroup, every group has one name and no two share one."""
    named = []
    for order in series:
        cuts = sorted(data.draw(st.sets(st.integers(1, 5))))
        named.append([order[a:b] for a, b in zip([0, *cuts], [*cuts, 6], strict=True)])
    for groups, names in zip(named, audits(*named), strict=True):
        assert len(set(names)) == len(names) == len(groups)
