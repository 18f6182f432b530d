"""What a lab answers to each request: the fleet decides, the network follows.

Arguments are checked first (arguments.py), and a request that can't be served changes nothing.
"""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from keepapart import clouds
from keepapart.errors import DeniedError, KeepapartError, LabError, NotFoundError, UsageError
from keepapart.lab.arguments import COUNT, FLAG, RACKS, SECONDS, TAGS, TEXT, TEXTS, check
from keepapart.lab.habits import Boots, Views
from keepapart.lab.machines import Machines
from keepapart.lab.protocol import MAX_DESCRIPTORS, guests_folder
from keepapart.lab.world import stated
from keepapart.lab.world.lifecycle import Fleet, Guest
from keepapart.lab.world.topology import Host, Place
from keepapart.lab.world.world import World

_LAUNCH_TOKEN = "up-{cluster}-{number}"  # noqa: S105  # names a launch, guards nothing
MAX_FLOWS = 64


class LabNetwork(Protocol):
    """What a lab's instances are joined by: namespaces, or nothing at all in the simulated form."""

    kind: str

    def attach(self, places: Mapping[str, Place]) -> None:
        """Give instances a network. Raises `LabError`; then none of them has one."""

    def detach(self, ids: Iterable[str]) -> None:
        """Take it away again; ids that have none are passed over."""

    def move(self, guest_id: str, place: Place) -> None:
        """Let an instance go on at another place. Raises `LabError`; then it goes on where it was."""

    def fail(self, host: Host) -> None:
        """End the network of every instance on a host."""

    def sockets(self, guest_id: str, count: int, netlink: bool) -> list[socket.socket]:
        """Make UDP sockets inside an instance, and one to its kernel; none where it has no network."""

    def descriptors(self, guest_id: str) -> list[int]:
        """Return the namespaces to enter for an instance; they stay the network's own."""


@dataclass(slots=True)
class Response:
    """A document, and the descriptors that go with it; `after` closes what was opened for them."""

    document: object = None
    descriptors: list[int] = field(default_factory=list)
    after: ExitStack = field(default_factory=ExitStack)


class Service:
    """One lab: its instances, its network, and an answer for every request.

    `clock` gives seconds, from whenever; so many more as were told to `pass` have passed.
    """

    def __init__(
        self,
        name: str,
        world: World,
        network: LabNetwork,
        because: str,
        api: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.because, self.api = name, because, api
        self._passed = 0.0

        def now() -> float:
            return clock() + self._passed

        self.boots = Boots(world.platform.boot, now)
        self.views = Views(world.platform, now)
        self._protected = set(world.platform.protected)
        self.fleet = Fleet(world, self.views.note)
        self.machines = Machines(guests_folder(name), self.fleet.topology)
        self.network = network
        self._operations: dict[str, tuple[Callable[..., Response], Mapping[str, str]]] = {
            "hello": (self._hello, {}),
            "instances": (self._instances, {"tags": TAGS}),
            "describe": (self._describe, {"ids": TEXTS}),
            "guests": (self._guests, {}),
            "connected": (self._connected, {"ids": TEXTS}),
            "truth": (self._truth, {}),
            "launch": (self._launch, {"token": TEXT, "tags": TAGS, "parameters": TAGS}),
            "start": (self._start, {"instance": TEXT, "racks": RACKS}),
            "place": (self._place, {"instance": TEXT, "host": TEXT}),
            "hosts": (self._hosts, {}),
            "stop": (self._stop, {"instance": TEXT}),
            "terminate": (self._terminate, {"instance": TEXT}),
            "move": (self._move, {"instance": TEXT, "host": TEXT}),
            "tag": (self._tag, {"instance": TEXT, "tags": TAGS}),
            "protect": (self._protect, {"instance": TEXT, "on": FLAG}),
            "pass": (self._pass, {"seconds": SECONDS}),
            "fail": (self._fail, {"host": TEXT}),
            "sockets": (self._sockets, {"ids": TEXTS, "count": COUNT, "netlink": FLAG}),
            "hops": (self._hops, {"ids": TEXTS, "flows": COUNT}),
            "surroundings": (self._surroundings, {"ids": TEXTS}),
            "enter": (self._enter, {"instance": TEXT}),
            "connect": (self._connect_to, {"host": TEXT, "port": COUNT}),
        }
        self._launch_clusters()

    def go_on(self) -> None:
        """Let those come up whose boot is over. One that can't be built is never reached."""
        for guest_id in self.boots.over():
            guest = self.fleet.get(guest_id)
            with suppress(LabError):
                self._boot(guest)
            self.fleet.finish(guest_id)
            self.boots.end(guest_id)

    def answer(self, request: Mapping[str, Any]) -> Response:
        """Answer one request. Every error becomes an answer; none of them ends the lab."""
        self.go_on()
        try:
            arguments = dict(request)
            name = arguments.pop("do", None)
            if not isinstance(name, str) or name not in self._operations:
                raise UsageError(f"the lab can't do {name!r}")
            operation, wanted = self._operations[name]
            check(name, arguments, wanted)
            answer = operation(**arguments)
            answer.document = {"ok": answer.document}
            return answer
        except KeepapartError as error:
            return Response({"error": {"kind": type(error).__name__, "text": str(error)}})
        except Exception as error:  # a fault of the lab's own must not take every namespace with it
            return Response({"error": {"kind": "LabError", "text": f"{type(error).__name__}: {error}"}})

    def _hello(self) -> Response:
        return Response(
            {
                "name": self.name,
                "kind": self.network.kind,
                "because": self.because,
                "pid": os.getpid(),
                "api": self.api,
                "network": self.fleet.topology.world.network.kind,
                "vouches": self.fleet.topology.world.gateways_are_hosts,
            }
        )

    def _instances(self, tags: Mapping[str, str]) -> Response:
        return Response(
            [
                self._show(guest)
                for guest in self.views.listed()
                if guest.state != clouds.TERMINATED and tags.items() <= guest.tags.items()
            ]
        )

    def _describe(self, ids: list[str]) -> Response:
        return Response([self._show(guest) for guest in self.views.described(ids)])

    def _guests(self) -> Response:
        return Response([self._show(guest) for guest in self.fleet.guests()])

    def _connected(self, ids: list[str]) -> Response:
        return Response([guest.id for guest in map(self.fleet.find, ids) if guest and guest.connected])

    def _truth(self) -> Response:
        topology = self.fleet.topology
        return Response(
            {
                guest.id: {
                    "host": topology.host_name(guest.place.host),
                    "rack": topology.rack_name(guest.place.host),
                    "pod": topology.pod_name(guest.place.host),
                }
                for guest in self.fleet.guests()
                if guest.place
            }
        )

    def _launch(self, token: str, tags: Mapping[str, str], parameters: Mapping[str, str]) -> Response:
        guest = self.fleet.launch(token, tags, parameters)
        return self._connect(guest, partial(self.fleet.terminate, guest.id))

    def _start(self, instance: str, racks: list[str] | None) -> Response:
        guest = self.fleet.start(instance, racks)
        return self._connect(guest, partial(self.fleet.stop, instance))

    def _place(self, instance: str, host: str) -> Response:
        return Response(self._show(self.fleet.choose(instance, host)))

    def _hosts(self) -> Response:
        topology = self.fleet.topology
        return Response([topology.host_name(host) for host in topology.hosts()])

    def _stop(self, instance: str) -> Response:
        self._unprotected(instance, "stopped")
        self.fleet.stop(instance)
        self.boots.end(instance)
        self.network.detach([instance])
        return Response(self._show(self.fleet.finish(instance)))

    def _terminate(self, instance: str) -> Response:
        self._unprotected(instance, clouds.TERMINATED)
        guest = self.fleet.terminate(instance)
        self.boots.end(instance)
        self.network.detach([instance])
        self.machines.end(instance)
        return Response(self._show(guest))

    def _move(self, instance: str, host: str) -> Response:
        before = self.fleet.get(instance).place
        guest = self.fleet.move(instance, host)
        if guest.place and before and guest.place != before:
            try:
                self.network.move(instance, guest.place)
            except BaseException:
                self.fleet.move(instance, self.fleet.topology.host_name(before.host))
                raise
        return Response(self._show(guest))

    def _tag(self, instance: str, tags: Mapping[str, str]) -> Response:
        return Response(self._show(self.fleet.tag(instance, tags)))

    def _protect(self, instance: str, on: bool) -> Response:
        (self._protected.add if on else self._protected.discard)(instance)  # it may come later
        return Response()

    def _unprotected(self, instance: str, word: str) -> None:
        if instance in self._protected:
            raise DeniedError(f"{instance} is protected and can't be {word}")

    def _pass(self, seconds: float) -> Response:
        end = self._passed + seconds
        while (wait := self.boots.wait()) is not None and self._passed + wait < end:
            self._passed += wait  # so that each comes up in its own time, and is shown so
            self.go_on()
        self._passed = end
        self.go_on()
        return Response()

    def _fail(self, host: str) -> Response:
        failed = self.fleet.fail(host)
        self.network.fail(failed)
        return Response([guest.id for guest in self.fleet.guests() if guest.impaired and _on(guest, failed)])

    def _sockets(self, ids: list[str], count: int, netlink: bool) -> Response:
        each = count + netlink
        if len(ids) * each > MAX_DESCRIPTORS:
            raise UsageError(f"{len(ids)} times {each} sockets are more than {MAX_DESCRIPTORS} at once")
        answer = Response()
        families = []
        try:
            for guest_id in ids:
                made = self.network.sockets(guest_id, count, netlink)
                for one in made:
                    answer.after.enter_context(one)
                    answer.descriptors.append(one.fileno())
                if made:
                    families.append({"id": guest_id, "family": int(made[0].family)})
        except BaseException:
            answer.after.close()
            raise
        answer.document = families
        return answer

    def _hops(self, ids: list[str], flows: int) -> Response:
        if self.network.kind != "simulated":
            raise LabError("this lab is real: hop counts are measured there, not asked for")
        if flows > MAX_FLOWS:
            raise UsageError(f"{flows} flows are more than {MAX_FLOWS}")
        guests = [self.fleet.find(guest_id) for guest_id in ids]
        places = [guest.place if guest and guest.connected else None for guest in guests]
        from keepapart.lab.world.distance import hops, silenced  # numpy: a real lab does without

        answer = Response()
        file = answer.after.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the answer closes it
        for flow in range(flows):
            counts = hops(self.fleet.topology, places, flow)
            counts[silenced(self.fleet.topology, ids)] = 0
            file.write(counts.data)
        file.seek(0)  # also writes out; whoever gets the descriptor shares its position
        answer.descriptors.append(file.fileno())
        return answer

    def _surroundings(self, ids: list[str]) -> Response:
        topology = self.fleet.topology
        places = {g.id: g.place for g in map(self.fleet.find, ids) if g and g.connected and g.place}
        return Response(
            {
                guest_id: {
                    "own": not topology.floating(place),
                    "gateway": topology.gateway(place),
                    "mac": topology.gateway_mac(place.host),
                }
                for guest_id, place in places.items()
            }
        )

    def _enter(self, instance: str) -> Response:
        self.fleet.get(instance)
        return Response(descriptors=self.network.descriptors(instance))

    def _connect_to(self, host: str, port: int) -> Response:
        from keepapart.lab.ssh.sshd import WithSshd

        if not isinstance(self.network, WithSshd):
            raise LabError(
                f"lab {self.name!r} runs no sshd", "`keepapart lab up WORLD --sshd` brings up one that does"
            )
        named = [g for g in self.fleet.guests() if host in (g.id, self._show(g)["address"])]
        if not named:
            raise NotFoundError(f"no instance {host!r} in this lab")
        answer = Response()
        answer.descriptors.append(
            answer.after.enter_context(self.network.connect(named[-1].id, port)).fileno()
        )
        return answer

    def _connect(self, guest: Guest, undo: Callable[[], Guest]) -> Response:
        """Let an instance that was launched or started boot, unless it has already."""
        if guest.place and not guest.up:
            if self.boots.seconds:
                self.boots.begin(guest.id)
                return Response(self._show(guest))
            try:
                self._boot(guest)
            except BaseException:
                undo()
                self.fleet.finish(guest.id)
                raise
        return Response(self._show(self.fleet.finish(guest.id)))

    def _boot(self, guest: Guest) -> None:
        if guest.place and not guest.impaired:
            self.machines.start({guest.id: guest.place})
            self.network.attach({guest.id: guest.place})

    def _launch_clusters(self) -> None:
        launched = [
            self.fleet.launch(
                _LAUNCH_TOKEN.format(cluster=cluster.name, number=number),
                {clouds.CLUSTER_TAG: cluster.name, clouds.ROLE_TAG: clouds.MEMBER},
                {},
            )
            for cluster in self.fleet.topology.world.clusters
            for number in range(1, cluster.size + 1)
        ]
        places = {guest.id: guest.place for guest in launched if guest.place}
        self.machines.start(places)
        self.network.attach(places)
        for guest in launched:
            self.fleet.finish(guest.id)
        self.views.begin()

    def _show(self, guest: Guest) -> dict[str, Any]:
        facts = {"health": "impaired"} if guest.impaired else {}
        facts |= stated.facts(self.fleet.topology, guest.id, guest.place, guest.launched)
        address = self.fleet.topology.listed(guest.place) if guest.place else ""
        return {"id": guest.id, "address": address, "state": guest.state, "tags": guest.tags, "facts": facts}


def _on(guest: Guest, host: Host) -> bool:
    return guest.place is not None and guest.place.host == host
