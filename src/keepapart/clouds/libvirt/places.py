"""Which hosts are one machine, and on which of them each domain is. Pure.

Rules:
1. A machine is known by its own id, never by its address: two addresses of one would be two hosts, and
   co-residents called separate. Its name, where no other has that, is what people read.
2. Boards of some makers share one id, and some have none: machines of one id and several names, and machines
   without an id, aren't known, and nothing is stated of their domains.
3. libvirt's test driver is a world of its own for each address.
4. A domain that several hosts have defined is where it is active. One that is active on two is on its way
   from one to the other, and so may be one with a job: nothing is stated of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from keepapart.clouds import RUNNING
from keepapart.clouds.libvirt.host import Domain, Host
from keepapart.clouds.listed import Listed
from keepapart.clouds.tags import Spelling

TAGS = Spelling("")
NOBODYS_IDS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
    }
)
NO_NAMES = ("", "localhost", "localhost.localdomain")


def listed(hosts: Sequence[Host]) -> list[Listed]:
    """Return all domains of these hosts, each once."""
    called = machines(hosts)
    having: defaultdict[str, list[tuple[str, Domain]]] = defaultdict(list)
    for host in hosts:
        for domain in host.domains:
            having[domain.id].append((called[host.uri], domain))
    return [_listed(every) for every in having.values()]


def _listed(every: Sequence[tuple[str, Domain]]) -> Listed:
    active = [(machine, domain) for machine, domain in every if domain.active]
    machine, domain = next(iter(active), every[0])
    alone = machine != "" and {machine} == {where for where, _ in active}
    return Listed(
        id=domain.id,
        name=domain.name,
        state=_state(active) or domain.state,
        tags=TAGS.of_labels(domain.tags),
        whose={"platform": "libvirt"},
        place={"host": machine},
        settled=alone and not any(one.busy for _, one in active),
        addresses=domain.addresses,
        alike={"host": machine if alone else ""},
    )


def _state(active: Iterable[tuple[str, Domain]]) -> str:
    """Return "running" where it runs anywhere: what is paused beside it is where it will run."""
    return RUNNING if any(domain.state == RUNNING for _, domain in active) else ""


def machines(hosts: Sequence[Host]) -> Mapping[str, str]:
    """Return what the machine of each address is called; empty where it isn't known."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for host in hosts:
        names[host.uuid].add(host.hostname)
    taken = Counter(name for ones in names.values() for name in ones)

    def called(host: Host) -> str:
        if host.driver == "TEST":
            return host.uri
        if not host.uuid or host.uuid in NOBODYS_IDS or len(names[host.uuid]) > 1:
            return ""
        readable = host.hostname not in NO_NAMES and taken[host.hostname] == 1
        return host.hostname if readable else f"{host.hostname} {host.uuid}".strip()

    return {host.uri: called(host) for host in hosts}
