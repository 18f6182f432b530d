"""Different domain ⇒ separate: of every format, of random audits, as its consumer reads it."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.errors import SharedError, UnknownError
from keepapart.exports import formats, map_of
from keepapart.exports.packing import packed
from keepapart.exports.sets import MemberSet, findings
from keepapart.model import Choice, MapLevel, Source, Statement, Verdict
from tests.exports.reading import READERS
from tests.report.audits import audit_of

FORMATS = formats()
NO_PLACES = {"kubernetes-spread", "patroni", "postgresql", "sets"}  # an example; what other tests hold
SLOW = {"hdfs-script", "ceph-hook"}  # each example starts processes


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """Draw an audit: who stands where, who is lost or down, what was not measured or is labelled, and how."""
    size = draw(st.integers(1, 7))
    numbers = range(size)
    where = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=size, max_size=size))
    pairs = list(combinations(numbers, 2))
    labels = draw(st.sampled_from([(), where, draw(st.permutations(where))]))  # none, true, or others'
    source = draw(st.sampled_from([Source.LABEL, Source.OWN, Source.METADATA]))
    return audit_of(
        where,
        pods=draw(st.sampled_from([(), (0, 0, 1), (0, 1, 2)])),
        lost=dict.fromkeys(
            [f"web-{i + 1}" for i in draw(st.sets(st.sampled_from(numbers), max_size=1))], "lost"
        ),
        missing=draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else (),
        states=draw(st.sampled_from([(), ["running"] * (size - 1) + ["stopped"]])),
        facts=draw(
            st.sampled_from(
                [(), [{"zone": f"z{rack}", "platform": "p", "project": "q"} for rack, _ in where]]
            )
        ),
        said=[[Statement(source, "who says", {"host": f"{rack}-{host}"})] for rack, host in labels],
        model=draw(st.sampled_from(["routed-host", "routed-host", "auto", "opaque"])),
    )


def test_every_format_is_read_here() -> None:
    """A format that nothing reads back would be held by nothing."""
    assert READERS.keys() == FORMATS.keys() - NO_PLACES


@pytest.mark.parametrize("name", READERS)
def test_different_places_are_separate(name: str) -> None:
    """Whatever is chosen but the operator's own word: of two places that differ, the verdict is separate."""
    form = FORMATS[name]

    @settings(
        max_examples=8 if name in SLOW else 30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(audits(), st.sampled_from(form.choices), st.sampled_from(form.row.levels))
    def holds(audit: Audit, unknown: Choice, level: MapLevel) -> None:
        if name in SLOW | {"ceph"} and level != "host":
            level = "host"
        try:
            found = map_of(audit, level, unknown, form.choices)
        except UnknownError:
            assert unknown in ("refuse", "leave-out")
            return
        if form.row.packs:
            found = packed(found, str(min(2, len(found.domains))), {})
        places = READERS[name](form.render(found, packed=form.row.packs))
        of = {i.address if i.address in places else i.id: i.id for i in audit.instances}
        assert places.keys() <= of.keys()
        if unknown != "leave-out":
            assert len(places) == len(audit.ids)
        for a, b in combinations(places, 2):
            if places[a] != places[b]:
                ruled = audit.pair(of[a], of[b]).verdict
                assert ruled is Verdict.SEPARATE or (unknown == "apart" and ruled is Verdict.UNKNOWN)
            elif form.row.packs:
                continue  # racks join what is separate
            elif unknown in ("refuse", "leave-out") and level == "host":
                assert audit.pair(of[a], of[b]).verdict is Verdict.CO_RESIDENT

    holds()


@given(audits())
@settings(deadline=None, max_examples=50)
def test_refused_exactly_where_a_pair_is_unknown(audit: Audit) -> None:
    """With no unknown pair there is a map; with one there is none, and one of the two is named."""
    unknown = [{a, b} for a, b in combinations(audit.ids, 2) if audit.pair(a, b).verdict is Verdict.UNKNOWN]
    if not unknown:
        assert map_of(audit).left_out == ()
        return
    with pytest.raises(UnknownError) as refused:
        map_of(audit)
    assert all(any(name in str(refused.value) for name in pair) for pair in unknown)


@given(audits())
@settings(deadline=None, max_examples=50)
def test_names_of_domains_are_unlike(audit: Audit) -> None:
    """Two domains never have one name, at any level, whatever is chosen."""
    for level in ("host", "rack", "zone"):
        for unknown in ("merge", "apart"):
            found = map_of(audit, level, unknown)
            assert len({domain.name for domain in found.domains}) == len(found.domains)
            assert sorted(i for domain in found.domains for i in domain.instances) == sorted(audit.ids)


@given(audits(), st.integers(1, 7), st.sampled_from(["refuse", "merge"]))
@settings(deadline=None, max_examples=50)
def test_a_set_survives_only_what_may_not_be_on_one_host(audit: Audit, need: int, unknown: Choice) -> None:
    """Whoever any member may share its host with is counted as lost with it."""
    try:
        found = map_of(audit, "host", unknown)
    except UnknownError:
        return
    for each in findings(found, [MemberSet("all", list(audit.ids), need)]):
        for a in audit.ids:
            near = [b for b in audit.ids if b == a or audit.pair(a, b).verdict is not Verdict.SEPARATE]
            assert len(near) <= len(each.lost)
            assert not each.survives or len(audit.ids) - len(near) >= need


@given(audits(), st.sampled_from(["refuse", "merge"]))
@settings(deadline=None, max_examples=50)
def test_a_synchronous_standby_is_separate_from_its_primary(audit: Audit, unknown: Choice) -> None:
    """PostgreSQL waits only for who is separate from the one that asks; so are Patroni's leaders."""
    try:
        found = map_of(audit, "host", unknown)
    except UnknownError:
        return
    try:
        written = FORMATS["postgresql"].render(found)
    except SharedError:
        assert len(found.domains) == 1
    else:
        for name, text in written.items():
            for other in re.findall(r'"([^"]+)"', text.splitlines()[-1]):
                assert audit.pair(name, other).verdict is Verdict.SEPARATE
    leaders = [name for name, text in FORMATS["patroni"].render(found).items() if "nosync: false" in text]
    assert len(leaders) == len(found.domains)
    assert all(audit.pair(a, b).verdict is Verdict.SEPARATE for a, b in combinations(leaders, 2))
