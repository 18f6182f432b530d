"""The operator's own commands at the moments that matter to what runs on the members.

1. `on_join` is called for each new member, with its id, once it has joined; `before_release` for each member
   that is about to be released for its stand-in, with its id; `health` before a member is stopped to be
   moved, and once it runs again. What fails stops what would follow.
2. A call is made at least once: where the process died in the middle of it, it is made again.
3. A command is an argument list, as a shell would split it, without a shell; what it says goes to standard
   error. It may take as long as is left of `max_minutes`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from keepapart.errors import ConfigError, OperationError

Hook = Callable[[str, float | None], None]  # an id, and the most seconds; raises `OperationError`


def nothing(_: str, __: float | None) -> None:
    """Do nothing, where no command is set."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called: see the rules."""

    on_join: Hook = nothing
    before_release: Hook = nothing
    health: Hook = nothing


def command(name: str, line: str) -> Hook:
    """Return what runs this command, which the operator calls `name`; nothing where it is empty.

    Raises `ConfigError` for what no shell could split.
    """
    try:
        argv = shlex.split(line)
    except ValueError as error:
        raise ConfigError(f"{name}: {line!r} is no command: {error}") from None
    if not argv:
        return nothing

    def run(instance_id: str, seconds: float | None) -> None:
        said = f"{name}: `{shlex.join([*argv, instance_id])}`"
        try:
            code = subprocess.run(
                [*argv, instance_id],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr or subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise OperationError(f"{said} was ended: max_minutes is used up") from None
        except OSError as error:
            raise OperationError(f"{said} can't be run: {error.strerror}") from None
        if code:
            raise OperationError(f"{said} ended with {code}")

    return run
