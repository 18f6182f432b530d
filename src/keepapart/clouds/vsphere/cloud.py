"""vSphere, behind the protocol of every cloud: a launch is a clone of a template, on a chosen host.

Rules:
1. The name is the identity (`once`, NAME): it follows from the token, and a folder has it only once. Tags are
   in the call that clones. A clone that may be at work is waited for: its machine shows before its tags do,
   and the task is one of the template's.
2. A launch is clone, host, power, each looked for before it is done: the same call goes on where the one
   before broke off. While a task is at work, that is `UnsettledError`.
3. A clone that can't be powered on, for want of room or for good, is destroyed before that is said.
4. Ended is ended with all its disks, also those that were attached later: vSphere destroys them together.
5. Start and stop may be repeated. A guest whose tools don't run has its plug pulled, and so has one that
   doesn't listen, by a stop that comes `SHUTDOWN_WITHIN` seconds after the first.
6. A machine moves by being relocated to a host that has its datastores, as it runs (vMotion) or stopped;
   nothing is copied. A task of its own, this one or another, is waited for.
7. Who may not relocate what runs, for want of a right or a licence, may well relocate what is stopped: that
   is refused, not denied.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from pyVmomi import vim

from keepapart.clouds import CLUSTER_TAG, LIVE, MEMBER, NOTE, ROLE_TAG, RUNNING, STOPPED, LaunchRequest
from keepapart.clouds.listed import ListedCloud
from keepapart.clouds.once import ExistsError, Kind, Namesake, carries, launched, name_of
from keepapart.clouds.vsphere import placing, rules
from keepapart.clouds.vsphere.faults import BUSY
from keepapart.clouds.vsphere.inventory import Host, Inventory, Machine, extra_config, listed, read
from keepapart.clouds.vsphere.session import Session
from keepapart.clouds.vsphere.settings import Settings
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance

SHUTDOWN_WITHIN = 60.0  # seconds for a guest to shut down by itself


class VsphereCloud(ListedCloud):
    """One vCenter; see `clouds.Cloud`, `Chooser`, `Placer`, `Staying`, `Located`."""

    stays = "a machine that is stopped and started stays on its host"

    def __init__(
        self, session: Session, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("vsphere", settings, lambda: listed(self._looked()), session.close)
        self._session, self._chosen, self._clock = session, settings, clock
        self._cloning: dict[str, Any] = {}  # by token: the task that its launch waits for
        self._relocating: dict[str, Any] = {}  # by id: the task that a machine is relocated by
        self._stopping: dict[str, float] = {}  # by id: when a guest was first told to shut down

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Choose the host, and find all else that the clone is told, by its id."""
        inventory = self._looked()
        template, host = self._place(inventory, tags)
        said = {
            "template": template.itself,
            "host": host.itself,
            "pool": placing.pool_of(inventory, self._chosen, host),
            "folder": self._by_name(inventory, "folder", vim.Folder) or template.folder,
            "datastore": self._by_name(inventory, "datastore", vim.Datastore),
        }
        ids = {name: str(one._moId) for name, one in said.items() if one is not None}
        return {**ids, NOTE: f"on host {host.name}, which has no member"}

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say on which host the next one would go; one launch is enough there."""
        try:
            host = self._place(self._looked(), tags)[1]
        except CloudError as error:
            return str(error)
        return f"on host {host.name}, which has no member: one launch is enough"

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one machine, or return the one that this token launched before, by rules 1 to 3."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        with suppress(ExistsError):  # what exists is looked at
            self._cloned(request)
        launched(Kind.NAME, request, lambda: self._namesakes(request), lambda: self._clone(request))
        machine = self._launched(request)
        try:
            self._power_on(machine, request)
        except (CapacityError, RefusedError):
            with suppress(NotFoundError):
                self.terminate(machine.id)
            raise
        return self._as_listed(machine.id)

    def start(self, instance_id: str) -> None:
        """Start a stopped machine, where it is."""
        machine = self._machine(instance_id)
        if machine.state != RUNNING:
            self._task(machine.itself.PowerOnVM_Task)

    def stop(self, instance_id: str) -> None:
        """Have a machine shut down, and pull the plug where it doesn't listen (rule 5)."""
        machine = self._machine(instance_id)
        if machine.state != RUNNING:
            self._stopping.pop(instance_id, None)
            return
        first = self._stopping.setdefault(instance_id, self._clock())
        if machine.listens and self._clock() - first < SHUTDOWN_WITHIN:
            self._session.change(machine.itself.ShutdownGuest)
        else:
            self._task(machine.itself.PowerOffVM_Task)

    def terminate(self, instance_id: str) -> None:
        """End a machine for good, by rule 4."""
        machine = self._machine(instance_id)
        if machine.state != STOPPED:
            self._task(machine.itself.PowerOffVM_Task)
        with suppress(NotFoundError):
            self._task(machine.itself.Destroy_Task)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are; where a rule is wanted, a member is in it first."""
        inventory = self._looked()
        machine = self._machine(instance_id, inventory)
        if self._chosen.drs_rule and tags.get(ROLE_TAG) == MEMBER:
            rules.keep(self._session, inventory, machine, self._chosen.timeout)
        self._task(machine.itself.ReconfigVM_Task, vim.vm.ConfigSpec(extraConfig=extra_config(tags)))

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Choose a host that has no other member, and the machine's datastores; nothing is ever made."""
        del make
        inventory = self._looked()
        machine = self._machine(instance_id, inventory)
        taken = self._taken(inventory, tags, instance_id)
        chosen = placing.another(inventory, self._chosen, machine, taken, host)
        if isinstance(chosen, str):
            return {NOTE: chosen}
        here, live = inventory.hosts.get(machine.host), machine.state == RUNNING
        said = {"host": chosen.itself}
        if here is None or chosen.within != here.within:
            said["pool"] = placing.pool_of(inventory, self._chosen, chosen)
        return {
            **{name: str(one._moId) for name, one in said.items()},
            **({LIVE: "yes"} if live else {}),
            NOTE: f"on host {chosen.name}, which has no other member",
        }

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a machine be on the host that was chosen, by rules 6 and 7."""
        machine = self._machine(instance_id)
        if machine.state == RUNNING and LIVE not in parameters:
            raise RefusedError(f"vsphere: {machine.name} runs: only what is stopped is placed anew")
        try:
            with _while_busy():
                self._relocate(machine, parameters)
        except DeniedError as error:
            if LIVE not in parameters:
                raise
            raise RefusedError(error.cause, error.mend) from error

    def where(self) -> Mapping[str, str]:
        """Tell the vCenter's own id, within which machines and hosts mean something."""
        return {"vcenter": self._looked().project}

    def _place(self, inventory: Inventory, tags: Mapping[str, str]) -> tuple[Machine, Host]:
        """Choose the template to clone, and the host that the clone goes to."""
        if not self._session.content.customFieldsManager:
            raise ConfigError("[cloud] server: an ESXi host by itself clones nothing", "name a vCenter")
        template = placing.template(inventory, self._chosen.template)
        here = inventory.hosts.get(template.host)
        named = self._by_name(inventory, "datastore", vim.Datastore)
        needs = template.datastores if named is None else {named}
        hosts = placing.serving(inventory, self._chosen, here.within if here else None, needs)
        cluster = {CLUSTER_TAG: tags.get(CLUSTER_TAG, "")}.items()
        beside = [self._host_of(inventory, one) for one in inventory.machines if cluster <= one.tags.items()]
        chosen = placing.choose(hosts, template.memory, self._taken(inventory, tags), beside)
        if chosen is None:
            there = ", ".join(sorted(one.name for one in hosts)) or "none serves"
            raise RefusedError(
                f"vsphere: every host that may be used has a member already: {there}",
                "add a host, or look at [cloud] hosts and datastore",
            )
        return template, chosen

    def _by_name(self, inventory: Inventory, key: str, kind: Any) -> Any:
        name = getattr(self._chosen, key)
        return placing.one_named(inventory, key, kind, name) if name else None

    def _taken(self, inventory: Inventory, tags: Mapping[str, str], without: str = "") -> set[str]:
        """Return the hosts that have members, running or not."""
        members = self._members(tags) - {without}
        return {self._host_of(inventory, one) for one in inventory.machines if one.id in members}

    def _host_of(self, inventory: Inventory, machine: Machine) -> str:
        host = inventory.hosts.get(machine.host)
        return host.name if host else ""

    def _namesakes(self, request: LaunchRequest) -> list[Namesake]:
        """Look what has the name, and what may be on its way to it (rule 1)."""
        inventory, name = self._looked(), name_of(request.token)
        found = [
            Namesake(one.id, carries(one.tags, request) if one.told else None)
            for one in inventory.machines
            if one.name == name
        ]
        source = request.parameters["template"]
        at_work = [one for one in inventory.machines if one.itself._moId == source and one.busy]
        if not found and at_work and request.sent is not None:
            return [Namesake(at_work[0].id, None)]
        return found

    def _clone(self, request: LaunchRequest) -> str:
        said = request.parameters
        spec = vim.vm.CloneSpec(
            location=self._location(said),
            config=vim.vm.ConfigSpec(extraConfig=extra_config(request.tags)),
            powerOn=False,
            template=False,
        )
        template, folder = self._object(vim.VirtualMachine, said, "template"), self._object(vim.Folder, said)
        name = name_of(request.token)
        with _what_is_gone():
            self._cloning[request.token] = self._session.change(
                lambda: template.CloneVM_Task(folder, name, spec)
            )
        self._cloned(request)
        return name

    def _cloned(self, request: LaunchRequest) -> None:
        """See that the clone is made which this process has begun for a token."""
        if task := self._cloning.pop(request.token, None):
            with _what_is_gone():
                over = self._session.is_over(task, self._chosen.timeout)
            if not over:
                self._cloning[request.token] = task
                raise UnsettledError("vsphere: a template is being cloned")

    def _launched(self, request: LaunchRequest) -> Machine:
        """Return the machine of a token."""
        name = name_of(request.token)
        for one in self._looked().machines:
            if one.name == name and carries(one.tags, request):
                return one
        raise UnsettledError(f"vsphere: {name} was cloned, and doesn't show yet")

    def _power_on(self, machine: Machine, request: LaunchRequest) -> None:
        """Have a clone run on its host; a stopped one may have been moved meanwhile."""
        if machine.state != STOPPED:
            return
        with _while_busy():
            self._relocate(machine, request.parameters)
            if not self._task(machine.itself.PowerOnVM_Task):
                raise UnsettledError(f"vsphere: {machine.name} is being powered on")

    def _relocate(self, machine: Machine, said: Mapping[str, str]) -> None:
        """Have a machine be on the host that was chosen, by rule 6."""
        task = self._relocating.pop(machine.id, None)
        if task is None:
            if machine.busy:
                raise UnsettledError(f"vsphere: {machine.name} has a task of its own")
            if machine.host is not None and machine.host._moId == said["host"]:
                return
            call = machine.itself.RelocateVM_Task
            task = self._session.change(lambda: call(self._location({**said, "datastore": ""})))
        if not self._session.is_over(task, self._chosen.timeout):
            self._relocating[machine.id] = task
            raise UnsettledError(f"vsphere: {machine.name} is being relocated")

    def _location(self, said: Mapping[str, str]) -> Any:
        kinds = {"host": vim.HostSystem, "pool": vim.ResourcePool, "datastore": vim.Datastore}
        return vim.vm.RelocateSpec(
            **{name: self._object(kind, said, name) for name, kind in kinds.items() if said.get(name)}
        )

    def _object(self, kind: Any, said: Mapping[str, str], name: str = "folder") -> Any:
        """Return an object by the id that was journalled."""
        return kind(said[name], self._session.stub)

    def _task(self, call: Callable[..., Any], *what: Any) -> bool:
        """Do something by a task, and wait for it `timeout` seconds; say whether it is done then."""
        task = self._session.change(lambda: call(*what))
        return self._session.is_over(task, self._chosen.timeout)

    def _machine(self, instance_id: str, inventory: Inventory | None = None) -> Machine:
        for one in (inventory or self._looked()).machines:
            if one.id == instance_id and not one.template:
                return one
        raise NotFoundError(f"vsphere: there is no machine {instance_id}")

    def _looked(self) -> Inventory:
        return self._session.asked(read)


@contextmanager
def _while_busy() -> Iterator[None]:
    """Say of a machine with another task that the same call is to be made again."""
    try:
        yield
    except CloudError as error:
        if isinstance(error.__cause__, BUSY):
            raise UnsettledError(error.cause) from error
        raise


@contextmanager
def _what_is_gone() -> Iterator[None]:
    """Say of a clone that what it needs is gone: the next attempt chooses anew."""
    try:
        yield
    except NotFoundError as error:
        mend = "the template, or where its clone was to go, may be gone: look at [cloud]"
        raise RefusedError(error.cause, mend) from error
