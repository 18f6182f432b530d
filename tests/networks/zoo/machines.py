"""What guests see of the machines that they run on: files, as a node reads them below a root of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.networks.zoo.network import Network

DMI = "sys/class/dmi/id/"
NAMESPACES = {"cgroup": 4026531835, "pid": 4026531836, "user": 4026531837, "uts": 4026531838}


def made_by(net: Network, names: Iterable[str], **texts: str) -> None:
    """Let the firmware of members' machines show who made them: `sys_vendor="Hetzner"`."""
    for name in names:
        net.nodes[name].files |= {f"{DMI}{key}": text for key, text in texts.items()}


def of_openstack(net: Network) -> None:
    """Let all members be OpenStack's machines, of kernels of their own."""
    made_by(net, net.members, sys_vendor="OpenStack Foundation", product_name="OpenStack Nova")
    kernel(net, net.members, own=True)


def kernel(net: Network, names: Iterable[str], *, own: bool, virtual: bool = True) -> None:
    """Give members a kernel each, or one kernel to all, as containers of one machine have."""
    listed = list(names)
    cpu = f"processor\t: 0\nflags\t\t: fpu vme{' hypervisor' if virtual else ''}\nbogomips\t: 5000.00\n\n"
    for number, name in enumerate(listed):
        serial = sum(map(ord, name if own else listed[0])) + (number << 16 if own else 0)
        net.nodes[name].files |= {
            "proc/sys/kernel/random/boot_id": f"{serial:08x}-0000-4000-8000-{serial:012x}",
            "proc/cpuinfo": cpu,
        }
        for place, first in NAMESPACES.items():
            inside = first if own else first + 65536 + serial
            net.nodes[name].files[f"proc/self/ns/{place}"] = f"{place}:[{inside}]"


def lay_out(net: Network, prefix: str, root: Path) -> None:
    """Write the files of all machines below a root, each below the name of its namespace."""
    for node in net.nodes.values():
        for path, text in node.files.items():
            place = root / f"{prefix}{node.name}" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.startswith("proc/self/ns/"):
                place.unlink(missing_ok=True)
                place.symlink_to(text)
            else:
                place.write_text(text)
