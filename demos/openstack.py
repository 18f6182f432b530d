"""`make demo-openstack`: a real Nova with three computes, and a cluster of three that its scheduler packed.

Nova's API, scheduler, conductor and placement are what runs in production; its hypervisor is Nova's fake
driver, so no packet is sent: host ids decide. The scheduler is told to pack, as operators do to save power,
and puts all three on one host. `audit --stated` finds it, `replace` mends it, in a server group and by
holding what came back to the old host. At the end every verdict is held against what an administrator is
shown, and the project against the list of members: nothing else may be left in it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.errors import KeepapartError, OperationError
from keepapart.lab.client import Whereabouts
from keepapart.lab.demo.harness import Shell, hold_against_truth, nothing_left_behind, say
from tests.platforms.nova_double import IMAGE, Nova, serving

COMPUTES = ("compute-1", "compute-2", "compute-3")
CONFIG = f"""[cluster]
name = "orders"
assurance = "conclusive"        # host ids decide: no packets, no way in

[cloud]
provider = "openstack"
image = "{IMAGE}"
flavor = "m1.tiny"
network_id = "none"
server_group = "auto"

[launch]
on_reject = "hold"              # who comes back to the old host stays there until the end, so the next can't
"""
PACKING = {
    **dict.fromkeys(("ram_weight_multiplier", "cpu_weight_multiplier", "disk_weight_multiplier"), -1.0),
    "num_instances_weight_multiplier": 10.0,
}


def main() -> int:
    """Run the demo; 0 where all of it went well."""
    begin = time.monotonic()
    try:
        with serving(COMPUTES, apart="") as nova, tempfile.TemporaryDirectory() as folder:
            figures = play(nova, Path(folder))
    except pytest.skip.Exception as why:
        say(f"demo-openstack: SKIPPED: {why}")
        return 0
    except (KeepapartError, OSError) as error:
        say(f"demo-openstack: FAILED: {error}")
        return 1
    say(f"demo-openstack: OK – {figures}, {time.monotonic() - begin:.1f} s")
    return 0


def play(nova: Nova, folder: Path) -> str:
    """Play it in a folder; return the figures."""
    clouds = folder / "clouds.yaml"
    user = {"auth": {**nova.auth, "username": "operator"}, "region_name": "RegionOne"}
    clouds.write_text(json.dumps({"clouds": {"demo": user}}), encoding="utf-8")
    store = f'\n[store]\nurl = "sqlite:///{folder}/keepapart.db"\n'
    environment = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "demo"}
    shell = Shell(folder, CONFIG + store, environment)
    say("A Nova with three computes runs. Its scheduler packs, and nobody asked for a server group.")
    for weight, factor in PACKING.items():
        nova.configure("filter_scheduler", weight, factor)
    tags = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
    for number in (1, 2, 3):
        nova.launch(f"orders-{number}", metadata=tags)
    say(f"\n$ export OS_CLOUD=demo\n\n$ cat keepapart.toml\n{CONFIG}")

    shell.show("audit", "--stated", allowed=(1,))
    packed = shell.ask("audit", "--stated", allowed=(1,))
    right = hold_against_truth(packed, truth(nova))
    shell.show("replace", "--yes", *packed["risk"]["spread"])
    shell.show("audit", "--stated")
    mended = shell.ask("audit", "--stated")
    right += hold_against_truth(mended, truth(nova))

    members = {one["id"] for one in mended["instances"]}
    homes = {truth(nova)[one].host for one in members}
    if len(homes) != len(COMPUTES):
        raise OperationError(f"three members were to be on three hosts, and are on {sorted(homes)}")
    nothing_left_behind(shell)
    there = {one["id"] for one in nova.call("GET", "/servers")["servers"]}
    if there != members:
        raise OperationError(f"the project holds {sorted(there)}, and the members are {sorted(members)}")
    say("")
    return f"{right} verdicts held against Nova's own, 0 wrong, {len(members)} members on {len(homes)} hosts"


def truth(nova: Nova) -> dict[str, Whereabouts]:
    """Return the host of every server, as an administrator is shown it."""
    servers = nova.call("GET", "/servers/detail")["servers"]
    return {one["id"]: Whereabouts(one["OS-EXT-SRV-ATTR:host"], "") for one in servers}


if __name__ == "__main__":
    sys.exit(main())
