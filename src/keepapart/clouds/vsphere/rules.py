"""The DRS anti-affinity rule that keeps a cluster's members apart once they are in: `keepapart-CLUSTER`.

Rules:
1. It holds every member in one cluster of vSphere, from two on; vCenter takes out what is destroyed.
2. A rule of this name that is of another kind is somebody else's, and that is an error.
3. It proves nothing: DRS obeys it where it can, and HA may not.
"""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.vsphere.inventory import Inventory, Machine
from keepapart.clouds.vsphere.session import Session
from keepapart.errors import CloudError, RefusedError


def keep(session: Session, inventory: Inventory, new: Machine, within: float) -> None:
    """See that a new member is in the rule with the others of its cluster; wait so many seconds for it."""
    host = inventory.hosts.get(new.host)
    if host is None or not isinstance(host.within, vim.ClusterComputeResource):
        raise RefusedError(
            f"vsphere: {new.name} is in no cluster, which could have a rule", "leave [cloud] drs_rule out"
        )
    cluster = new.tags.get(CLUSTER_TAG, "")
    wanted = {CLUSTER_TAG: cluster, ROLE_TAG: MEMBER}.items()
    members = [
        one.itself
        for one in inventory.machines
        if (wanted <= one.tags.items() and _within(inventory, one.host) == host.within) or one is new
    ]
    name = f"keepapart-{cluster}"
    found = [rule for rule in session.change(lambda: host.within.configurationEx.rule) if rule.name == name]
    if found and not isinstance(found[0], vim.cluster.AntiAffinityRuleSpec):
        raise RefusedError(f"vsphere: {name} is a rule of another kind", "rename it")
    if len(members) < 2 or (found and set(found[0].vm) == set(members)):
        return
    rule = found[0] if found else vim.cluster.AntiAffinityRuleSpec(name=name, enabled=True)
    rule.vm = members
    change = vim.cluster.RuleSpec(operation="edit" if found else "add", info=rule)
    spec = vim.cluster.ConfigSpecEx(rulesSpec=[change])
    task = session.change(lambda: host.within.ReconfigureComputeResource_Task(spec, True))
    if not session.is_over(task, within):
        raise CloudError(f"vsphere: rule {name} isn't changed within {within:g} s")


def _within(inventory: Inventory, host: Any) -> Any:
    found = inventory.hosts.get(host)
    return found.within if found else None
