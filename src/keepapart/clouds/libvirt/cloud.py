"""libvirt, behind the protocol of every cloud: a launch is a domain like the template, on a chosen host.

Rules:
1. The client chooses the identity (`once`, IDENTITY): UUID and name follow from the token. libvirt takes a
   definition that it has once more, so whatever has the UUID or the name on any host is looked at before.
2. A launch is definition, disks, start, each looked for before it is done: the same call goes on where the
   one before broke off. The definition comes first, with the tags and the disks in it, so that a `start`
   finishes it too.
3. What has no room for its disks or its start, or can't have them, is removed before that is said.
4. Ended is ended with the volumes that were made for it, its NVRAM, saved memory and snapshots. Other disks
   stay: those of a domain that was made by hand, and those that were attached later.
5. Start and stop may be repeated. A guest that doesn't listen has its plug pulled by a stop that comes
   `SHUTDOWN_WITHIN` seconds after the first.
6. One that is defined on several hosts is ended and tagged on all of them, and starts on one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import libvirt

from keepapart.clouds import CLUSTER_TAG, LIVE, NOTE, RUNNING, LaunchRequest
from keepapart.clouds.libvirt import definition, domain, moving
from keepapart.clouds.libvirt.acting import on
from keepapart.clouds.libvirt.definition import Volume, labels
from keepapart.clouds.libvirt.host import Domain, Host, ask, look
from keepapart.clouds.libvirt.places import TAGS, listed
from keepapart.clouds.libvirt.placing import There, Where, choose, everywhere, known
from keepapart.clouds.libvirt.settings import Settings
from keepapart.clouds.listed import ListedCloud
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of, uuid_of
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError
from keepapart.model import Instance

SHUTDOWN_WITHIN = 60.0  # seconds for a guest to shut down by itself
DISK = "disk:"  # of a parameter: the volume under a disk, by its place in the guest


class LibvirtCloud(ListedCloud):
    """The hosts that `[cloud]` names; see `clouds.Cloud`, `Chooser`, `Placer`, `Staying`."""

    stays = "a domain that is stopped and started stays on its host"

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("libvirt", settings, lambda: listed(self._asked()), lambda: None)
        self._chosen, self._clock = settings, clock
        self._migrations = moving.Migrations()
        self._stopping: dict[str, float] = {}  # by id: when a guest was first told to shut down

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Choose the host, and tell which volumes are under the disks there."""
        where, template = self._place(tags)
        bases = self._on(where.uri, lambda host: domain.bases_of(host, template.id))
        return {
            "host": where.uri,
            "template": template.id,
            **{f"{DISK}{target}": str(base) for target, base in bases.items()},
            NOTE: f"on host {where.machine}, which has no member",
        }

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say on which host the next one would go; one launch is enough there."""
        try:
            return f"on host {self._place(tags)[0].machine}, which has no member: one launch is enough"
        except CloudError as error:
            return str(error)

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one domain, or return the one that this token launched before, by rules 1 to 3."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        look, define = (lambda: self._namesakes(request)), (lambda: self._defined(request))
        made = launched(Kind.IDENTITY, request, look, define)
        uri = self._having(made)[0].uri
        try:
            self._on(uri, lambda host: domain.start(host, made))
        except (CapacityError, RefusedError):
            with suppress(NotFoundError):
                self.terminate(made)
            raise
        return self._as_listed(made)

    def start(self, instance_id: str) -> None:
        """Start a stopped domain, where it is."""
        self._on(self._having(instance_id)[0].uri, lambda host: domain.start(host, instance_id))

    def stop(self, instance_id: str) -> None:
        """Have a domain shut down, and pull the plug where it doesn't listen (rule 5)."""
        there = self._having(instance_id)[0]
        if there.domain.state == RUNNING:
            first = self._stopping.setdefault(instance_id, self._clock())
            pulls = self._clock() - first >= SHUTDOWN_WITHIN
            self._on(there.uri, lambda host: domain.stop(host, instance_id, pulls=pulls))
        else:
            self._stopping.pop(instance_id, None)

    def terminate(self, instance_id: str) -> None:
        """End a domain for good, by rule 4."""
        for there in self._having(instance_id):
            with suppress(NotFoundError):
                self._on(there.uri, lambda host: domain.end(host, instance_id))

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        for there in self._having(instance_id):
            text = definition.tags_element({**there.domain.tags, **labels(tags)})
            self._on(there.uri, partial(domain.tag, instance_id=instance_id, element=text))

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Choose the host, by `moving`; nothing has to be made for it."""
        del make
        hosts = self._asked()
        here = self._having(instance_id, hosts)[0]
        return moving.placement(here, known(hosts), self._taken(hosts, tags, instance_id), host, self._on)

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a domain be on the host that was chosen, by `moving`."""
        if LIVE in parameters:
            self._migrations.place(instance_id, parameters, self._having, self._on)
        else:
            moving.place(self._having(instance_id), parameters["host"], self._on)

    def _place(self, tags: Mapping[str, str]) -> tuple[Where, Domain]:
        """Choose the host of the next launch; return it, and the template there."""
        if not (wanted := self._chosen.template):
            raise ConfigError("[cloud] template: none is set", "name the domain that instances are made like")
        labels(tags)
        hosts = self._asked()
        there = everywhere(hosts)
        templates = {one.uri: one.domain for one in there if wanted in (one.domain.name, one.domain.id)}
        if not templates:
            raise ConfigError(
                f"[cloud] template: no host has a domain {wanted!r}", "`virsh list --all` shows what there is"
            )
        for uri, each in templates.items():
            if each.active:
                raise ConfigError(f"[cloud] template: {wanted!r} runs on {uri}", "shut it down")
        cluster = {CLUSTER_TAG: tags.get(CLUSTER_TAG, "")}.items()
        beside = [one.machine for one in there if cluster <= TAGS.of_labels(one.domain.tags).items()]
        memory = {uri: each.memory for uri, each in templates.items()}
        chosen = choose(known(hosts), memory, self._taken(hosts, tags), beside)
        if chosen is None:
            named = ", ".join(sorted({one.machine for one in known(hosts) if one.uri in templates}))
            raise RefusedError(
                f"libvirt: every host that may be used has a member already: {named or 'none is known'}",
                "add a host that has the template, or look at [cloud] hosts",
            )
        return chosen, templates[chosen.uri]

    def _taken(self, hosts: Sequence[Host], tags: Mapping[str, str], without: str = "") -> set[str]:
        """Return the machines that have members, running or not."""
        members = self._members(tags) - {without}
        return {one.machine for one in everywhere(hosts) if one.domain.id in members}

    def _namesakes(self, request: LaunchRequest) -> list[Namesake]:
        """Look what has the UUID or the name, on any host."""
        own = uuid_of(request.token), name_of(request.token)

        def is_ours(one: Domain) -> bool:
            return (one.id, one.name) == own and carries(TAGS.of_labels(one.tags), request)

        there = [each.domain for each in everywhere(self._asked())]
        return [Namesake(one.id, is_ours(one)) for one in there if one.id in own or one.name in own]

    def _defined(self, request: LaunchRequest) -> str:
        said, uuid = request.parameters, uuid_of(request.token)

        def define(host: Any) -> None:
            try:
                template = domain.text_of(host, said["template"])
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    raise
                gone = f"libvirt: {said['host']} has no domain {said['template']} any more"
                raise RefusedError(gone, "look at [cloud] template") from error
            tags, name = labels(request.tags), name_of(request.token)
            host.defineXML(definition.made(template, name, uuid, tags, _bases(request)))

        self._on(said["host"], define)
        return uuid

    def _having(self, instance_id: str, hosts: Sequence[Host] | None = None) -> list[There]:
        """Return the hosts that have a domain, where it is active first. Raises `NotFoundError`."""
        there = everywhere(self._asked() if hosts is None else hosts)
        if found := [one for one in there if one.domain.id == instance_id]:
            return found
        raise NotFoundError(f"libvirt: no host has a domain {instance_id}")

    def _asked(self) -> list[Host]:
        return ask(self._chosen.hosts, timeout=self._chosen.timeout, tries=self._chosen.tries, look=look)

    def _on(self, uri: str, act: Callable[[Any], Any]) -> Any:
        return on(uri, act, timeout=self._chosen.timeout)


def _bases(request: LaunchRequest) -> dict[str, Volume]:
    said = request.parameters
    return {name.removeprefix(DISK): Volume.read(said[name]) for name in said if name.startswith(DISK)}
