"""A way in that breaks a rule is found out by it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence

import pytest

from keepapart.errors import ConfigError
from keepapart.model import Service
from keepapart.node.node import Want
from keepapart.reach import Climbed, NodeGroup, Roster, Sighting, Step, Surroundings
from keepapart.testing.reach import TRANSPORT_RULES, TransportRule, TransportUnderTest, rules

IDS = ("a", "b", "c")
RUNNING: list[str] = []  # the nodes that there are


class Nodes:
    """Nodes in memory that keep every rule: two hops apart, and nothing is lost."""

    def __init__(self, wheres: Mapping[str, str]) -> None:
        self.lost: dict[str, str] = {}
        self.wheres, self.ids, self.there = wheres, list[str](), list[str]()
        self.counts: dict[str, bytearray] = {}

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        for name, where in self.wheres.items():
            if where == "nowhere":
                self.lost[name] = "there is nothing"
            else:
                self.there.append(name)
                RUNNING.append(name)
        return {name: [port] if port else list(range(1, flows + 1)) for name in self.there}

    async def join(self, roster: Roster, key: bytes) -> None:  # noqa: ARG002  # nothing is sent anywhere
        self.ids = list(roster.ids)

    async def begin(self, first: int, samples: int) -> None:
        self.first = first
        self.counts = {name: bytearray(samples * len(self.ids)) for name in self.there}

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        for by in self.there:
            for sample, targets in wants.get(by, ()):
                for at in range(len(self.ids)) if targets is None else targets:
                    if self.ids[at] != by and self.ids[at] in self.there:
                        place = (sample - self.first) * len(self.ids) + self.ids.index(by)
                        self.counts[self.ids[at]][place] = 2

    async def report(self, settle: float) -> Mapping[str, bytes]:  # noqa: ARG002  # nothing straggles
        return {name: bytes(self.counts[name]) for name in self.there}

    async def watch(self, by: str, who: Sequence[str]) -> None:
        """Nothing arrives by itself."""

    async def climb(
        self,
        by: str,
        port: int,  # noqa: ARG002  # nothing is sent
        wants: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Sequence[Climbed]]:
        return {name: [(2, by)] * len(targets) for name, targets in wants.items() if name in self.there}

    async def arrived(self, port: int, tokens: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[bool]]:  # noqa: ARG002  # nothing is sent
        return {name: [True] * len(each) for name, each in tokens.items() if name in self.there}

    async def leave(self) -> None:
        """Nothing was climbed by."""

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        return {name: {"cpu": "some"} for name in self.there}

    async def metadata(self, wants: Mapping[str, Service]) -> Mapping[str, Mapping[str, str]]:
        return {name: {"id": "i-1"} for name in wants if name in self.there}

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        return {name: (True, []) for name in wants if name in self.there}

    async def routers(
        self,
        wants: Mapping[str, Sequence[Step]],
        again: bool = False,  # noqa: ARG002  # nothing is sent
    ) -> Mapping[str, Sequence[Sighting]]:
        return {name: [(0, "10.0.0.1", 3)] for name in wants if name in self.there}

    async def listen(self) -> None:
        """Nothing to do."""

    async def times(self, settle: float) -> Mapping[str, bytes]:  # noqa: ARG002  # nothing is sent
        return {name: struct.pack(f"<{len(self.ids)}d", *([0.001] * len(self.ids))) for name in self.there}

    async def close(self) -> None:
        for name in self.there:
            RUNNING.remove(name)
        self.there.clear()

    def die(self, name: str) -> None:
        self.lost[name] = "its node ended"
        self.there.remove(name)
        RUNNING.remove(name)


class Way:
    """A way in to such nodes."""

    def __init__(self, kind: type[Nodes]) -> None:
        self.kind = kind

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:  # noqa: ARG002  # nothing is sent
        if "nonsense" in wheres.values() and self.kind is not TakesNonsense:
            raise ConfigError("nonsense")
        return self.kind(wheres)

    async def close(self) -> None:
        """Nothing stays open."""


class OpensTooFew(Nodes):
    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        return dict(list((await super().open(port, flows)).items())[1:])


class OpensNoPorts(Nodes):
    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        return {name: [0] for name in await super().open(port, flows)}


class ChoosesItsPort(Nodes):
    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:  # noqa: ARG002  # nothing is sent
        return await super().open(0, flows)


class MissesOne(Nodes):
    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        await super().send({name: want for name, want in wants.items() if name != self.ids[0]})


class HearsItself(Nodes):
    async def report(self, settle: float) -> Mapping[str, bytes]:
        return {name: b"\2" * len(row) for name, row in (await super().report(settle)).items()}


class KeepsItsCounts(Nodes):
    async def begin(self, first: int, samples: int) -> None:
        before = self.counts
        await super().begin(first, samples)
        self.counts = {name: before.get(name, row)[: len(row)] for name, row in self.counts.items()}


class SendsToAll(Nodes):
    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        await super().send({name: [(s, None) for s, _ in want] for name, want in wants.items()})


class KnowsNoStrangers(Nodes):
    async def join(self, roster: Roster, key: bytes) -> None:
        await super().join(Roster([i for i in roster.ids if i in self.there], roster.places), key)

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        for name, want in wants.items():
            await super().send({name: [(sample, None) for sample, _ in want]})


class ClimbsOnce(Nodes):
    async def climb(
        self, by: str, port: int, wants: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Sequence[Climbed]]:
        return {name: counts[:1] for name, counts in (await super().climb(by, port, wants)).items()}


class ConfirmsOnce(Nodes):
    async def arrived(self, port: int, tokens: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[bool]]:
        return {name: said[:1] for name, said in (await super().arrived(port, tokens)).items()}


class TellsNumbers(Nodes):
    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        return {name: {"cpus": 4} for name in self.there}  # type: ignore[dict-item]  # the mistake


class TracesElsewhere(Nodes):
    async def routers(
        self, wants: Mapping[str, Sequence[Step]], again: bool = False
    ) -> Mapping[str, Sequence[Sighting]]:
        found = await super().routers(wants, again)
        return {name: [(7, address, times) for _, address, times in seen] for name, seen in found.items()}


class TimesShort(Nodes):
    async def times(self, settle: float) -> Mapping[str, bytes]:
        return {name: row[8:] for name, row in (await super().times(settle)).items()}


class LosesSilently(Nodes):
    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        found = await super().open(port, flows)
        self.lost.clear()
        return found


class TakesNonsense(Nodes):
    """The way in to it refuses nothing."""


class StopsWithOne(Nodes):
    def die(self, name: str) -> None:
        super().die(name)
        self.there.clear()


class ReportsForTheDead(Nodes):
    def die(self, name: str) -> None:
        self.lost[name] = "its node ended"


class StaysOpen(Nodes):
    async def close(self) -> None:
        self.there.clear()


class StaysOpenWhenCancelled(Nodes):
    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        RUNNING.append("half-open")
        await asyncio.sleep(0.03)
        RUNNING.remove("half-open")
        return await super().open(port, flows)


class ServesOnce(Nodes):
    served: set[str] = set()  # noqa: RUF012  # that it outlasts a round is the mistake

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        found = dict(await super().open(port, flows))
        left = {name: ports for name, ports in found.items() if name not in self.served}
        self.served.update(found)
        return left


BROKEN: Sequence[tuple[type[Nodes], TransportRule]] = [
    (OpensTooFew, rules.opens_a_node_on_each),
    (OpensNoPorts, rules.opens_a_node_on_each),
    (ChoosesItsPort, rules.receives_on_the_port_that_is_asked_for),
    (MissesOne, rules.counts_hops_between_all),
    (HearsItself, rules.counts_hops_between_all),
    (KeepsItsCounts, rules.turns_to_a_new_batch),
    (SendsToAll, rules.sends_what_it_is_asked_for_alone),
    (KnowsNoStrangers, rules.takes_part_with_those_reached_otherwise),
    (ClimbsOnce, rules.climbs_to_the_addresses_that_are_wanted),
    (ConfirmsOnce, rules.climbs_to_the_addresses_that_are_wanted),
    (TracesElsewhere, rules.tells_what_it_may_beside_the_counts),
    (TellsNumbers, rules.tells_what_it_may_beside_the_counts),
    (TimesShort, rules.tells_what_it_may_beside_the_counts),
    (LosesSilently, rules.loses_what_no_way_leads_to),
    (TakesNonsense, rules.refuses_what_can_not_be_meant),
    (StopsWithOne, rules.goes_on_without_a_node_that_died),
    (ReportsForTheDead, rules.goes_on_without_a_node_that_died),
    (StaysOpen, rules.leaves_nothing_behind),
    (StaysOpenWhenCancelled, rules.leaves_nothing_behind_when_interrupted),
    (ServesOnce, rules.serves_one_round_after_another),
]


@pytest.fixture(autouse=True)
def none_running() -> None:
    """Begin without nodes, whatever a broken one left."""
    RUNNING.clear()


def under_test(kind: type[Nodes]) -> TransportUnderTest:
    """Return the way in to nodes of this kind, with all that rules may need."""

    def die(group: NodeGroup, name: str) -> None:
        assert isinstance(group, Nodes)
        group.die(name)

    return TransportUnderTest(
        lambda: Way(kind),
        dict.fromkeys(IDS, ""),
        dict.fromkeys(IDS, "10.0.0.9"),
        port=4000,
        nowhere="nowhere",
        meaningless="nonsense",
        die=die,
        running=lambda: RUNNING,
        patience=0.1,
    )


@pytest.mark.parametrize("rule", TRANSPORT_RULES, ids=lambda rule: rule.__name__)
def test_a_way_in_may_be_of_any_kind(rule: TransportRule) -> None:
    """Nodes in memory keep every rule: none asks for more than the protocol does."""
    asyncio.run(rule(under_test(Nodes)))
    assert RUNNING == []


@pytest.mark.parametrize(("kind", "rule"), BROKEN, ids=lambda either: either.__name__)
def test_a_broken_rule_is_found_out(kind: type[Nodes], rule: TransportRule) -> None:
    """A way in with this one mistake fails by this rule."""
    with pytest.raises(AssertionError):
        asyncio.run(rule(under_test(kind)))


def test_every_rule_can_be_broken() -> None:
    """There is no rule that nothing breaks."""
    assert {rule for _, rule in BROKEN} == set(TRANSPORT_RULES)
