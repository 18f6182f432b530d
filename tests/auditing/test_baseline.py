"""Baseline: a network shown to be routed-host stays so only while it is plainly the same one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from keepapart.auditing.assess import Audit, assess
from keepapart.auditing.baseline import OLD, Baseline
from keepapart.model import Controls, Instance, Verdict
from keepapart.probe.measured import Counts, Extras, Round, Tally
from keepapart.settings import ClusterSettings
from keepapart.signals.network import Voucher


def picture(*rows: str) -> Counts:
    """Return hop counts from a picture, one digit a pair."""
    return np.array([[int(c) for c in row] for row in rows], np.uint8)


def told(ids: str) -> Extras:
    """Return extras in which every instance tells a machine id of its own."""
    guests = [{"machine": f"machine-{i}"} for i in ids]
    return replace(Extras.nothing(len(ids)), own_address=[True] * len(ids), guests=guests)


def members(ids: str) -> list[Instance]:
    """Return instances whose address follows from their id."""
    return [Instance(i, f"10.0.0.{ord(i)}") for i in ids]


def audited(
    ids: str,
    *rows: str,
    memory: Baseline | None = None,
    at: float = 0.0,
    model: str = "auto",
    same: Sequence[tuple[str, str]] = (),
    extras: Extras | None = None,
) -> Audit:
    """Audit instances at these hop counts with what is remembered; `same` are controls."""
    memory = memory or Baseline()
    tally = Tally.of(np.repeat(picture(*rows)[None], 8, axis=0))
    measured = Round(tuple(ids), tally, {}, extras or told(ids))
    return assess(
        members(ids),
        measured,
        cluster=ClusterSettings(),
        model=model,
        controls=Controls(same),
        prior=memory.network_prior(members(ids), measured, at),
        before=memory.domain_prior(members(ids), measured),
        at=at,
    )


# Four hosts of two, all as far: that four known pairs are all at two hops is no accident.
PAIRS = (("a", "b"), ("c", "d"), ("e", "f"), ("g", "h"))
HOSTS = ("02444444", "20444444", "44024444", "44204444", "44440244", "44442044", "44444402", "44444420")
ALONE = ("ac", "04", "40")


def shown() -> Baseline:
    """Return the baseline of an audit whose controls vouched for its network."""
    return Baseline().after(audited("abcdefgh", *HOSTS, same=PAIRS), naming=True)


def test_what_controls_vouched_for_separates_later() -> None:
    """With the pairs at two hops gone, those who stayed are still separate, and the reason names the past."""
    found = audited(*ALONE, memory=shown())
    assert found.counts["separate"] == 1
    assert found.network.by is Voucher.BASELINE
    assert "vouched for at 1970-01-01T00:00:00Z in this same network" in found.network.because


def test_of_who_came_since_nobody_has_vouched() -> None:
    """What was shown of one rack's hosts needn't be of another's: a newcomer's pairs are unknown."""
    found = audited("acx", "044", "404", "440", memory=shown())
    assert found.network.by is Voucher.BASELINE
    assert found.pair("a", "c").verdict is Verdict.SEPARATE
    assert found.counts["unknown"] == 2
    assert any("came since" in one.because for one in found.pair("a", "x").evidence)


@pytest.mark.parametrize(
    ("ids", "rows"),
    [("ax", ("04", "40")), ("ac", ("06", "60")), ("xy", ("04", "40"))],
    ids=["one left", "other counts", "all new"],
)
def test_another_network_is_not_vouched_for(ids: str, rows: tuple[str, ...]) -> None:
    """Fewer than two of the instances of then, or counts that are not those of then: unknown."""
    assert audited(ids, *rows, memory=shown()).counts["unknown"] == 1


@pytest.mark.parametrize("guests", [[{}, {}], [{"machine": "machine-a"}, {"machine": "another"}]])
def test_ids_and_addresses_are_no_identity(guests: list[dict[str, str]]) -> None:
    """Who tells no machine id, or another than then, may be in another network of the same names: unknown."""
    extras = replace(told("ac"), guests=guests)
    assert audited(*ALONE, memory=shown(), extras=extras).counts["unknown"] == 1


def test_a_machine_id_that_several_tell_is_no_identity() -> None:
    """Clones of one image tell one id, wherever they are: the network has to be vouched for anew."""
    first = replace(told("abcdefgh"), guests=[{"machine": "the image's"}] * 8)
    memory = Baseline().after(audited("abcdefgh", *HOSTS, same=PAIRS, extras=first), naming=True)
    later = replace(told("ac"), guests=[{"machine": "the image's"}] * 2)
    assert audited(*ALONE, memory=memory, extras=later).counts["unknown"] == 1


@pytest.mark.parametrize("at", [OLD + 1, -1.0])
def test_nobody_s_word_is_believed_for_ever(at: float) -> None:
    """After a month, or by a clock that was set back, the network has to be vouched for anew."""
    assert audited(*ALONE, memory=shown(), at=at).counts["unknown"] == 1


@pytest.mark.parametrize("model", ["routed-host"])
def test_the_operator_is_asked_anew_each_time(model: str) -> None:
    """What only the configuration said of the network is no longer so once it says it no more."""
    memory = Baseline().after(audited("abcdefgh", *HOSTS, model=model), naming=True)
    assert audited(*ALONE, memory=memory).counts["unknown"] == 1


@pytest.mark.parametrize("telling", [True, False], ids=["the same machines", "machines that tell nothing"])
def test_who_hid_behind_a_gateway_hides_when_nobody_is_at_two_hops_any_more(telling: bool) -> None:
    """e and f share a host behind a gateway each. With b and d gone it takes a and c to say that they may."""

    def later(ids: str, *rows: str) -> Audit:
        extras = None if telling else replace(told(ids), guests=[{}] * len(ids))
        return audited(ids, *rows, memory=memory, model="routed-host", extras=extras)

    memory = Baseline()
    first = later("abcdef", "024455", "204455", "440255", "442055", "555504", "555540")
    assert first.pair("e", "f").verdict is Verdict.UNKNOWN
    memory = Baseline().after(first, naming=True)
    found = later("acef", "0455", "4055", "5504", "5540")
    assert found.pair("a", "c").verdict is Verdict.SEPARATE
    assert found.pair("e", "f").verdict is Verdict.UNKNOWN


def test_a_refutation_forgets_it() -> None:
    """Once two members share a link, nothing that was vouched for before counts."""
    refuted = shown().after(audited("acd", "041", "404", "140", memory=shown()), naming=True)
    assert refuted.network is None


def test_what_only_rests_on_memory_is_not_remembered_anew() -> None:
    """An audit that leant on the past leaves the past as it was: its date doesn't creep forward."""
    memory = shown()
    assert memory.after(audited(*ALONE, memory=memory, at=9e9), naming=True).network == memory.network


def test_it_survives_the_store_s_json() -> None:
    """Written as JSON and read back, it vouches and names just the same."""
    again = Baseline.of(json.loads(json.dumps(shown().document())))
    assert audited(*ALONE, memory=again).network.by is Voucher.BASELINE
    assert again.names == shown().names


def test_names_stay_with_their_hosts() -> None:
    """A host keeps its name when the instance that came first is gone."""
    found = audited("bcd", "044", "404", "440", memory=shown(), model="routed-host")
    assert found.domains.of("host") == ["host-1", "host-2", "host-5"]


RACKS = ("02446666", "20446666", "44026666", "44206666", "66660244", "66662044", "66664402", "66664420")


def test_racks_keep_their_names_when_one_instance_of_each_is_left(model: str = "routed-host") -> None:
    """What told racks from what is beyond them is remembered, however the network came to be known."""
    ids = "abcdefgh"
    first = audited(ids, *RACKS, model=model)
    memory = Baseline.of(json.loads(json.dumps(Baseline().after(first, naming=True).document())))
    left = audited("ae", "06", "60", memory=memory, model=model)
    assert left.domains.of("rack") == ["rack-1", "rack-2"]
    assert left.domains.of("rack") == [first.domains.of("rack")[k] for k in (0, 4)]
    again = memory.after(left, naming=True)
    assert audited("ac", "04", "40", memory=again, model=model).domains.of("rack") == ["rack-1", "rack-1"]


def test_racks_keep_their_names_while_one_instance_moves() -> None:
    """c moves from a's rack to one of its own: what told racks apart is known by the pairs that stayed."""
    memory = Baseline().after(audited("abcdefgh", *RACKS, model="routed-host"), naming=True)
    moved = audited("ace", "066", "606", "660", memory=memory, model="routed-host")
    assert moved.domains.of("rack") == ["rack-1", "rack-3", "rack-2"]
    after = memory.after(moved, naming=True)
    again = audited("ace", "066", "606", "660", memory=after, model="routed-host")
    assert again.domains.of("rack") == ["rack-1", "rack-3", "rack-2"]


def test_another_network_s_counts_make_no_racks() -> None:
    """Two who are not where they were are six hops apart: of their racks nothing is known."""
    memory = Baseline().after(audited("abcdefgh", *RACKS, model="routed-host"), naming=True)
    assert audited("xy", "06", "60", memory=memory, model="routed-host").domains.of("rack") == [None, None]


def test_what_an_older_keepapart_kept_is_read() -> None:
    """Documents from when counts alone decided have their names, and vouch for nothing."""
    memory = Baseline().after(audited("abcdefgh", *RACKS, model="routed-host"), naming=True)
    document = memory.document()
    old = {key: document[key] for key in ("hosts", "racks", "network")}
    old["network"] |= {"because": "established", "places": [place[:2] for place in old["network"]["places"]]}
    del old["network"]["spans"], old["network"]["at"]
    found = Baseline.of(json.loads(json.dumps(old)))
    assert found.names == memory.names
    assert audited("ae", "06", "60", memory=found).counts["unknown"] == 1
