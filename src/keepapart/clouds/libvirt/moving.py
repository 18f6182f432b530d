"""How a domain gets another host: by a live migration as it runs, or as an offline one does it.

Rules:
1. Stopped, it is defined on the other host first, and forgotten by its own then: it is never without a
   definition, and the same call goes on where the one before broke off.
2. Both hosts know each of its disks, and what that is an overlay of, as one and the same: a file that merely
   has the same path isn't it.
3. What has anything else that its host alone has (NVRAM, saved memory, snapshots) stays.
4. It goes as it runs where both drivers can, and only where it could go stopped as well: what a live
   migration is refused for then is no reason to have stopped it in vain.
5. A live migration goes on while this process is connected to both hosts. Once that ends, the host that it
   leaves gives it up, and it runs on there.
6. Where it runs is looked at before what a migration said of itself: an answer may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

import libvirt

from keepapart.clouds import LIVE, NOTE, RUNNING
from keepapart.clouds.libvirt import definition, domain
from keepapart.clouds.libvirt.acting import begun, meant, opened
from keepapart.clouds.libvirt.placing import There, Where, choose
from keepapart.errors import CloudError, NotFoundError, RefusedError, UnsettledError

AUTOSTART = "autostart"  # which a live migration doesn't take along

Act = Callable[[str, Callable[[Any], Any]], Any]  # what does something on the host of this address


def placement(
    here: There, hosts: Sequence[Where], taken: Collection[str], wanted: str, on: Act
) -> Mapping[str, str]:
    """Choose where a domain starts next: the host `wanted`, if one is named.

    `taken` are the machines that have other members. Raises `RefusedError` where the host can't be had.
    """
    if not wanted and here.machine and here.machine not in taken:
        return {NOTE: f"it stays on host {here.machine}, which has no other member"}
    named = [each for each in hosts if wanted in ("", each.machine, each.uri)]
    if not named:
        there = ", ".join(sorted({each.machine for each in hosts}))
        raise RefusedError(f"libvirt: {wanted} is no host that may be used", f"there is {there}")
    free = [each for each in named if each.uri != here.uri and each.machine not in taken]
    why = f"every other host that may be used has a member already: {', '.join(sorted(taken))}"
    why = on(here.uri, lambda source: domain.bound(source, here.domain.id)) if free else why
    able = []
    for each in free if not why else ():
        if why := missing(here.uri, here.domain.id, each.uri, on):
            why = f"{why} isn't known on {each.machine}, in a storage pool of both"
        else:
            able.append(each)
    chosen = choose(able, {each.uri: here.domain.memory for each in able}, taken)
    if chosen is None and wanted:
        raise RefusedError(f"libvirt: {here.domain.name} can't start on {wanted}: {why}")
    if chosen is None:
        return {NOTE: why}
    return {
        "host": chosen.uri,
        **_live(here, chosen, hosts, on),
        NOTE: f"on host {chosen.machine}, which has no other member",
    }


def _live(here: There, chosen: Where, hosts: Sequence[Where], on: Act) -> Mapping[str, str]:
    """Say whether it goes as it runs (rule 4), and whether it is started with its host."""
    able = {each.uri for each in hosts if each.migrates}
    if here.domain.state != RUNNING or not {here.uri, chosen.uri} <= able:
        return {}
    starts = on(here.uri, lambda source: domain.found(source, here.domain.id).autostart())
    return {LIVE: "yes", **({AUTOSTART: "yes"} if starts else {})}


class Migrations:
    """The live migrations of this process, by rules 5 and 6."""

    def __init__(self) -> None:
        self._going: dict[str, Future[None]] = {}  # by id

    def place(
        self, instance_id: str, said: Mapping[str, str], having: Callable[[str], Sequence[There]], on: Act
    ) -> None:
        """Have a domain go as it runs; `having` looks which hosts have it, where it is active first."""
        going, target = self._going.get(instance_id), said["host"]
        if going and not going.done():
            raise UnsettledError(f"libvirt: {instance_id} is being migrated")
        holders = having(instance_id)
        active = [each for each in holders if each.domain.active]
        if len(active) > 1 or any(each.domain.busy for each in active):
            raise UnsettledError(f"libvirt: {instance_id} is on its way")
        self._going.pop(instance_id, None)
        if not active:
            place(holders, target, on)
        elif active[0].uri == target:
            _forget([each.uri for each in holders if each.uri != target], instance_id, on)
            if AUTOSTART in said:
                on(target, lambda host: domain.found(host, instance_id).setAutostart(1))
        elif going and isinstance(error := going.exception(), Exception):
            raise meant(active[0].uri, error, 0.0) from error
        else:
            self._going[instance_id] = begun(partial(_migrate, active[0].uri, target, instance_id))
            raise UnsettledError(f"libvirt: {instance_id} is being migrated")


def _migrate(source: str, target: str, instance_id: str) -> None:
    """Migrate a domain, by connections to both; what libvirt doesn't tell from others then, it refuses."""

    def go(one: Any, other: Any) -> None:
        try:
            domain.migrate(one, other, instance_id)
        except libvirt.libvirtError as error:
            found = meant(source, error, 0.0)
            raise (RefusedError(found.cause) if type(found) is CloudError else found) from error

    opened(source, lambda one: opened(target, partial(go, one)))


def place(holders: Sequence[There], target: str, on: Act) -> None:
    """Have a stopped domain be defined on this host alone."""
    if any(each.domain.active for each in holders):
        raise RefusedError(f"libvirt: {holders[0].domain.name} runs: only what is stopped is placed anew")
    instance_id = holders[0].domain.id
    others = [each.uri for each in holders if each.uri != target]
    if len(others) == len(holders):
        _define(others[0], instance_id, target, on)
    _forget(others, instance_id, on)


def _forget(uris: Sequence[str], instance_id: str, on: Act) -> None:
    for uri in uris:
        with suppress(NotFoundError):
            on(uri, lambda host: domain.found(host, instance_id).undefine())


def missing(here: str, instance_id: str, target: str, on: Act, *, same: bool = False) -> str:
    """Name a disk that the other host doesn't know, or not as the `same` one; empty where there is none."""
    text = on(here, lambda source: domain.text_of(source, instance_id))
    left = [
        disk for disk in definition.disks(text) if disk.volume or disk.path
    ]  # not the network's, not empty
    while left:
        disk = left.pop()
        look = partial(domain.volume_of, disk=disk)
        one, other = on(here, look), on(target, look)
        if one is None or other is None or (same and not definition.same_storage(one, other)):
            return f"disk {disk.target}"
        if base := definition.under(one, disk.target):
            left.append(base)
    return ""


def _define(here: str, instance_id: str, target: str, on: Act) -> None:
    why = on(here, lambda source: domain.bound(source, instance_id))
    if lost := missing(here, instance_id, target, on, same=True):
        why = f"{lost} isn't the same on both"
    if why:
        raise RefusedError(f"libvirt: {instance_id} can't leave its host: {why}")
    text = on(here, lambda source: domain.text_of(source, instance_id))
    starts = on(here, lambda source: bool(domain.found(source, instance_id).autostart()))
    on(target, lambda host: domain.define(host, text, autostart=starts))
