"""What is done to a domain on one host, by an open connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import libvirt

from keepapart.clouds.libvirt import definition
from keepapart.clouds.libvirt.definition import Disk, Volume
from keepapart.errors import RefusedError

WHOLE = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
ENDED = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
NO_VOLUME = (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL)
AS_IT_RUNS = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
DEAF = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_AGENT_UNRESPONSIVE)


def found(host: Any, instance_id: str) -> Any:
    """Return a domain by its UUID."""
    return host.lookupByUUIDString(instance_id)


def text_of(host: Any, instance_id: str) -> str:
    """Return a domain's definition, as it starts next, with all that it keeps secret."""
    return str(found(host, instance_id).XMLDesc(WHOLE))


def bases_of(host: Any, template: str) -> dict[str, Volume]:
    """Return the volumes that the template's own disks are, by the disks' places in the guest.

    Raises `RefusedError` for a disk that is in no storage pool.
    """
    bases = {}
    for disk in definition.disks(text_of(host, template)):
        if not disk.own:
            continue
        volume = None
        with _absent(*NO_VOLUME):
            volume = disk.volume or _at(host, disk.path)
        if volume is None:
            raise RefusedError(
                f"libvirt: disk {disk.target} of the template is in no storage pool",
                "`virsh pool-create-as` makes one of the folder that it is in",
            )
        bases[disk.target] = volume
    return bases


def start(host: Any, instance_id: str) -> None:
    """Start what is stopped, once it has all its disks, and go on with what is paused."""
    domain = found(host, instance_id)
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup()
    elif state == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
    elif not domain.isActive():
        _make_disks(host, domain)
        domain.create()


def stop(host: Any, instance_id: str, *, pulls: bool) -> None:
    """Have a domain shut down, or pull its plug."""
    domain = found(host, instance_id)
    if not domain.isActive():
        return
    if not pulls:
        deaf = True
        with _absent(*DEAF):
            domain.shutdown()
            deaf = False
        if not deaf:
            return
    domain.destroy()


def end(host: Any, instance_id: str) -> None:
    """End a domain, with the volumes that were made for it; the definition, which lists them, goes last."""
    domain = found(host, instance_id)
    if domain.isActive():
        domain.destroy()
    text = domain.XMLDesc(WHOLE)
    for volume in definition.beside(text):
        with _absent(*NO_VOLUME):
            host.storagePoolLookupByName(volume.pool).storageVolLookupByName(volume.name).delete()
    domain.undefineFlags(ENDED | (libvirt.VIR_DOMAIN_UNDEFINE_NVRAM if definition.nvram(text) else 0))


def tag(host: Any, instance_id: str, element: str) -> None:
    """Write the element that holds a domain's tags, for now and for the next start."""
    domain = found(host, instance_id)
    flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
    flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, element, "ka", definition.OUR_TAGS, flags)


def bound(host: Any, instance_id: str) -> str:
    """Say what a domain has that its host alone has; empty where that is nothing."""
    domain = found(host, instance_id)
    if definition.nvram(domain.XMLDesc(WHOLE)):
        return "its NVRAM is a file of its host"
    if domain.hasManagedSaveImage():
        return "its saved memory is a file of its host"
    return "its snapshots are known to its host alone" if domain.snapshotNum() else ""


def volume_of(host: Any, disk: Disk) -> str | None:
    """Return the definition of the volume that a disk is; None where the host knows none."""
    with _absent(*NO_VOLUME):
        if disk.volume is None:
            return str(host.storageVolLookupByPath(disk.path).XMLDesc())
        pool = host.storagePoolLookupByName(disk.volume.pool)
        pool.refresh()  # another host may have made it
        return str(pool.storageVolLookupByName(disk.volume.name).XMLDesc())
    return None


def define(host: Any, text: str, *, autostart: bool) -> None:
    """Define a domain that another host had."""
    domain = host.defineXML(text)
    if autostart:
        domain.setAutostart(1)


def migrate(host: Any, other: Any, instance_id: str) -> None:
    """Migrate a domain as it runs; where this connection breaks, the host gives it up."""
    found(host, instance_id).migrate3(other, {}, AS_IT_RUNS)


def _make_disks(host: Any, domain: Any) -> None:
    """Make what is missing of a new domain's disks; once all are there, nothing of it is ever made anew."""
    bases = definition.bases(domain.XMLDesc(WHOLE))
    for target, volume in definition.overlays(domain.name(), bases).items():
        pool = host.storagePoolLookupByName(volume.pool)
        made = False
        with _absent(libvirt.VIR_ERR_NO_STORAGE_VOL):
            pool.storageVolLookupByName(volume.name)
            made = True
        if not made:
            base = pool.storageVolLookupByName(bases[target].name)
            pool.createXML(definition.volume_definition(volume, base.XMLDesc(), base.path()))
    if bases:
        config, element = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_METADATA_ELEMENT
        domain.setMetadata(element, None, "disks", definition.OUR_DISKS, config)


def _at(host: Any, path: str) -> Volume:
    volume = host.storageVolLookupByPath(path)
    return Volume(volume.storagePoolLookupByVolume().name(), volume.name())


@contextmanager
def _absent(*codes: int) -> Iterator[None]:
    """Go on where libvirt says one of these."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in codes:
            raise
