"""How the operator's side speaks to a node: commands on standard input, answers on standard output.

Handed over to every instance, the last of its files: standard library only, Python 3.6 or later.
"""

from __future__ import annotations

import binascii
import marshal
import select
import sys
import time
from collections.abc import Iterator
from posix import _exit, environ, read, write
from typing import Any

from keepapart.node.arrivals import Arrivals
from keepapart.node.gateway import Tracer, trace
from keepapart.node.hardware import facts
from keepapart.node.keyed import HASHES, hashes
from keepapart.node.ladder import Ladder, climb
from keepapart.node.metadata import ask
from keepapart.node.node import Node, open_socket
from keepapart.node.routes import NETLINK_ROUTE, own_addresses, source
from keepapart.node.stdlib import quoted, socket

COMMAND_LIMIT = 1 << 24  # bytes of one command: the roster of 100,000 nodes fits, a runaway doesn't
LENGTH = 8  # digits before a command
NAP = 0.02  # seconds between two looks at what arrived: 40 datagrams at the usual pace, few wake-ups
LOOK = 0.01  # the same while waiting for the last of them
IDLE = 600.0  # seconds; longer than any other node takes for one command
ROOT = b"KEEPAPART_ROOT"  # in the environment: the folder below which the machine's files are read


def serve(stdin: int, stdout: int) -> None:
    """Take part in rounds as told on `stdin`; answer each command with a line of JSON on `stdout`.

    A command is its length in `LENGTH` digits and then that many bytes, marshalled: whoever hands over the
    code is trusted with that too, and it imports nothing. What a node says is not trusted, hence JSON.

    {"do": "addresses"} -> {"addresses": [address, ...]}, the machine's own
    {"do": "sources", "targets": [address, ...]} -> {"sources": [address it sends there from or "", ...]}
    {"do": "open", "family": 4 or 6, "port": p, "flows": k}
        -> {"ports": [p, ...], "guest": {name: text, ...}, "hashes": [name, ..., see keyed.py]}
    {"do": "ask", "service": {the attributes of `model.Service`}} -> {"told": {name: text, ...}}
    {"do": "join", "index": i, "key": bytes, "roster": [(address, [port, ...]), ...], "hashed": name} -> {}
    {"do": "begin", "first": number of the first sample, "samples": how many} -> {}
    {"do": "send", "pace": datagrams a second, "wants": [(sample, [index, ...] or None for all), ...]} -> {}
    {"do": "report", "settle": seconds to wait for stragglers} -> {"hops": base64 of samples x nodes bytes}
    {"do": "watch", "by": "tcp" or "icmp"} -> {}, and from now on it is watched what arrives of climbing
    {"do": "climb", "by": "tcp" or "icmp", "port": p, "patience": seconds, "targets": [address, ...]}
        -> {"hops": [count, ...], 0 where nothing got through, "tokens": [text, ...], see ladder.py}
    {"do": "arrived", "port": p, "tokens": [text, ...]} -> {"arrived": [1 or 0, ...]}
    {"do": "leave"} -> {}, and what was climbed by is left
    {"do": "trace", "steps": [(address, port, distance), ...], "again": whether to ask twice}
        -> {"routers": [[number of the step, address, how often], ...]}
    {"do": "look around", "targets": [index, ...]} -> {"own": 1 or 0, "ways": [[...], ...], see routes.py}
    {"do": "listen"} -> {}, and from now on peers are answered
    {"do": "time", "pace": requests a second, "settle": seconds}
        -> {"times": base64 of the least seconds to each node as little-endian doubles, 0 for not measured}
    {"do": "rest"} -> {}, and nothing is open until the next round's "open"

    Whatever fails is answered by {"error": text}.
    """
    commands = Commands(stdin)
    buffered = b""
    end = time.monotonic() + IDLE
    while time.monotonic() < end:
        sockets = commands.node.listening if commands.node else []
        readable, _, _ = select.select([stdin, *sockets], [], [], end - time.monotonic())
        if stdin not in readable:
            if readable:
                select.select([stdin], [], [], NAP)
                commands.node.receive()
            continue
        chunk = read(stdin, 1 << 16)
        buffered += chunk
        if not chunk or len(buffered) > COMMAND_LIMIT:
            return
        said = ""
        while len(buffered) >= LENGTH and len(buffered) >= LENGTH + int(buffered[:LENGTH]):
            last = LENGTH + int(buffered[:LENGTH])
            command, buffered = marshal.loads(buffered[LENGTH:last]), buffered[last:]
            try:
                answer = commands.perform(command)
            except Exception as error:  # whatever it is, the operator must hear of it
                answer = {"error": "{}: {}".format(type(error).__name__, error)}
            said += _json(answer) + "\n"
        _write(stdout, said.encode())
        end = time.monotonic() + IDLE


class Commands:
    """What a node does on each command, and what it keeps from one to the next."""

    def __init__(self, stdin: int) -> None:
        self.stdin = stdin
        self.node: Any = None
        self.arrivals: Any = None
        self.ladders: list[Ladder] = []
        self.free = 0.0  # when the next burst may be sent, by the clock that only goes forward

    def perform(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a command says; return the answer."""
        done = getattr(self, "do_" + command["do"].replace(" ", "_"))(command)
        return done or {}

    def do_addresses(self, _: dict[str, Any]) -> dict[str, Any]:
        """Say what addresses this machine has."""
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        try:
            return {"addresses": own_addresses(kernel)}
        finally:
            kernel.close()

    def do_sources(self, command: dict[str, Any]) -> dict[str, Any]:
        """Say from which address this machine sends to each of these."""
        return {"sources": [source(target) for target in command["targets"]]}

    def do_open(self, command: dict[str, Any]) -> dict[str, Any]:
        """Open the sockets, and tell what is seen of the machine."""
        family = socket.AF_INET6 if command["family"] == 6 else socket.AF_INET
        sockets = []
        for flow in range(command["flows"]):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            open_socket(sock, command["port"] if flow == 0 else 0)
            sockets.append(sock)
        self.node = Node(sockets, 1 if command["port"] else len(sockets))
        return {"ports": self.node.ports, "guest": facts(environ.get(ROOT, b"").decode()), "hashes": hashes()}

    def do_ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Ask the platform's metadata service."""
        return {"told": ask(command["service"])}

    def do_join(self, command: dict[str, Any]) -> None:
        """Enter a round."""
        self.node.join(command["index"], command["key"], command["roster"], command.get("hashed", HASHES[0]))

    def do_begin(self, command: dict[str, Any]) -> None:
        """Turn to a batch."""
        self.node.begin(command["first"], command["samples"])

    def do_send(self, command: dict[str, Any]) -> None:
        """Send at the pace that is asked for."""
        self._paced(self.node.send(command["wants"]), command["pace"])

    def do_report(self, command: dict[str, Any]) -> dict[str, Any]:
        """Report what was counted."""
        self._settle(command["settle"])
        return {"hops": binascii.b2a_base64(bytes(self.node.least), newline=False).decode()}

    def do_watch(self, command: dict[str, Any]) -> None:
        """Watch what arrives."""
        self.arrivals = Arrivals(command["by"])

    def do_climb(self, command: dict[str, Any]) -> dict[str, Any]:
        """Climb, and keep the ladders up."""
        found = climb(command["by"], command["port"], command["patience"], command["targets"])
        self.ladders += [ladder for _, _, ladder in found if ladder]
        return {"hops": [count for count, _, _ in found], "tokens": [token for _, token, _ in found]}

    def do_arrived(self, command: dict[str, Any]) -> dict[str, Any]:
        """Say what of others' climbing has arrived."""
        return {"arrived": [int(one) for one in self.arrivals.confirmed(command["port"], command["tokens"])]}

    def do_leave(self, _: dict[str, Any]) -> None:
        """Take the ladders down."""
        while self.ladders:
            self.ladders.pop().close()

    def do_trace(self, command: dict[str, Any]) -> dict[str, Any]:
        """Find routers."""
        tracer = Tracer(self.node.sockets, command["steps"])
        trace([tracer], command["again"])
        return {"routers": tracer.sightings()}

    def do_look_around(self, command: dict[str, Any]) -> dict[str, Any]:
        """Say what the kernel has for ways to others."""
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        try:
            own, ways = self.node.surroundings(kernel, command["targets"])
        finally:
            kernel.close()
        return {"own": int(own), "ways": ways}

    def do_listen(self, _: dict[str, Any]) -> None:
        """Answer peers."""
        self.node.listen()

    def do_time(self, command: dict[str, Any]) -> dict[str, Any]:
        """Time round trips."""
        echo = self.node.echo or self.node.listen()
        self._paced(echo.ask(), command["pace"])
        self._settle(command["settle"])
        return {"times": binascii.b2a_base64(echo.times(), newline=False).decode()}

    def do_rest(self, _: dict[str, Any]) -> None:
        """Close whatever a round opened."""
        self.do_leave(_)
        for sock in self.node.sockets if self.node else ():
            sock.close()
        self.node = self.arrivals = None

    def _paced(self, bursts: Iterator[int], pace: float) -> None:
        """Send bursts, at most `pace` datagrams a second, over commands too; receive meanwhile."""
        sent = 1
        while sent:
            self._receive_for(self.free - time.monotonic())
            sent = next(bursts, 0)
            self.free = time.monotonic() + sent / pace
            if select.select([self.stdin], [], [], 0)[0]:  # nobody speaks while we send: the operator is gone
                break

    def _settle(self, seconds: float) -> None:
        """Receive until all is there, for so long at most."""
        end = time.monotonic() + seconds
        self.node.receive()
        while not self.node.complete() and time.monotonic() < end:
            self._receive_for(min(LOOK, seconds))

    def _receive_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, NAP))
            self.node.receive()
        self.node.receive()


def _json(value: Any) -> str:
    """Write JSON, which takes longer to import than a node takes to start: of texts, whole numbers, lists."""
    if isinstance(value, dict):
        return "{" + ",".join([quoted(key) + ":" + _json(value[key]) for key in value]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([_json(one) for one in value]) + "]"
    return quoted(value) if isinstance(value, str) else repr(value)


def _write(stdout: int, data: bytes) -> None:
    while data:
        data = data[write(stdout, data) :]


if __name__ == "__main__":
    serve(sys.stdin.fileno(), sys.stdout.fileno())
    _exit(0)  # nothing is left to be flushed, and taking an interpreter down takes as long as bringing it up
