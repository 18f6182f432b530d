"""Plan: what an admission would do, with nothing launched, started or journalled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keepapart.admit import budget, tenure
from keepapart.admit.intent import next_source
from keepapart.admit.run import Site
from keepapart.admit.state import State


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen; `code` is the exit code where it is certain already, else 0."""

    code: int
    members: tuple[str, ...]
    steps: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `keepapart admit --dry-run --json`."""
        return {"schema": "keepapart.plan/1", "members": list(self.members), "steps": list(self.steps)}

    def lines(self) -> list[str]:
        """Say it to people."""
        return [f"members now: {', '.join(self.members) or 'none'}", *self.steps]


def plan(site: Site, count: int) -> Plan:
    """Say what `admit` would do now. Raises `CloudError` or `StoreError`."""
    view = site.hands(None).look()
    state = State("", site.cluster, count)
    members = tuple(sorted(m.id for m in view.members(state)))
    steps: list[str] = []
    holder = site.store.holder(site.cluster)
    if holder and holder.expires > site.clock() and not tenure.dead(holder.who):
        steps.append(f"wait: {holder.who.split(' [')[0]} is admitting now")
    steps += [f"settle {run}, which was interrupted" for run in site.store.unfinished(site.cluster)]
    ending = budget.ending(state, view, site.policy, 0.0)
    if ending:
        return Plan(ending.code, members, (*steps, ending.because))
    source = next_source(state, view, site.policy)
    steps.append(f"start {source}" if source else "launch a candidate")
    steps.append(f"check it against {len(members)} members, let it in or turn it down")
    steps.append(f"until {count} are in, with at most {site.policy.max_attempts} attempts for each")
    return Plan(0, members, tuple(steps))
