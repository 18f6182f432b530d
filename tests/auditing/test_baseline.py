"""Baseline: a network shown to be routed-host stays so only while it is plainly the same one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keepapart.auditing.assess import Audit, assess
from keepapart.auditing.baseline import Baseline
from keepapart.config import ClusterSettings
from keepapart.model import Instance, Verdict
from keepapart.probe.measured import Counts, Round, Tally
from keepapart.signals.hops import NetworkStatus


def picture(*rows: str) -> Counts:
    """Return hop counts from a picture, one digit a pair."""
    return np.array([[int(c) for c in row] for row in rows], np.uint8)


def members(ids: str) -> list[Instance]:
    """Return instances whose address follows from their id."""
    return [Instance(i, f"10.0.0.{ord(i)}") for i in ids]


def audited(
    ids: str, *rows: str, memory: Baseline | None = None, at: float = 0.0, model: str = "auto"
) -> Audit:
    """Audit instances at these hop counts with what is remembered."""
    memory = memory or Baseline()
    tally = Tally.of(np.repeat(picture(*rows)[None], 8, axis=0))
    return assess(
        members(ids),
        Round(tuple(ids), tally, {}),
        cluster=ClusterSettings(),
        model=model,
        earlier=memory.vouches(members(ids), tally.least),
        before=memory.past(members(ids), tally.least),
        at=at,
    )


ESTABLISHED = ("abc", "024", "204", "440")
ALONE = ("ac", "04", "40")


def shown() -> Baseline:
    """Return the memory of an audit that established its network."""
    return Baseline().after(audited(*ESTABLISHED), naming=True)


def test_what_was_established_separates_later() -> None:
    """With the pair at two hops gone, those who stayed are still separate, and the reason names the past."""
    found = audited(*ALONE, memory=shown())
    assert found.counts["separate"] == 1
    assert "established at 1970-01-01T00:00:00Z in this same network" in found.network.because


@pytest.mark.parametrize(
    ("ids", "rows"),
    [("ax", ("04", "40")), ("ac", ("06", "60")), ("xy", ("04", "40"))],
    ids=["one left", "other counts", "all new"],
)
def test_another_network_is_not_vouched_for(ids: str, rows: tuple[str, ...]) -> None:
    """Fewer than two of the instances of then, or counts that are not those of then: unknown."""
    assert audited(ids, *rows, memory=shown()).counts["unknown"] == 1


def test_an_instance_at_another_address_is_another_one() -> None:
    """An id alone doesn't make it the same instance."""
    moved = [Instance("a", "10.0.0.97"), Instance("c", "192.168.0.1")]
    assert shown().vouches(moved, picture("04", "40")) is None


def test_who_hid_behind_a_gateway_hides_when_nobody_is_at_two_hops_any_more() -> None:
    """e and f share a host behind a gateway each. With b and d gone it takes a and c to say that they may."""
    first = audited("abcdef", "024455", "204455", "440255", "442055", "555504", "555540")
    assert first.pair("e", "f").verdict is Verdict.UNKNOWN
    memory = Baseline().after(first, naming=True)
    later = audited("acef", "0455", "4055", "5504", "5540", memory=memory)
    assert later.network.standing is NetworkStatus.REMEMBERED
    assert later.pair("a", "c").verdict is Verdict.SEPARATE
    assert later.pair("e", "f").verdict is Verdict.UNKNOWN
    assert audited("ef", "04", "40", memory=memory).pair("e", "f").verdict is Verdict.UNKNOWN


def test_a_refutation_forgets_it() -> None:
    """Once two members share a link, nothing established before counts."""
    refuted = shown().after(audited("acd", "041", "404", "140", memory=shown()), naming=True)
    assert refuted.network is None


def test_what_only_rests_on_memory_is_not_remembered_anew() -> None:
    """An audit that leant on the past leaves the past as it was: its date doesn't creep forward."""
    memory = shown()
    assert memory.after(audited(*ALONE, memory=memory, at=9e9), naming=True).network == memory.network


def test_it_survives_the_store_s_json() -> None:
    """Written as JSON and read back, it vouches and names just the same."""
    again = Baseline.of(json.loads(json.dumps(shown().document())))
    assert again.vouches(members("ac"), picture("04", "40"))
    assert again.names == shown().names


def test_names_stay_with_their_hosts() -> None:
    """A host keeps its name when the instance that came first is gone."""
    found = audited("bcd", "044", "404", "440", memory=shown())
    assert found.domains.of("host") == ["host-1", "host-2", "host-3"]


RACKS = ("02446666", "20446666", "44026666", "44206666", "66660244", "66662044", "66664402", "66664420")


@pytest.mark.parametrize("model", ["auto", "routed-host"])
def test_racks_keep_their_names_when_one_instance_of_each_is_left(model: str) -> None:
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
    """Documents from when hosts and racks were all there was have their names, and no counts."""
    memory = Baseline().after(audited("abcdefgh", *RACKS), naming=True)
    document = memory.document()
    old = {key: document[key] for key in ("hosts", "racks", "network")}
    del old["network"]["spans"]
    found = Baseline.of(json.loads(json.dumps(old)))
    assert found.names == memory.names
    assert found.vouches(members("ae"), picture("06", "60"))
    assert audited("ae", "06", "60", memory=found).domains.of("rack") == [None, None]
