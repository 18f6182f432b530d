"""The machines that a lab makes up for its guests: files below a folder each, which nodes read as root's.

1. A machine has an id of its own as long as its instance lives, and a boot id of its own from each start to
   the next; a migration changes neither.
2. It tells by DMI what the world file says, and has a kernel of its own.
3. Where instances are containers in virtual machines, it shares that of the machine that it is started in,
   boot id and all, and that kernel sees a hypervisor.
4. What is made up is random, so that a lab that is brought up again has other machines.
5. The files of an instance end with it, and all with the lab. What a killed lab left is removed by the next
   of its name, and by whoever asks which labs run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from keepapart.errors import LabError
from keepapart.lab.world.topology import Host, Place, Topology
from keepapart.node.hardware import DMI, MACHINE_ID, NAMESPACES, TEXTS


class Machines:
    """The machines of one lab's guests, below `folder`; none where the world gives those no vendor."""

    def __init__(self, folder: Path, topology: Topology, fresh: Callable[[], str] | None = None) -> None:
        self.folder, self.topology = folder, topology
        self.guests = topology.world.guests
        self._fresh = fresh or (lambda: str(uuid4()))
        self._boots: dict[tuple[Host, int], str] = {}  # of the virtual machines that containers are in
        self.close()

    def start(self, places: Mapping[str, Place]) -> None:
        """Let the machines at these places boot. Raises `LabError` where their files can't be written."""
        if not self.guests.vendor:
            return
        try:
            for guest_id, place in places.items():
                self._boot(self.folder / guest_id, place)
        except OSError as error:
            raise LabError(f"{self.folder}: can't be written: {error.strerror or error}") from error

    def end(self, guest_id: str) -> None:
        """Take a machine away for good."""
        shutil.rmtree(self.folder / guest_id, ignore_errors=True)

    def close(self) -> None:
        """Take all machines away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _boot(self, root: Path, place: Place) -> None:
        contained = self.topology.world.network.machines > 0
        boot_id = self._fresh()
        if contained:
            boot_id = self._boots.setdefault((place.host, self.topology.inner(place)), boot_id)
        _write(root, TEXTS["boot_id"], boot_id)
        if (root / MACHINE_ID[1:]).exists():
            return
        _write(root, MACHINE_ID, self._fresh().replace("-", ""))
        for name, text in self.guests.texts().items():
            _write(root, DMI + name, text)
        if contained:
            _write(root, TEXTS["cpuinfo"], "processor\t: 0\nflags\t\t: fpu hypervisor")
        for link, first in NAMESPACES.items():
            target = (
                first.replace("40265318", "40265322") if contained else first
            )  # no kernel's first numbers
            path = root / link[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                path.symlink_to(target)


def _write(root: Path, path: str, text: str) -> None:
    file = root / path[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n", encoding="ascii")
