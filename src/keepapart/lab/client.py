"""The way into a lab: find one or bring one up, and ask it for what a cloud is asked for, and for sockets.

Nothing here needs any privilege: a socket keeps the namespace that it was made in, whoever holds it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from keepapart import errors
from keepapart.clouds import LaunchRequest
from keepapart.errors import LabError
from keepapart.lab import protocol
from keepapart.lab.netns import linux
from keepapart.lab.world.world import World
from keepapart.model import Instance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an instance truly is; `pod` is empty where its rack is in none."""

    host: str
    rack: str
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab. `kind` is `netns` or `simulated`; `because` says why it is simulated.

    `api` is the address at which it answers a cloud's API, or empty; `network` what kind of network it has,
    as its world file says; it `vouches` for it where hosts are gateways.
    Every method may raise `LabError`, those that name an instance `NotFoundError`.
    """

    name: str
    kind: str
    because: str
    pid: int
    api: str = ""
    network: str = ""
    vouches: bool = False

    @staticmethod
    def find(name: str | None = None) -> Lab:
        """Return the lab of this name, or the only one that runs. Raises `LabError` naming the mend."""
        running = labs()
        if name is None and len(running) != 1:
            if not running:
                raise LabError("no lab is running", "`keepapart lab up WORLD` brings one up")
            raise LabError(
                f"several labs are running ({', '.join(running)}): say which (--lab NAME, or lab in [cloud])"
            )
        if name is not None and name not in running:
            there = f"there is {', '.join(running)}" if running else "none is"
            raise LabError(f"no lab named {name!r} is running", there)
        return Lab(**_ask(name or running[0], "hello")[0])

    def down(self) -> None:
        """End the lab and everything in it."""
        _ask(self.name, "down")

    def instances(self, tags: Mapping[str, str] | None = None) -> list[Instance]:
        """List the instances that the platform shows with all of these tags, terminated ones left out."""
        return [self._instance(shown) for shown in _ask(self.name, "instances", tags=dict(tags or {}))[0]]

    def guests(self) -> list[Instance]:
        """List every instance there ever was as it is, however the platform's answers lag."""
        return [self._instance(shown) for shown in _ask(self.name, "guests")[0]]

    def connected(self, ids: Iterable[str]) -> frozenset[str]:
        """Say which of these have a network now: they have booted, on a host that has not failed."""
        return frozenset(_ask(self.name, "connected", ids=list(ids))[0])

    def describe(self, ids: Iterable[str]) -> dict[str, Instance]:
        """Tell the state that the platform shows of these; unknown ids are left out."""
        shown = _ask(self.name, "describe", ids=list(ids))[0]
        return {one["id"]: self._instance(one) for one in shown}

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that the token launched before. Raises `CapacityError`."""
        return self._instance(
            _ask(
                self.name,
                "launch",
                token=request.token,
                tags=dict(request.tags),
                parameters=dict(request.parameters),
            )[0]
        )

    def start(self, instance_id: str, racks: Sequence[str] | None = None) -> Instance:
        """Start a stopped instance: it gets a new place, in one of these racks, and a new address."""
        within = list(racks) if racks is not None else None
        return self._instance(_ask(self.name, "start", instance=instance_id, racks=within)[0])

    def place(self, instance_id: str, host: str) -> Instance:
        """Have a stopped instance start on this host, the next time. Raises `NotFoundError`."""
        return self._instance(_ask(self.name, "place", instance=instance_id, host=host)[0])

    def hosts(self) -> list[str]:
        """Name the lab's hosts, rack by rack."""
        names: list[str] = _ask(self.name, "hosts")[0]
        return names

    def stop(self, instance_id: str) -> Instance:
        """Stop an instance: it keeps its id and tags, and loses its place."""
        return self._instance(_ask(self.name, "stop", instance=instance_id)[0])

    def terminate(self, instance_id: str) -> Instance:
        """End an instance for good."""
        return self._instance(_ask(self.name, "terminate", instance=instance_id)[0])

    def move(self, instance_id: str, host: str) -> Instance:
        """Migrate a running instance to another host: its id and its address stay. Raises `CapacityError`."""
        return self._instance(_ask(self.name, "move", instance=instance_id, host=host)[0])

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> Instance:
        """Set these tags, leaving others as they are."""
        return self._instance(_ask(self.name, "tag", instance=instance_id, tags=dict(tags))[0])

    def protect(self, instance_id: str, *, on: bool = True) -> None:
        """Have the platform refuse to stop or terminate an instance, or allow it again."""
        _ask(self.name, "protect", instance=instance_id, on=on)

    def let_pass(self, seconds: float) -> None:
        """Let so many seconds pass in the lab at once: boots go on, and what lags catches up."""
        _ask(self.name, "pass", seconds=seconds)

    def fail(self, host: str) -> list[str]:
        """Fail a host; return the ids of the instances that lost their network with it."""
        failed: list[str] = _ask(self.name, "fail", host=host)[0]
        return failed

    def truth(self) -> dict[str, Whereabouts]:
        """Say where every instance truly is; those without a place are left out."""
        return {guest_id: Whereabouts(**where) for guest_id, where in _ask(self.name, "truth")[0].items()}

    def sockets(
        self, ids: Sequence[str], count: int, *, netlink: bool = False
    ) -> dict[str, list[socket.socket]]:
        """Return `count` new, unbound, non-blocking UDP sockets inside each instance.

        With `netlink` there is one more, which asks the instance's own kernel. Instances without a network
        are left out. The sockets are the caller's to close.
        """
        linux.raise_descriptor_limit()
        per_guest = count + netlink
        at_once = max(1, protocol.MAX_DESCRIPTORS // per_guest)
        found: dict[str, list[socket.socket]] = {}
        try:
            for start in range(0, len(ids), at_once):
                asked = list(ids[start : start + at_once])
                made, numbers = _ask(self.name, "sockets", ids=asked, count=count, netlink=netlink)
                for place, guest in enumerate(made):
                    families = [guest["family"]] * count + [socket.AF_NETLINK] * netlink
                    theirs = numbers[place * per_guest : (place + 1) * per_guest]
                    found[guest["id"]] = [_adopt(*both) for both in zip(theirs, families, strict=True)]
        except BaseException:
            for sockets in found.values():
                for each in sockets:
                    each.close()
            raise
        return found

    def hops(self, ids: Sequence[str], flows: int) -> NDArray[np.uint8]:
        """Return the computed hop counts `[flows, from, to]` of a simulated lab; 0 is not measured."""
        import numpy as np

        _, (number,) = _ask(self.name, "hops", ids=list(ids), flows=flows)
        with open(number, "rb") as file:  # noqa: PTH123  # a descriptor, not a path
            counts = np.fromfile(file, dtype=np.uint8)
        return counts.reshape(flows, len(ids), len(ids))

    def surroundings(self, ids: Sequence[str]) -> dict[str, tuple[bool, str, str]]:
        """Say of each whether its listed address is its `own`, and its gateway's address and MAC.

        The latter is empty where the world file doesn't choose it.
        """
        found: dict[str, dict[str, Any]] = _ask(self.name, "surroundings", ids=list(ids))[0]
        return {guest_id: (one["own"], one["gateway"], one["mac"]) for guest_id, one in found.items()}

    def exec(self, instance_id: str, argv: Sequence[str]) -> int:
        """Run a command inside an instance on this process's own terminal; return its exit code."""
        doors = self.doors(instance_id)
        try:
            code = subprocess.run([*entering(doors), *argv], pass_fds=doors, check=False).returncode
            return code if code >= 0 else 128 - code  # ended by a signal: as a shell tells it
        finally:
            for door in doors:
                os.close(door)

    def doors(self, instance_id: str) -> list[int]:
        """Return descriptors of an instance's namespaces, for `entering`. They are the caller's to close."""
        return _ask(self.name, "enter", instance=instance_id)[1]

    def _instance(self, shown: Mapping[str, Any]) -> Instance:
        return Instance(
            id=shown["id"],
            address=shown["address"],
            reach=f"{self.kind}:{shown['id']}@{self.name}",
            state=shown["state"],
            tags=MappingProxyType(shown["tags"]),
            facts=MappingProxyType(shown["facts"]),
        )


def labs() -> list[str]:
    """Name this user's running labs, in order; what a killed one left behind is removed."""
    running = []
    for path in sorted(protocol.folder().glob("*.sock")):
        try:
            protocol.ask(path, {"do": "hello"})
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            shutil.rmtree(protocol.guests_folder(path.stem), ignore_errors=True)
        except (OSError, LabError):  # it is just going down
            continue
        else:
            running.append(path.stem)
    return running


def entering(doors: Sequence[int]) -> list[str]:
    """Return the beginning of a command line that runs its rest behind these `doors`."""
    return [sys.executable, "-P", "-m", "keepapart.lab.netns.nsenter", ",".join(map(str, doors))]


@contextmanager
def running(
    world: World, *, name: str | None = None, simulated: bool = False, sshd: bool = False, api: str = ""
) -> Iterator[Lab]:
    """Bring a lab up as `up` does, for the length of a block: it ends with this process at the latest."""
    read_end, write_end = os.pipe()
    try:
        lab = up(world, name=name, simulated=simulated, sshd=sshd, api=api, lifeline=read_end)
        try:
            yield lab
        finally:
            with suppress(LabError):  # it may have ended by itself
                lab.down()
    finally:
        os.close(write_end)
        os.close(read_end)


def up(
    world: World,
    *,
    name: str | None = None,
    simulated: bool = False,
    sshd: bool = False,
    api: str = "",
    lifeline: int | None = None,
) -> Lab:
    """Bring a lab up, with `sshd` in every instance if asked for; return when it answers. Raises `LabError`.

    With `api` ("ec2") it answers that cloud's API too, at `Lab.api`.
    Where namespaces can't be had it is simulated and says so (`kind`, `because`). With a `lifeline`, the read
    end of a pipe, the lab ends when the write end closes: nothing survives whoever holds that.
    """
    order = {
        "name": name or world.name,
        "world": world.document(),
        "simulated": simulated,
        "sshd": sshd,
        "api": api,
        "lifeline": lifeline,
    }
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "keepapart.lab.daemon"],  # not from whatever folder this is
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[] if lifeline is None else [lifeline],
    ) as starter:
        assert starter.stdin and starter.stdout and starter.stderr
        with suppress(BrokenPipeError), starter.stdin:  # where it ended already, it says why below
            starter.stdin.write(protocol.encode(order))
        line = starter.stdout.readline()
        complaint = b"" if line else starter.stderr.read()
    if not line:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise LabError(f"the lab did not come up: {last or 'it ended without a word'}")
    return Lab(**_result(protocol.decode(line)))


def _ask(name: str, operation: str, **arguments: object) -> tuple[Any, list[int]]:
    try:
        answer, descriptors = protocol.ask(protocol.socket_path(name), {"do": operation, **arguments})
    except OSError as error:
        raise LabError(f"lab {name!r} does not answer: {error.strerror or error}") from error
    return _result(answer), descriptors


def _result(answer: Mapping[str, Any]) -> Any:
    if "error" not in answer:
        return answer["ok"]
    kind = getattr(errors, answer["error"]["kind"], LabError)
    raise kind(answer["error"]["text"])


def _adopt(number: int, family: int) -> socket.socket:
    adopted = socket.socket(family, socket.SOCK_DGRAM, 0, fileno=number)
    adopted.setblocking(False)
    return adopted
