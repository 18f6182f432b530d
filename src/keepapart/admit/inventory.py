"""What the platform shows of a cluster now: the other thing, beside the journal, that decisions rest on.

Lists and tags lag on real platforms. So whoever the journals know as a member is described by id and is one
whatever its tags show, unless they say a word that no run ever wrote: another cluster, or another role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from keepapart.admit.state import State
from keepapart.clouds import (
    ATTEMPT_TAG,
    CANDIDATE,
    CLUSTER_TAG,
    MEMBER,
    ROLE_TAG,
    RUN_TAG,
    STOPPED,
)
from keepapart.model import Instance

SPARE_TAG = "keepapart:spare"  # the operator's own, or to be kept: only ever stopped, never terminated
YES = "yes"
UNSEEN = "not shown"  # the state of a member that joined lately, and that the platform doesn't know yet


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every instance of the cluster that isn't terminated, by id.

    `joined` are members by the journals of earlier runs; `gone` says of instances that were asked for by id
    why they are no members, whatever a journal says: the platform's own word, or the operator's by a tag.
    """

    instances: Mapping[str, Instance]
    joined: frozenset[str] = frozenset()
    gone: Mapping[str, str] = field(default_factory=dict)

    def members(self, state: State) -> tuple[Instance, ...]:
        """Those that are members, by a journal or by their tag."""
        own = {a.id for a in state.joined}
        found = (i for i in self.instances.values() if i.id not in state.released)
        return tuple(i for i in found if self.is_member(i) or i.id in own)

    def is_member(self, instance: Instance) -> bool:
        """Say whether it is a member, by the journal of an earlier run or by its tag."""
        return is_member(instance) or (instance.id in self.joined and instance.id not in self.gone)

    def unseen(self, excused: Collection[str]) -> tuple[str, ...]:
        """Name the members that the platform doesn't show, those left out that are excused."""
        return tuple(i for i, x in self.instances.items() if x.state == UNSEEN and i not in excused)

    def of_attempt(self, run: str, number: int) -> tuple[Instance, ...]:
        """The instances that carry this attempt's tags, by id."""
        found = (i for i in self.instances.values() if i.tags.get(RUN_TAG) == run)
        return tuple(sorted((i for i in found if i.tags.get(ATTEMPT_TAG) == str(number)), key=lambda i: i.id))

    def startable(self) -> tuple[Instance, ...]:
        """The stopped instances that may be started as candidates."""
        return tuple(i for i in self.instances.values() if may_be_started(i) and not self.is_member(i))


def unshown(ids: Iterable[str]) -> str:
    """Say in words that the platform doesn't show these members; nothing where there are none."""
    names = ", ".join(sorted(ids))
    return f"nobody knows whether {names} is there, since the platform doesn't show it" if names else ""


def is_member(instance: Instance) -> bool:
    """Say whether the instance is tagged as a member."""
    return instance.tags.get(ROLE_TAG) == MEMBER


def is_candidate(instance: Instance) -> bool:
    """Say whether the instance is tagged as a candidate."""
    return instance.tags.get(ROLE_TAG) == CANDIDATE


def is_spare(instance: Instance) -> bool:
    """Say whether the instance is to be stopped rather than terminated."""
    return instance.tags.get(SPARE_TAG) == YES


def claimed(instance: Instance, cluster: str) -> str:
    """Say in words what its tags say that no run wrote there, so that it is another's; else nothing.

    Tags that don't show, or show what was so before, say nothing.
    """
    if instance.tags.get(CLUSTER_TAG, cluster) != cluster:
        return f"it carries the tag of cluster {instance.tags[CLUSTER_TAG]!r}"
    if instance.tags.get(ROLE_TAG, MEMBER) not in (MEMBER, CANDIDATE):
        return f"its role is {instance.tags[ROLE_TAG]!r}, by its tag"
    return ""


def may_be_started(instance: Instance) -> bool:
    """Say whether it is a stopped instance of the cluster, no member, and nothing that a run left behind."""
    left_behind = RUN_TAG in instance.tags and not is_spare(instance)
    return instance.state == STOPPED and not is_member(instance) and not left_behind
