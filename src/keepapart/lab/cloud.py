"""The lab as a cloud: `provider = "lab"`, with `lab = NAME` where several are running.

`way = "ssh"` is for a lab brought up with `--sshd`: its instances are then reached as real ones are.

It states no placement but what the world file's [placement] says: where its instances truly are is for
`keepapart lab truth` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from keepapart.clouds import BOOT, NOTE, Cloud, LaunchRequest
from keepapart.errors import CloudError, ConfigError, LabError, RefusedError
from keepapart.lab.client import Lab
from keepapart.model import Instance
from keepapart.tables import Table, checked


class Settings(Table, frozen=True):
    """The keys of `[cloud]`: the name of a lab where several are running, and the way in."""

    lab: str | None = None
    way: Literal["", "ssh"] = ""


class LabCloud:
    """A running lab, behind the protocol of every cloud."""

    name = "lab"

    def __init__(self, lab: Lab, way: str = "") -> None:
        self.lab = lab
        self._way = way

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""
        with _asked():
            return [self._reached(one) for one in self.lab.instances(tags)]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the lab doesn't know are left out."""
        with _asked():
            return {one.id: self._reached(one) for one in self.lab.describe(ids).values()}

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before."""
        with _asked():
            return self._reached(self.lab.launch(request))

    def start(self, instance_id: str) -> None:
        """Start a stopped instance, on whatever host the lab's scheduler chooses."""
        with _asked():
            self.lab.start(instance_id)

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Take a host that is named; else the lab's scheduler chooses."""
        del instance_id, tags, make
        with _asked():
            if host and host not in self.lab.hosts():
                raise RefusedError(f"no host {host!r} in this lab")
        return {"host": host, NOTE: f"on {host}"} if host else {}

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a stopped instance start on the host that was chosen."""
        with _asked():
            self.lab.place(instance_id, parameters["host"])

    def stop(self, instance_id: str) -> None:
        """Stop an instance."""
        with _asked():
            self.lab.stop(instance_id)

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""
        with _asked():
            self.lab.terminate(instance_id)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        with _asked():
            self.lab.tag(instance_id, tags)

    def where(self) -> Mapping[str, str]:
        """Tell the lab's name; one that was brought up anew has nothing of the one before."""
        return {"lab": self.lab.name, BOOT: str(self.lab.pid)}

    def network(self) -> str:
        """Vouch for the lab's network where its hosts are gateways."""
        return "routed-host" if self.lab.vouches else ""

    def close(self) -> None:
        """Nothing stays open: every call has a connection of its own."""

    def _reached(self, instance: Instance) -> Instance:
        return replace(instance, reach=self._way) if self._way else instance


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Cloud:
    """Open the running lab that `settings` name. Raises `ConfigError`, `LabError`."""
    chosen = checked(settings, Settings, "[cloud]")
    if instances:
        raise ConfigError(
            "[[instances]]: the lab lists its own", 'leave them out, or say provider = "static"'
        )
    return LabCloud(Lab.find(chosen.lab), chosen.way)


@contextmanager
def _asked() -> Iterator[None]:
    """Turn a lab that can't be asked into a cloud that can't be asked."""
    try:
        yield
    except LabError as error:
        raise CloudError(str(error)) from error
