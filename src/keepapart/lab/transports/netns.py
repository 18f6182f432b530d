"""The way into network namespaces: many nodes in a process, on sockets opened in other namespaces.

A socket keeps the namespace that it was born in, so only the opening needs to be there. `NAME` is one that
`ip netns` knows; `ID@LAB` is a guest of a running lab, which opens the sockets itself and hands them over.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from keepapart.errors import LabError, ReachError
from keepapart.lab.client import Lab
from keepapart.lab.netns import linux
from keepapart.lab.transports.children import NAMED, ChildrenInside
from keepapart.lab.transports.made_up import told
from keepapart.lab.transports.shares import shares, split_off
from keepapart.model import Service
from keepapart.node.gateway import Tracer, trace
from keepapart.node.node import Node, Want, open_socket
from keepapart.reach import Climbed, NodeGroup, Roster, Sighting, Step, Surroundings, Transport
from keepapart.settings import ReachSettings

THIS_THREAD = Path("/proc/thread-self/ns/net")


class NetnsTransport:
    """The way into network namespaces of this machine; see `reach.Transport`."""

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return nodes of this process; an instance that names no namespace is in the one of its own name."""
        return NetnsNodes({name: where or name for name, where in wheres.items()}, addresses)

    async def close(self) -> None:
        """Nothing stays open."""


def open_transport(_settings: ReachSettings) -> Transport:
    """Open the way in."""
    return NetnsTransport()


class NetnsNodes:
    """Nodes in network namespaces; see `reach.NodeGroup`."""

    def __init__(self, namespaces: Mapping[str, str], addresses: Mapping[str, str]) -> None:
        self.lost: dict[str, str] = {}
        self._namespaces = namespaces
        self._addresses = addresses
        self._nodes: dict[str, Node] = {}
        self._kernels: dict[str, socket.socket] = {}
        self._children = ChildrenInside(addresses)
        self._opening: asyncio.Future[Mapping[str, list[int]]] | None = None

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        """Open each instance's sockets in its namespace."""
        self._opening = asyncio.ensure_future(asyncio.to_thread(self._open, port, flows))
        return await asyncio.shield(self._opening)

    async def join(self, roster: Roster, key: bytes) -> None:
        """Hand every node the roster: one list, shared."""
        places = list(roster.places)
        for index, name in enumerate(roster.ids):
            if name in self._nodes:
                self._nodes[name].join(index, key, places, roster.hashed)

    async def begin(self, first: int, samples: int) -> None:
        """Turn every node to a new batch."""
        for node in self._nodes.values():
            node.begin(first, samples)

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        """Let the nodes send in turn, a burst each, receiving in between."""
        await asyncio.to_thread(self._send, wants)

    async def report(self, settle: float) -> Mapping[str, bytes]:
        """Receive until all is there or nothing has come for `settle` seconds."""
        await asyncio.to_thread(self._receive_until_quiet, settle)
        return {name: bytes(node.least) for name, node in self._nodes.items()}

    async def watch(self, by: str, who: Sequence[str]) -> None:
        """Have children watch: ladders need sockets by the thousand, and processes in the namespaces."""
        await (await self._inside(who)).watch(by, who)

    async def climb(
        self, by: str, port: int, wants: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Sequence[Climbed]]:
        """Have the children climb."""
        return await (await self._inside(wants)).climb(by, port, wants)

    async def arrived(self, port: int, tokens: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[bool]]:
        """Have the children say what arrived in their namespaces."""
        return await (await self._inside(tokens)).arrived(port, tokens)

    async def leave(self) -> None:
        """Have the children leave what they climbed by."""
        await self._children.leave()

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        """Tell of the machines that are made up for guests; else nothing, as all see that of this process."""
        return told({name: self._namespaces[name] for name in self._nodes})

    async def metadata(self, wants: Mapping[str, Service]) -> Mapping[str, Mapping[str, str]]:
        """Have the children ask, in the namespaces of machines that are made up."""
        return await (await self._inside(wants)).metadata(wants)

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        """Ask the kernel on the sockets that were born in the namespaces."""
        return await asyncio.to_thread(self._surroundings, wants)

    async def routers(
        self, wants: Mapping[str, Sequence[Step]], again: bool = False
    ) -> Mapping[str, Sequence[Sighting]]:
        """Let all nodes find their routers together."""
        nodes = self._nodes
        tracers = {name: Tracer(nodes[name].sockets, steps) for name, steps in wants.items() if name in nodes}
        await asyncio.to_thread(trace, list(tracers.values()), again)
        return {name: tracer.sightings() for name, tracer in tracers.items()}

    async def listen(self) -> None:
        """Let every node answer."""
        for node in self._nodes.values():
            node.listen()

    async def times(self, settle: float) -> Mapping[str, bytes]:
        """Let the nodes ask in turn, a few requests each, all answering in between."""
        echoes = {name: node.echo or node.listen() for name, node in self._nodes.items()}
        nodes, asking = list(self._nodes.values()), [echo.ask() for echo in echoes.values()]
        await asyncio.to_thread(_take_turns, nodes, asking)
        await asyncio.to_thread(self._receive_until_quiet, settle)
        return {name: echo.times() for name, echo in echoes.items()}

    async def close(self) -> None:
        """Close every socket, also those of an opening that was cancelled, and end the children."""
        if self._opening:  # its thread goes on
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._children.close()
        for name, node in self._nodes.items():
            for sock in (*node.sockets, self._kernels[name]):
                sock.close()
        self._nodes.clear()

    async def _inside(self, names: Iterable[str]) -> ChildrenInside:
        """Return the children, those in the namespaces of these nodes among them."""
        await self._children.enter({name: self._namespaces[name] for name in names if name in self._nodes})
        return self._children

    def _surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        found: dict[str, Surroundings] = {}
        for name, targets in wants.items():
            if name in self._nodes:
                with suppress(OSError):
                    found[name] = self._nodes[name].surroundings(self._kernels[name], targets)
        return found

    def _open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        linux.raise_descriptor_limit()
        opened: dict[str, list[socket.socket]] = {}
        in_labs: dict[str, dict[str, str]] = {}
        for name, namespace in self._namespaces.items():
            guest, at, lab = namespace.partition("@")
            if at:
                in_labs.setdefault(lab, {})[guest] = name
            else:
                try:
                    opened[name] = _sockets_in(namespace, _family(self._addresses[name]), flows)
                except ReachError as error:
                    self.lost[name] = str(error)
        for lab, guests in in_labs.items():
            for guest, sockets in self._from_lab(lab, guests, flows).items():
                opened[guests[guest]] = sockets
        for name, (*sockets, kernel) in opened.items():
            try:
                for number, sock in enumerate(sockets):
                    open_socket(sock, port if number == 0 else 0)
            except OSError as error:
                self.lost[name] = f"its namespace gives no socket: {error.strerror}"
                for sock in (*sockets, kernel):
                    sock.close()
                continue
            self._nodes[name] = Node(sockets, 1 if port else len(sockets))
            self._kernels[name] = kernel
        return {name: node.ports for name, node in self._nodes.items()}

    def _from_lab(
        self, name: str, guests: Mapping[str, str], flows: int
    ) -> Mapping[str, list[socket.socket]]:
        try:
            found: Mapping[str, list[socket.socket]] = Lab.find(name).sockets(
                list(guests), flows, netlink=True
            )
        except LabError as error:
            self.lost.update(dict.fromkeys(guests.values(), str(error)))
            return {}
        for guest in guests.keys() - found.keys():
            self.lost[guests[guest]] = f"lab {name!r} has no running guest {guest!r} with a network"
        return found

    def _send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        def send(names: Sequence[str]) -> None:
            nodes = [self._nodes[name] for name in names]
            _take_turns(nodes, [self._nodes[name].send(wants[name]) for name in names if name in wants])

        with ExitStack() as stack:
            first, *others = shares(list(self._nodes))
            for names in others:
                stack.enter_context(split_off(partial(send, names), [self._nodes[name] for name in names]))
            send(first)

    def _receive_until_quiet(self, quiet: float) -> None:
        waiting = {sock.fileno(): node for node in self._nodes.values() for sock in node.listening}
        poll = select.epoll()
        try:
            for number in waiting:
                poll.register(number, select.EPOLLIN)
            end = time.monotonic() + quiet
            while not all(node.complete() for node in self._nodes.values()):
                ready = poll.poll(max(0.0, end - time.monotonic()))
                if not ready:
                    break
                for number, _ in ready:
                    waiting[number].receive()
        finally:
            poll.close()


def _take_turns(nodes: Sequence[Node], sending: list[Iterator[int]]) -> None:
    """Send a burst each in turn, all receiving in between, until all is sent."""
    while sending:
        sending = [burst for burst in sending if next(burst, 0)]
        for node in nodes:
            node.receive()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET


def _sockets_in(namespace: str, family: socket.AddressFamily, count: int) -> list[socket.socket]:
    """Open UDP sockets in a named namespace, and one to its kernel. Raises `ReachError`."""
    try:
        with (
            _descriptor(THIS_THREAD) as home,
            _descriptor(NAMED / namespace) as there,
            linux.inside(there, home),
        ):
            sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(count)]
            return [*sockets, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)]
    except FileNotFoundError:
        raise ReachError(f"no network namespace {namespace!r} here") from None
    except OSError as error:
        raise ReachError(f"network namespace {namespace!r} can't be entered: {error.strerror}") from None


@contextmanager
def _descriptor(namespace: Path) -> Iterator[int]:
    """Hold a namespace open for a while."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
