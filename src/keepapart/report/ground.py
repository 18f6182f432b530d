"""Where advice is given: how keepapart was called there, and how command lines are written for it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepapart.clouds import Cloud, Listing, Placer, Staying
from keepapart.config import FILE, Config
from keepapart.settings import ReachSettings

STATIC, LAB = "static", "lab"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a `command` to paste, empty where it is none, and what it is for."""

    command: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Where advice is given.

    `command` is how keepapart was called, `file` the configuration as the operator knows it; `provider` and
    `settings` are `[cloud]`, and `launches` whether instances can be launched there, `moves` whether a member
    may start on another host; `reach` is `[reach]`.
    `asked` is what was said behind the verb of whom to judge and how, for a shell, and `listed` whether a
    configuration lists the members.
    """

    command: str = "keepapart"
    file: str = "keepapart.toml"
    provider: str = STATIC
    settings: Mapping[str, Any] = field(default_factory=dict)
    launches: bool = False
    moves: bool = True
    reach: ReachSettings = field(default_factory=ReachSettings)
    asked: str = ""
    listed: bool = True

    @classmethod
    def of(
        cls, config: Config, cloud: Listing, named: str | None, asked: str = "", *, listed: bool = True
    ) -> Ground:
        """Return where a run with this configuration and its cloud is; `named` is what `-c` said."""
        return cls(
            command=called(named),
            file=str(config.path) if listed else named or FILE,
            provider=config.cloud.provider,
            settings=config.cloud.settings,
            launches=isinstance(cloud, Cloud),
            moves=isinstance(cloud, Placer) or not isinstance(cloud, Staying),
            reach=config.reach,
            asked=asked,
            listed=listed,
        )

    def same(self, verb: str) -> str:
        """Ask a verb of the same members, judged in the same way."""
        return f"{self.command} {verb}{f' {self.asked}' if self.asked else ''}"

    def aws(self) -> str:
        """Return the `aws ec2` that asks the account, region and endpoint that are configured."""
        flags = {"--profile": "profile", "--region": "region", "--endpoint-url": "endpoint_url"}
        told = [(flag, str(self.settings.get(key, ""))) for flag, key in flags.items()]
        return shlex.join(["aws", *(word for flag, value in told if value for word in (flag, value)), "ec2"])


HERE = Ground()


def called(named: str | None) -> str:
    """Return how keepapart was called; `named` is what `-c` said."""
    return f"keepapart -c {shlex.quote(named)}" if named else "keepapart"


def typed(names: Sequence[str]) -> str:
    """Write ids as arguments: for a shell, and none is taken for an option."""
    dashes = ["--"] if any(name.startswith("-") for name in names) else []
    return shlex.join([*dashes, *names])
