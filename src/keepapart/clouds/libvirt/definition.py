"""Definitions of domains: what is made of a template's, and which disks that needs. Pure.

Rules:
1. Name and UUID are the attempt's, and its tags are in the metadata: a domain is never without its owner's
   name. Hardware addresses, the NVRAM's file and the UUID in the SMBIOS are libvirt's to make anew.
2. A disk that can be written is an overlay of the template's, a volume of the same pool that is named after
   the domain and the disk. One that is read only or shared stays the template's.
3. A definition lists its volumes before they are made, and, until they all are, what is under each: whoever
   finds the domain finds what comes beside it, and can make what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from keepapart.clouds.once import PREFIX
from keepapart.clouds.tags import OWN
from keepapart.errors import RefusedError

OUR_TAGS = "urn:keepapart:1"  # of the element <tags cluster="orders" role="member"/> in a domain's metadata
OUR_DISKS = "urn:keepapart:disks:1"  # of the element beside it that says what its disks are to be overlays of
OURS = "keepapart:"
WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)  # what an attribute can be called


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a storage pool."""

    pool: str
    name: str

    @classmethod
    def read(cls, text: str) -> Volume:
        """Return the volume that `POOL/NAME` is."""
        pool, _, name = text.partition("/")
        return cls(pool, name)

    def __str__(self) -> str:
        return f"{self.pool}/{self.name}"


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk as a definition has it: its place in the guest, and a `volume`, else a `path` (or neither)."""

    target: str
    volume: Volume | None
    path: str
    own: bool  # it can be written, and is nobody else's


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as the attributes that hold them. Raises `RefusedError` for one that none can hold."""
    found = {}
    for name, value in tags.items():
        word = name.removeprefix(OURS)
        if not WORD.fullmatch(word) or (word in OWN) == (word == name):
            raise RefusedError(f"libvirt: no tag can be called {name!r}", "letters, digits and _-. can")
        if not value.isprintable():
            raise RefusedError(f"libvirt: no tag can hold {name}={value!r}")
        found[word] = value
    return found


def tags_element(attributes: Mapping[str, str]) -> str:
    """Return the element of a domain's metadata that holds these."""
    return ElementTree.tostring(Element(f"{{{OUR_TAGS}}}tags", dict(attributes)), encoding="unicode")


def disks(definition: str) -> list[Disk]:
    """Return the disks of a definition."""
    return [_disk(each) for each in _disks(_parsed(definition))]


def beside(definition: str) -> list[Volume]:
    """Return the volumes that were made for a domain, by rules 2 and 3; none of one that isn't ours."""
    name = _parsed(definition).findtext("name", "")
    if not name.startswith(PREFIX):
        return []
    volumes = ((each.target, each.volume) for each in disks(definition))
    return [volume for target, volume in volumes if volume and volume.name == f"{name}-{target}"]


def bases(definition: str) -> dict[str, Volume]:
    """Return the volumes that disks are yet to be made over, by the disks' places in the guest."""
    under = _parsed(definition).find(f"metadata/{{{OUR_DISKS}}}disks")
    return {} if under is None else {target: Volume.read(text) for target, text in under.items()}


def nvram(definition: str) -> str:
    """Return the file that holds a domain's firmware variables, if there is one."""
    return (_parsed(definition).findtext("os/nvram") or "").strip()


def overlays(name: str, under: Mapping[str, Volume]) -> dict[str, Volume]:
    """Return the volume of each disk, by its target, over that of the template."""
    return {target: Volume(base.pool, f"{name}-{target}") for target, base in under.items()}


def made(
    template: str, name: str, uuid: str, attributes: Mapping[str, str], under: Mapping[str, Volume]
) -> str:
    """Return the definition of a domain that is like the template, by the rules above."""
    root, shown = _parsed(template), {target: str(volume) for target, volume in under.items()}
    for path, text in (("name", name), ("uuid", uuid)):
        _child(root, path).text = text
    for parent, path in (
        (root, "genid"),
        *((card, "mac") for card in root.iterfind("devices/interface")),
        *((system, "entry[@name='uuid']") for system in root.iterfind("sysinfo/system")),
    ):
        for each in parent.findall(path):
            parent.remove(each)
    for each in root.iterfind("os/nvram"):
        each.text = None
    metadata = _child(root, "metadata")
    for own, said in ((f"{{{OUR_TAGS}}}tags", attributes), (f"{{{OUR_DISKS}}}disks", shown)):
        for old in metadata.findall(own):
            metadata.remove(old)
        metadata.append(Element(own, dict(said)))
    volumes = overlays(name, under)
    for disk in _disks(root):
        if volume := volumes.get(_disk(disk).target):
            _put(disk, volume)
    return ElementTree.tostring(root, encoding="unicode")


def volume_definition(volume: Volume, base: str, path: str) -> str:
    """Return the definition of an overlay; `base` is that of the volume under it, which has this `path`."""
    under = _parsed(base)
    form = under.find("target/format")
    root = Element("volume")
    _child(root, "name").text = volume.name
    _child(root, "capacity").text = under.findtext("capacity", "0")
    _child(_child(root, "target"), "format").set("type", "qcow2")
    backing = _child(root, "backingStore")
    _child(backing, "path").text = path
    _child(backing, "format").set("type", "raw" if form is None else form.get("type", "raw"))
    return ElementTree.tostring(root, encoding="unicode")


def under(volume: str, target: str) -> Disk | None:
    """Return what a volume is an overlay of, as a disk of the same place; None where it is none."""
    path = _parsed(volume).findtext("backingStore/path", "")
    return Disk(target, None, path, own=False) if path else None


def same_storage(here: str, there: str) -> bool:
    """Say whether two definitions of a volume, as two hosts tell them, are of one volume that both reach."""

    def seen(text: str) -> list[str]:
        paths = (
            "name",
            "capacity",
            "allocation",
            "target/path",
            "target/timestamps/mtime",
            "backingStore/path",
        )
        return [_parsed(text).findtext(path, "") for path in paths]

    return seen(here) == seen(there)


def _parsed(text: str) -> Element:
    return ElementTree.fromstring(text)  # noqa: S314  # of the operator's own hosts


def _child(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return ElementTree.SubElement(parent, tag) if found is None else found


def _disks(root: Element) -> Iterator[Element]:
    return root.iterfind("devices/disk")


def _disk(element: Element) -> Disk:
    source, target = element.find("source"), element.find("target")
    said = {} if source is None else dict(source.attrib)
    kind = element.get("type", "")
    return Disk(
        target="" if target is None else target.get("dev", ""),
        volume=Volume(said.get("pool", ""), said.get("volume", "")) if kind == "volume" else None,
        path=said.get("file") or said.get("dev") or "",
        own=element.get("device", "disk") == "disk"
        and element.find("readonly") is None
        and element.find("shareable") is None,
    )


def _put(disk: Element, volume: Volume) -> None:
    disk.set("type", "volume")
    for each in disk.findall("backingStore"):
        disk.remove(each)
    source = _child(disk, "source")
    source.clear()
    source.attrib.update(pool=volume.pool, volume=volume.name)
    driver = _child(disk, "driver")
    driver.set("name", driver.get("name", "qemu"))
    driver.set("type", "qcow2")
