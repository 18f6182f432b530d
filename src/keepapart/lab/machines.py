"""The machines that a lab makes up for its guests: files below a folder each, which nodes read as root's.

1. A machine has an id of its own as long as its instance lives, and a boot id of its own from each start to
   the next; a migration changes neither.
2. It tells by DMI what the world file says, and has a kernel of its own: it is no container.
3. What is made up is random, so that a lab that is brought up again has other machines.
4. The files of an instance end with it, and all with the lab. What a killed lab left is removed by the next
   of its name, and by whoever asks which labs run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from keepapart.errors import LabError
from keepapart.lab.world.guests import Guests
from keepapart.node.hardware import DMI, MACHINE_ID, NAMESPACES, TEXTS


class Machines:
    """The machines of one lab's guests, below `folder`; none where those have no vendor."""

    def __init__(self, folder: Path, guests: Guests, fresh: Callable[[], str] | None = None) -> None:
        self.folder, self.guests = folder, guests
        self._fresh = fresh or (lambda: str(uuid4()))
        self.close()

    def start(self, ids: Iterable[str]) -> None:
        """Let these machines boot. Raises `LabError` where their files can't be written."""
        if not self.guests.vendor:
            return
        try:
            for guest_id in ids:
                self._boot(self.folder / guest_id)
        except OSError as error:
            raise LabError(f"{self.folder}: can't be written: {error.strerror or error}") from error

    def end(self, guest_id: str) -> None:
        """Take a machine away for good."""
        shutil.rmtree(self.folder / guest_id, ignore_errors=True)

    def close(self) -> None:
        """Take all machines away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _boot(self, root: Path) -> None:
        _write(root, TEXTS["boot_id"], self._fresh())
        if (root / MACHINE_ID[1:]).exists():
            return
        _write(root, MACHINE_ID, self._fresh().replace("-", ""))
        for name, text in self.guests.texts().items():
            _write(root, DMI + name, text)
        for link, target in NAMESPACES.items():
            path = root / link[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                path.symlink_to(target)


def _write(root: Path, path: str, text: str) -> None:
    file = root / path[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n", encoding="ascii")
