"""What one host says: who it is, and which domains it has.

Rules:
1. A host is asked read-only. All are asked at the same time, and each anew every time: nothing stays open.
2. One that doesn't answer isn't empty: its domains can't be told, so there is no list.
3. A call into libvirt can't be broken off. It runs in a thread of its own, which is left behind when its
   time is over; ssh is told to ask for no password, which would wait for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import libvirt

from keepapart import clouds
from keepapart.clouds.libvirt.definition import OUR_TAGS
from keepapart.errors import CloudError

PAUSED = {
    libvirt.VIR_DOMAIN_PAUSED_MIGRATION: "migrating",
    libvirt.VIR_DOMAIN_PAUSED_STARTING_UP: "migrating",
    libvirt.VIR_DOMAIN_PAUSED_POSTCOPY: "migrating",
}
STATES = {
    libvirt.VIR_DOMAIN_RUNNING: clouds.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: clouds.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: clouds.STOPPED,
    libvirt.VIR_DOMAIN_SHUTDOWN: clouds.STOPPING,
    libvirt.VIR_DOMAIN_SHUTOFF: clouds.STOPPED,
    libvirt.VIR_DOMAIN_CRASHED: clouds.STOPPED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: clouds.STOPPED,
}
MENDS = {
    libvirt.VIR_ERR_AUTH_FAILED: "the login is refused: look at the user, the key, the polkit rule",
    libvirt.VIR_ERR_AUTH_CANCELLED: "the login is refused: look at the user, the key, the polkit rule",
    libvirt.VIR_ERR_NO_CONNECT: "no driver of libvirt's here takes this address: look at [cloud] hosts",
    libvirt.VIR_ERR_INVALID_ARG: "no driver of libvirt's here takes this address: look at [cloud] hosts",
}
GONE = (libvirt.VIR_ERR_NO_DOMAIN,)
UNTOLD = (
    libvirt.VIR_ERR_NO_SUPPORT,
    libvirt.VIR_ERR_OPERATION_INVALID,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as one host has it; `busy` while a job of its own runs there, such as a migration.

    `memory` is the most that it may have, in KiB.
    """

    id: str
    name: str
    state: str
    active: bool
    busy: bool
    tags: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """What one address says: `driver` is libvirt's word, `uuid` the machine's own or empty.

    `memory` is what the machine has, in KiB, and `free` what of it nothing uses. `migrates` says whether its
    driver migrates domains as they run.
    """

    uri: str
    driver: str
    uuid: str
    hostname: str
    domains: Sequence[Domain]
    memory: int = 0
    free: int = 0
    migrates: bool = False


def ask(uris: Sequence[str], *, timeout: float, tries: int, look: Callable[[str], Host]) -> list[Host]:
    """`look` at all hosts, each `tries` times, and `timeout` seconds long each time. Raises `CloudError`."""
    found: dict[str, Host] = {}
    failed: dict[str, Exception] = {}
    for _ in range(tries):
        missing = [uri for uri in uris if uri not in found]
        failed = dict.fromkeys(missing, TimeoutError())

        def one(uri: str, into: dict[str, Exception] = failed) -> None:
            try:
                found[uri] = look(uri)
            except Exception as error:
                into[uri] = error

        threads = [threading.Thread(target=one, args=(uri,), daemon=True) for uri in missing]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    for uri in uris:
        if uri not in found:
            raise translated(uri, failed[uri], timeout)
    return [found[uri] for uri in uris]


def look(uri: str) -> Host:
    """Ask one host. Raises what libvirt does."""
    libvirt.registerErrorHandler(lambda *_: None, None)  # it would write to the terminal
    connection = libvirt.openReadOnly(without_questions(uri))
    try:
        capabilities = ElementTree.fromstring(connection.getCapabilities())  # noqa: S314  # the operator's host
        return Host(
            uri,
            connection.getType(),
            (capabilities.findtext("host/uuid") or "").strip().lower(),
            connection.getHostname(),
            [found for one in connection.listAllDomains() if (found := _domain(one))],
            *_memory(connection),
            migrates=capabilities.find("host/migration_features/live") is not None,
        )
    finally:
        connection.close()


def _memory(connection: Any) -> tuple[int, int]:
    """Return the memory of a host and what of it is free, in KiB, as far as that is told: it ranks hosts."""
    total = free = 0
    with suppress(libvirt.libvirtError):
        total = connection.getInfo()[1] * 1024  # of MiB
        free = connection.getFreeMemory() // 1024  # of bytes
    return total, free


def _domain(domain: Any) -> Domain | None:
    """Return what a host says of a domain; None where that went meanwhile."""
    try:
        state, reason = domain.state()
        active = bool(domain.isActive())
        paused = PAUSED.get(reason) if state == libvirt.VIR_DOMAIN_PAUSED else None
        return Domain(
            id=domain.UUIDString(),
            name=domain.name(),
            state=paused or STATES.get(state, "unknown"),
            active=active,
            busy=active and _busy(domain),
            tags=_tags(domain),
            addresses=_addresses(domain) if active else {},
            memory=domain.maxMemory(),
        )
    except libvirt.libvirtError as error:
        if error.get_error_code() in GONE:
            return None
        raise


def _busy(domain: Any) -> bool:
    try:
        return bool(domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE)
    except libvirt.libvirtError as error:
        if error.get_error_code() in UNTOLD:  # of a driver without jobs, or it has just stopped
            return False
        raise


def _tags(domain: Any) -> dict[str, str]:
    try:
        said = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, OUR_TAGS)
        return dict(ElementTree.fromstring(said).attrib)  # noqa: S314
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN_METADATA, *UNTOLD):
            return {}
        raise


def _addresses(domain: Any) -> dict[str, str]:
    """Return the addresses that libvirt's own networks lent it; of others there are none."""
    try:
        cards = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE) or {}
    except libvirt.libvirtError:  # an address less, which the node tells itself
        return {}
    found = [(one["type"], one["addr"]) for card in cards.values() for one in card["addrs"] or ()]
    kinds = {"private": libvirt.VIR_IP_ADDR_TYPE_IPV4, "ipv6": libvirt.VIR_IP_ADDR_TYPE_IPV6}
    return {name: next((a for k, a in found if k == kind), "") for name, kind in kinds.items()}


def without_questions(uri: str) -> str:
    """Return the address with which ssh asks for no password."""
    scheme, _, rest = uri.partition("://")
    if not scheme.endswith(("+ssh", "+libssh", "+libssh2")) or "no_tty=" in rest:
        return uri
    return f"{uri}{'&' if '?' in rest else '?'}no_tty=1"


def translated(uri: str, error: Exception, timeout: float) -> CloudError:
    """Return an error that names the host, what it says, and the mend."""
    mend = f"`virsh -r -c '{uri}' list` shows more"
    if isinstance(error, TimeoutError):
        return CloudError(f"libvirt: {uri} doesn't answer within {timeout:g} s", mend)
    code = error.get_error_code() if isinstance(error, libvirt.libvirtError) else None
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in str(error)).split())
    return CloudError(f"libvirt: {uri}: {said}", MENDS.get(code, mend))
