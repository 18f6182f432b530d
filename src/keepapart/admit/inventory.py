"""What the platform shows of a cluster now: the other thing, beside the journal, that decisions rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keepapart.admit.state import State
from keepapart.clouds import ATTEMPT_TAG, CANDIDATE, MEMBER, ROLE_TAG, RUN_TAG, STOPPED
from keepapart.model import Instance

SPARE_TAG = "keepapart:spare"  # the operator's own, or to be kept: only ever stopped, never terminated
YES = "yes"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every instance that carries the cluster's tag and isn't terminated, by id."""

    instances: Mapping[str, Instance]

    def members(self, state: State) -> tuple[Instance, ...]:
        """Those that are members, by their tag or (the tag may be slow to show) by the journal."""
        joined = {a.id for a in state.joined}
        return tuple(i for i in self.instances.values() if is_member(i) or i.id in joined)

    def of_attempt(self, run: str, number: int) -> tuple[Instance, ...]:
        """The instances that carry this attempt's tags, by id."""
        found = (i for i in self.instances.values() if i.tags.get(RUN_TAG) == run)
        return tuple(sorted((i for i in found if i.tags.get(ATTEMPT_TAG) == str(number)), key=lambda i: i.id))

    def startable(self) -> tuple[Instance, ...]:
        """The stopped instances that may be started as candidates."""
        return tuple(i for i in self.instances.values() if may_be_started(i))


def is_member(instance: Instance) -> bool:
    """Say whether the instance is tagged as a member."""
    return instance.tags.get(ROLE_TAG) == MEMBER


def is_candidate(instance: Instance) -> bool:
    """Say whether the instance is tagged as a candidate."""
    return instance.tags.get(ROLE_TAG) == CANDIDATE


def is_spare(instance: Instance) -> bool:
    """Say whether the instance is to be stopped rather than terminated."""
    return instance.tags.get(SPARE_TAG) == YES


def may_be_started(instance: Instance) -> bool:
    """Say whether it is a stopped instance of the cluster, no member, and nothing that a run left behind."""
    left_behind = RUN_TAG in instance.tags and not is_spare(instance)
    return instance.state == STOPPED and not is_member(instance) and not left_behind
