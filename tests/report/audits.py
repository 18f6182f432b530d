"""Audits to draw, from where instances stand: no packets, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from keepapart.auditing.assess import Audit, assess
from keepapart.model import Controls, Instance, Statement
from keepapart.probe.measured import Round, Tally
from keepapart.settings import ClusterSettings

Place = tuple[int, int]  # rack, host within it


def audit_of(
    where: Sequence[Place],
    *,
    pods: Sequence[int] = (),
    ids: Sequence[str] = (),
    lost: Mapping[str, str] | None = None,
    missing: Sequence[tuple[int, int]] = (),
    facts: Sequence[Mapping[str, str]] = (),
    said: Sequence[Sequence[Statement]] = (),
    states: Sequence[str] = (),
    model: str = "routed-host",
    cluster: ClusterSettings | None = None,
    at: float = 0.0,
) -> Audit:
    """Judge a round among instances at these places; pairs `missing` and those of `lost` weren't measured.

    `pods` is the pod of each rack, where racks stand in pods; `facts` are what the platform states of each,
    `said` what others do, and `states` what state it is in.
    """
    names = tuple(ids) or tuple(f"web-{number}" for number in range(1, len(where) + 1))
    rack, host = np.array(where, np.int64).reshape(-1, 2).T
    near = np.where(host[:, None] == host[None, :], 2, 4)
    pod = np.array(pods or [0] * (int(rack.max(initial=0)) + 1))[rack]
    beyond = np.where(pod[:, None] == pod[None, :], 6, 8)
    hops = np.where(rack[:, None] == rack[None, :], near, beyond).astype(np.uint8)
    np.fill_diagonal(hops, 0)
    for a, b in missing:
        hops[a, b] = hops[b, a] = 0
    down = {names[k]: f"it is {state}" for k, state in enumerate(states) if state != "running"}
    lost = {**(lost or {}), **down}
    for name in lost:
        hops[names.index(name), :] = hops[:, names.index(name)] = 0
    instances = [
        Instance(
            name,
            f"10.0.{k // 250}.{k % 250 + 1}",
            state=states[k] if states else "running",
            facts=facts[k] if facts else {},
            said=said[k] if said else (),
        )
        for k, name in enumerate(names)
    ]
    measured = Round(names, Tally.of(np.repeat(hops[None], 8, axis=0)), lost)
    return assess(instances, measured, cluster=cluster or ClusterSettings(name="orders"), model=model, at=at)


def with_refuted_chain() -> Audit:
    """Return an audit with a contradiction: a~b and b~c, yet a and c are held apart."""
    names = ("a", "b", "c")
    instances = [Instance(name, f"10.0.0.{k}") for k, name in enumerate(names, 1)]
    known = Controls(same=[("a", "b"), ("b", "c")], separate=[("a", "c")])
    cluster = ClusterSettings(name="orders")
    return assess(instances, Round(names, Tally.empty(3), {}), cluster=cluster, model="auto", controls=known)


APART = ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0))
SHARED = ((0, 0), (0, 0), (0, 1), (1, 0), (1, 1))
