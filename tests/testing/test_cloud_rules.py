"""A cloud that breaks a rule is found out by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from keepapart.clouds import STOPPED, LaunchRequest, Listing
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from keepapart.model import Instance
from keepapart.testing import Fault, ManualClock, ProgrammableCloud
from keepapart.testing.clouds import CLOUD_RULES, CloudRule, CloudUnderTest, launching, listing


class LeavesOut(ProgrammableCloud):
    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        return super().instances(tags)[1:]


class ListsTwice(ProgrammableCloud):
    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        return [*super().instances(tags), *super().instances(tags)]


class DescribesLess(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        return {i: replace(found, address="") for i, found in super().describe(ids).items()}


class MakesUp(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        wanted = list(ids)
        return {i: Instance(i) for i in wanted} | dict(super().describe(wanted))


class SpellsOtherwise(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        found = super().describe(ids)
        return {**found, **{f"{i}-twin": replace(each, state="ACTIVE") for i, each in found.items()}}


class NamesFactsOtherwise(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        return {i: replace(found, facts={"hostId": "h"}) for i, found in super().describe(ids).items()}


class StatesEmptyFacts(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        return {i: replace(found, facts={"host": ""}) for i, found in super().describe(ids).items()}


class HandsOnTrimmed(ProgrammableCloud):
    def launch(self, request: LaunchRequest) -> Instance:
        return super().launch(replace(request, user_data=request.user_data.rstrip(b"\0")))


class ClosesAll(ProgrammableCloud):
    def close(self) -> None:
        for name in self.alive():
            self.set_state(name, STOPPED)
        for name in self.alive():
            self.set_state(name, "terminated")


class HidesFailures(ProgrammableCloud):
    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        try:
            return super().instances(tags)
        except CloudError:
            return []


class RaisesOthers(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        try:
            return super().describe(ids)
        except CloudError as error:
            raise ValueError("a client library's own") from error


class LaunchesUntagged(ProgrammableCloud):
    def launch(self, request: LaunchRequest) -> Instance:
        return super().launch(replace(request, tags={}))


class ListsByAnyTag(ProgrammableCloud):
    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        every = super().instances({})
        return [each for each in every if tags.items() & each.tags.items()]


class ListsByBeginnings(ProgrammableCloud):
    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        every = super().instances({})
        return [i for i in every if all(i.tags.get(k, "").startswith(v) for k, v in tags.items())]


class HasNoTokens(ProgrammableCloud):
    def launch(self, request: LaunchRequest) -> Instance:
        return super().launch(replace(request, token=f"{request.token} {len(self.all())}"))


class TakesAnyToken(ProgrammableCloud):
    def launch(self, request: LaunchRequest) -> Instance:
        return super().launch(replace(request, token=f"{request.token} {sorted(request.tags)}"))


class StopsOnce(ProgrammableCloud):
    def stop(self, instance_id: str) -> None:
        if self.all()[instance_id].state == STOPPED:
            raise CloudError("it is stopped already")
        super().stop(instance_id)


class StatesOldHosts(ProgrammableCloud):
    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        return {i: replace(found, facts={"host": "h"}) for i, found in super().describe(ids).items()}


class ReplacesTags(ProgrammableCloud):
    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        super().tag(instance_id, dict.fromkeys(self.all()[instance_id].tags, "") | dict(tags))


class OnlyStops(ProgrammableCloud):
    def terminate(self, instance_id: str) -> None:
        super().stop(instance_id)


class EndsOnlyWhatRuns(ProgrammableCloud):
    def terminate(self, instance_id: str) -> None:
        if self.all()[instance_id].state != STOPPED:
            super().terminate(instance_id)


class IgnoresTheUnknown(ProgrammableCloud):
    def terminate(self, instance_id: str) -> None:
        if instance_id in self.all():
            super().terminate(instance_id)


class FailsPlainly(ProgrammableCloud):
    def launch(self, request: LaunchRequest) -> Instance:
        try:
            return super().launch(request)
        except (CapacityError, RefusedError) as error:
            raise CloudError(str(error)) from error


class SaysNothing(ProgrammableCloud):
    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        try:
            super().tag(instance_id, tags)
        except NotFoundError:
            raise
        except CloudError:
            return


class ChoosesNumbers(ProgrammableCloud):
    def parameters(self, _: Mapping[str, str]) -> Mapping[str, str]:
        return {"partition": 3}  # type: ignore[dict-item]  # the mistake that is to be found

    def foresee(self, _: Mapping[str, str]) -> str:
        return ""


class IsSomewhere(ProgrammableCloud):
    def where(self) -> Mapping[str, str]:
        return {"region": ""}


class HasNoPrice(ProgrammableCloud):
    def price_per_hour(self) -> float:
        return nan


class Wanders(ProgrammableCloud):
    stays = "one that is stopped and started stays on its host"

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        host = f"host-{len(self.calls('start'))}"
        found = super().describe(ids)
        return {n: replace(i, facts={"host": host} if i.running else {}) for n, i in found.items()}


BROKEN: Sequence[tuple[type[ProgrammableCloud], CloudRule]] = [
    (LeavesOut, listing.lists_every_instance_once),
    (ListsTwice, listing.lists_every_instance_once),
    (DescribesLess, listing.describes_what_it_lists),
    (MakesUp, listing.leaves_out_what_it_does_not_know),
    (SpellsOtherwise, listing.names_states_as_the_protocol_does),
    (NamesFactsOtherwise, listing.states_facts_of_the_vocabulary),
    (StatesEmptyFacts, listing.states_facts_of_the_vocabulary),
    (ClosesAll, listing.closes_one_connection_alone),
    (HidesFailures, listing.says_that_it_can_not_be_asked),
    (RaisesOthers, listing.says_that_it_can_not_be_asked),
    (HidesFailures, listing.takes_no_part_of_a_list_for_all),
    (LaunchesUntagged, launching.launches_with_its_tags),
    (ListsByAnyTag, launching.lists_only_what_carries_all_tags),
    (ListsByBeginnings, launching.lists_only_what_carries_all_tags),
    (HasNoTokens, launching.returns_the_same_instance_for_the_same_token),
    (TakesAnyToken, launching.launches_nothing_else_for_a_used_token),
    (HasNoTokens, launching.finds_again_what_it_launched_unanswered),
    (StopsOnce, launching.stops_and_starts),
    (StatesOldHosts, launching.states_no_place_of_what_does_not_run),
    (Wanders, launching.keeps_the_host_where_it_says_so),
    (ReplacesTags, launching.sets_tags_and_leaves_others),
    (OnlyStops, launching.ends_what_it_terminates),
    (EndsOnlyWhatRuns, launching.ends_what_is_stopped),
    (IgnoresTheUnknown, launching.says_not_found_of_the_unknown),
    (FailsPlainly, launching.says_that_there_is_no_room),
    (FailsPlainly, launching.says_what_will_never_be_granted),
    (SaysNothing, launching.changes_nothing_that_it_can_not),
    (ChoosesNumbers, launching.chooses_what_can_be_journalled),
    (HasNoPrice, launching.knows_a_price_per_hour),
    (HandsOnTrimmed, launching.hands_on_user_data_as_it_is),
    (IsSomewhere, launching.knows_which_one_it_is),
]


@pytest.mark.parametrize(("broken", "rule"), BROKEN, ids=lambda either: getattr(either, "__name__", None))
def test_a_broken_rule_is_found_out(broken: type[ProgrammableCloud], rule: CloudRule, tmp_path: Path) -> None:
    """A cloud with this one mistake fails by this rule, and nothing that was launched is left."""
    clock = ManualClock()
    under_test = CloudUnderTest(
        lambda: broken(tmp_path / "cloud", clock=clock),
        full=_armed(Fault("launch", CapacityError("no room"), times=0)),
        refused=_armed(Fault("launch", RefusedError("never"), times=0)),
        failing=_armed(Fault("*", CloudError("down"), times=0)),
        cut_short=_armed(Fault("instances", CloudError("cut"), times=0)),
        unanswered=_armed(Fault("launch", CloudError("lost"), times=0, after=True)),
        handed=lambda instance_id: ProgrammableCloud(tmp_path / "cloud").handed(instance_id),
        patience=1.0,
        clock=clock,
        sleep=clock.sleep,
    )
    with pytest.raises((AssertionError, CloudError)), under_test as cloud:
        rule(cloud)
    left = ProgrammableCloud(tmp_path / "cloud").alive()
    assert not left or broken in (OnlyStops, EndsOnlyWhatRuns)


def test_every_rule_can_be_broken() -> None:
    """There is no rule that nothing breaks."""
    assert {rule for _, rule in BROKEN} == set(CLOUD_RULES)


def _armed(fault: Fault) -> Callable[[Listing], AbstractContextManager[None]]:
    @contextmanager
    def armed(cloud: Listing) -> Iterator[None]:
        assert isinstance(cloud, ProgrammableCloud)
        cloud.arm(fault)
        try:
            yield
        finally:
            cloud.clear()

    return armed
