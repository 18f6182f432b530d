"""What a guest sees of the machine under it: a few small files, read and passed on as they are.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. What can't
be read is left out; what it means is decided at the other end.

1. Who made the machine, by DMI, is read without a packet: nothing is asked of a metadata service before the
   platform is known.
2. The machine's id is told as a keyed hash only, as machine-id(5) wants it: the same in every round, and of
   use for nothing else.
3. A kernel is the instance's "own" if the node is in the namespaces that the kernel began with; a container's
   or a pod's is "shared", even where it has a virtual machine of its own. Older kernels lack some kinds of
   namespaces: any one that isn't the first shows a container, and only all of them that there is none.
"""

from __future__ import annotations

import binascii
import posix
import select
import struct

from keepapart.node.keyed import hashes, sealing

DMI = "/sys/class/dmi/id/"
TEXTS = {
    "boot_id": "/proc/sys/kernel/random/boot_id",
    "cpuinfo": "/proc/cpuinfo",
    "hypervisor": "/sys/hypervisor/type",
    "xen_uuid": "/sys/hypervisor/uuid",
    "maker": DMI + "sys_vendor",
    "product": DMI + "product_name",
    "product_version": DMI + "product_version",
    "asset_tag": DMI + "chassis_asset_tag",
    "chassis_vendor": DMI + "chassis_vendor",
    "board_vendor": DMI + "board_vendor",
    "bios_vendor": DMI + "bios_vendor",
    "bios_version": DMI + "bios_version",
}
TEXT = 4096  # bytes of a text; the first processor of /proc/cpuinfo takes half of it
STAT = 1 << 20  # bytes of /proc/stat, which has a line for each processor and a very long one
MACHINE_ID = "/etc/machine-id"
OURS = b"keepapart"  # what a machine's id is hashed for
POOL = "/var/lib/hyperv/.kvp_pool_3"  # what Hyper-V tells its guests
POOL_SIZE = 32 * (512 + 2048)  # three times what it tells
DAEMONS = (b"hv_kvp_daemon", b"hypervkvpd")  # who keeps the pool up to date, as distributions name it
NAMESPACES = {  # what the first process of a kernel is in, by the numbers that Linux always gives them
    "/proc/self/ns/cgroup": "cgroup:[4026531835]",
    "/proc/self/ns/pid": "pid:[4026531836]",
    "/proc/self/ns/user": "user:[4026531837]",
    "/proc/self/ns/uts": "uts:[4026531838]",
}
XENBUS = "/dev/xen/xenbus"
XENSTORE = struct.Struct("=IIII")  # what to do, request, transaction, bytes that follow
XS_READ = 2


def facts(root: str = "") -> dict[str, str]:
    """Return all that can be read, all of it as text; of another machine's files where `root` has them."""
    found = {}
    for name, path in TEXTS.items():
        text = _start_of(root + path, TEXT)
        if text:
            found[name] = text.decode("utf-8", "replace").split("\n\n")[0].strip()
    for line in _start_of(root + "/proc/stat", STAT).decode().splitlines():
        if line.startswith("btime "):
            found["booted"] = line.split()[1]
    machine = _start_of(root + MACHINE_ID, TEXT).strip()
    there = hashes()
    if len(machine) == 32 and there:
        found["machine"] = binascii.hexlify(sealing(there[0], machine, 16)(OURS)).decode()
    links = [_link(root + path) for path in NAMESPACES]
    if any(link not in ("", first) for link, first in zip(links, NAMESPACES.values())):  # noqa: B905  # 3.6
        found["kernel"] = "shared"
    elif all(links):
        found["kernel"] = "own"
    raw = _start_of(root + POOL, POOL_SIZE + 1)
    if 0 < len(raw) <= POOL_SIZE:
        found["kvp"] = binascii.b2a_base64(raw, newline=False).decode()
        found["kvp_written"] = repr(posix.stat(root + POOL).st_mtime)
        daemon = kvp_daemon(root)
        if daemon:
            found["kvp_daemon"] = daemon
    if found.get("hypervisor") == "xen":
        try:
            bus = posix.open(root + XENBUS, posix.O_RDWR)
        except OSError:
            return found  # it is root's only
        try:
            found["domain"] = xen_domain(bus)
        except (OSError, struct.error):
            pass
        finally:
            posix.close(bus)
    return found


def kvp_daemon(root: str) -> str:
    """Say whether what keeps Hyper-V's pool is "running" or "missing"; "" where processes are hidden."""
    try:
        processes = [name for name in posix.listdir(root + "/proc") if name.isdigit()]
    except OSError:
        return ""
    names = {_start_of("{}/proc/{}/comm".format(root, name), 64).strip() for name in processes}
    hidden = "1" not in processes  # whoever may not see others' sees not the first either
    return "running" if not names.isdisjoint(DAEMONS) else "" if hidden else "missing"


def xen_domain(bus: int) -> str:
    """Ask the Xen store for this guest's domain id, as `xenstore-read domid` does."""
    path = b"domid\0"
    posix.write(bus, XENSTORE.pack(XS_READ, 0, 0, len(path)) + path)
    told = b""
    while len(told) < XENSTORE.size or len(told) < XENSTORE.size + XENSTORE.unpack_from(told)[3]:
        more = posix.read(bus, 256) if select.select([bus], [], [], 0.5)[0] else b""
        if not more or len(told) > 256:
            return ""
        told += more
    return (
        told[XENSTORE.size :].decode("ascii", "replace") if XENSTORE.unpack_from(told)[0] == XS_READ else ""
    )


def _link(path: str) -> str:
    """Return what a link says; nothing where it is not there."""
    try:
        return posix.readlink(path)
    except OSError:
        return ""


def _start_of(path: str, limit: int) -> bytes:
    """Read so many bytes of a file at most; none where it is not there or may not be read."""
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError:
        return b""
