"""The process that is a lab: it holds every namespace open, and answers requests until it is told to end.

One thread, because namespaces belong to threads. It ends on `down`, on SIGTERM, and when its lifeline closes;
however it ends, its namespaces end with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from keepapart.errors import KeepapartError, LabError
from keepapart.lab import protocol
from keepapart.lab.ec2.process import no_url, started
from keepapart.lab.netns import linux
from keepapart.lab.service import LabNetwork, Response, Service
from keepapart.lab.simulated import Simulated
from keepapart.lab.world import world
from keepapart.lab.world.topology import Topology

_PATIENCE = 10.0  # seconds for a client to take its answer


def serve(
    name: str,
    a_world: world.World,
    *,
    simulated: bool,
    sshd: bool = False,
    api: str = "",
    lifeline: int | None,
    ready: Callable[[Service], object],
) -> None:
    """Be the lab until it ends. `ready` is told once it answers. Raises `LabError`.

    With `api` another process answers that API, and ends with this one.
    """
    linux.raise_descriptor_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    path = protocol.socket_path(name)
    told_to_end: list[socket.socket] = []
    with ExitStack() as ending, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _listen(listener, path, name)
        try:
            # before any namespace is made: the API listens on this machine's own loopback
            url = ending.enter_context(started(name, a_world)) if api else no_url
            network, because = _network(Topology(a_world), simulated)
            if sshd:
                network = ending.enter_context(_with_sshd(network, path, because))
            service = Service(name, a_world, network, because, api=url())
            ending.callback(service.machines.close)
            ready(service)
            told_to_end = _Loop(service, listener, lifeline).run()
        finally:
            path.unlink(missing_ok=True)
    for connection in told_to_end:  # last of all, so that a lab of the same name may come up at once
        with suppress(OSError), connection:
            protocol.send(connection, {"ok": None}, [])


class _Loop:
    """Requests and answers, one after another, for any number of clients."""

    def __init__(self, service: Service, listener: socket.socket, lifeline: int | None) -> None:
        self.service = service
        self.listener = listener
        self.waiting: dict[socket.socket, bytes] = {}
        self.ended = False
        self.told_to_end: list[socket.socket] = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        if lifeline is not None:
            self.selector.register(lifeline, selectors.EVENT_READ, self._end)

    def run(self) -> list[socket.socket]:
        """Serve until told to end; return the connections of those who told, to be answered."""
        while not self.ended:
            for key, _ in self.selector.select(self.service.boots.wait()):
                key.data(key.fileobj)
            self.service.go_on()
        self.selector.close()
        return self.told_to_end

    def _end(self, _: object) -> None:
        self.ended = True

    def _accept(self, _: object) -> None:
        with suppress(OSError):  # the client left before it was let in
            connection, _address = self.listener.accept()
            connection.settimeout(_PATIENCE)
            self.waiting[connection] = b""
            self.selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> None:
        try:
            part = connection.recv(1 << 16)
            *lines, rest = (self.waiting[connection] + part).split(b"\n")
            for line in lines:
                self._serve(connection, line)
            self.waiting[connection] = rest
            if part and len(rest) <= protocol.MAX_REQUEST:
                return
        except OSError:  # the client left, or doesn't take its answer
            pass
        del self.waiting[connection]
        self.selector.unregister(connection)
        connection.close()

    def _serve(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = protocol.decode(line)
        except (ValueError, RecursionError) as error:
            answer = Response({"error": {"kind": "UsageError", "text": f"not a request: {error}"}})
        else:
            if request == {"do": "down"}:
                self.ended = True
                self.told_to_end.append(connection)
                return
            answer = self.service.answer(request)
        with answer.after:
            protocol.send(connection, answer.document, answer.descriptors)


def _listen(listener: socket.socket, path: Path, name: str) -> None:
    """Listen at `path`, in place of a lab that died there; one that lives is an error."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # of two that start at once, the second sees the first
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            try:
                other.connect(str(path))
            except FileNotFoundError:
                pass
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise LabError(
                    f"a lab named {name!r} is running", f"`keepapart lab down --lab {name}` ends it"
                )
        listener.bind(str(path))
        listener.listen(128)
    except OSError as error:
        raise LabError(f"{path}: can't listen there: {error.strerror or error}") from error
    finally:
        os.close(folder)


def _network(topology: Topology, simulated: bool) -> tuple[LabNetwork, str]:
    """Build the network; where namespaces can't be had, say why and simulate."""
    if simulated:
        return Simulated(), "as asked"
    try:
        from keepapart.lab.netns import build
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "pyroute2":
            raise
        return Simulated(), "pyroute2 is not installed: pip install 'keepapart[lab]'"
    try:
        user = linux.become_root()
        build.rehearse()
    except (OSError, LabError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return Simulated(), f"network namespaces can't be had here: {reason}"
    return build.build(topology, user), ""


@contextmanager
def _with_sshd(network: LabNetwork, path: Path, because: str) -> Iterator[LabNetwork]:
    """Have every instance run sshd until the lab ends. Raises `LabError` where the lab is simulated."""
    if network.kind == "simulated":
        raise LabError(f"--sshd needs a lab with real packets, and this one is simulated: {because}")
    from keepapart.lab.netns.build import Namespaces
    from keepapart.lab.ssh.sshd import WithSshd

    assert isinstance(network, Namespaces)
    with closing(WithSshd(network, path)) as provided:
        yield provided


def main() -> NoReturn:
    """Read what to be from standard input, leave the terminal, and say on standard output when ready."""
    order: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def tell(document: object) -> None:
        os.write(1, protocol.encode(document))
        os.chdir("/")  # only now: what is imported may be found from where this began
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)

    try:
        serve(
            order["name"],
            world.parse(order["world"], "the world"),
            simulated=order["simulated"],
            sshd=order["sshd"],
            api=order["api"],
            lifeline=order["lifeline"],
            ready=lambda service: tell(service.answer({"do": "hello"}).document),
        )
    except BrokenPipeError:  # whoever asked for the lab is gone: nobody would end it
        sys.exit(1)
    except KeepapartError as error:
        tell({"error": {"kind": type(error).__name__, "text": str(error)}})
        sys.exit(error.exit_code)
    sys.exit(0)


if __name__ == "__main__":
    main()
