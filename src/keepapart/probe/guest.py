"""What a guest sees of the machine under it: a few small files, read and passed on as they are.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. What can't
be read is left out; what it means is decided at the other end.
"""

import binascii
import contextlib
import os
import select
import struct
from typing import Dict

TEXTS = {
    "boot_id": "/proc/sys/kernel/random/boot_id",
    "cpuinfo": "/proc/cpuinfo",
    "maker": "/sys/class/dmi/id/sys_vendor",
    "hypervisor": "/sys/hypervisor/type",
}
TEXT = 4096  # bytes of a text; the first processor of /proc/cpuinfo takes half of it
POOL = "/var/lib/hyperv/.kvp_pool_3"  # what Hyper-V tells its guests
POOL_SIZE = 32 * (512 + 2048)  # three times what it tells
XENBUS = "/dev/xen/xenbus"
XENSTORE = struct.Struct("=IIII")  # what to do, request, transaction, bytes that follow
XS_READ = 2


def facts() -> Dict[str, str]:
    """Return all that can be read, all of it as text."""
    found = {}
    for name, path in TEXTS.items():
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found[name] = file.read(TEXT).decode("utf-8", "replace").split("\n\n")[0].strip()
    with contextlib.suppress(OSError), open("/proc/stat") as file:
        found.update(("booted", line.split()[1]) for line in file if line.startswith("btime "))
    with contextlib.suppress(OSError), open(POOL, "rb") as file:
        raw = file.read(POOL_SIZE + 1)
        if len(raw) <= POOL_SIZE:
            found["kvp"] = binascii.b2a_base64(raw, newline=False).decode()
            found["kvp_written"] = repr(os.fstat(file.fileno()).st_mtime)
    if found.get("hypervisor") == "xen":
        with contextlib.suppress(OSError, struct.error):
            bus = os.open(XENBUS, os.O_RDWR)  # root's only
            try:
                found["domain"] = xen_domain(bus)
            finally:
                os.close(bus)
    return found


def xen_domain(bus: int) -> str:
    """Ask the Xen store for this guest's domain id, as `xenstore-read domid` does."""
    path = b"domid\0"
    os.write(bus, XENSTORE.pack(XS_READ, 0, 0, len(path)) + path)
    told = b""
    while len(told) < XENSTORE.size or len(told) < XENSTORE.size + XENSTORE.unpack_from(told)[3]:
        more = os.read(bus, 256) if select.select([bus], [], [], 0.5)[0] else b""
        if not more or len(told) > 256:
            return ""
        told += more
    return (
        told[XENSTORE.size :].decode("ascii", "replace") if XENSTORE.unpack_from(told)[0] == XS_READ else ""
    )
