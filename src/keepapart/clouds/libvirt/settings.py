"""The keys of `[cloud]` for libvirt, checked strictly: see `Settings`."""

from __future__ import annotations

from keepapart.clouds.listed import ListedSettings, Texts


class Settings(ListedSettings, frozen=True):
    """The keys of `[cloud]` for libvirt, beside those of every listing.

    1. `hosts` are their addresses as libvirt has them, such as "qemu+ssh://root@h1/system".
    2. Instances are made like `template`: a domain of this name that is shut off, on each host that is to
       have some. Their disks are overlays of its disks, in the same storage pools.
    """

    hosts: Texts = ()
    template: str = ""
