"""Standard streams that change no outcome, whatever becomes of them.

1. One that was closed before the program began is one that leads nowhere: what the program opens itself can't
   become its standard output or error.
2. What can't be written to standard error is dropped: telling is no part of doing.
3. What can't be written to standard output is dropped too, and `trouble` says why. That its reader has left
   is no trouble.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO, BinaryIO

CLOSED = (errno.EPIPE, errno.EBADF)


class Unfailing(io.TextIOWrapper):
    """A text stream to a descriptor that leads nowhere from its first failure on; `trouble` is that."""

    def __init__(self, binary: BinaryIO, **options: object) -> None:
        super().__init__(binary, **options)  # type: ignore[arg-type]  # as the stream had them
        self.trouble: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write, or drop what can't be written."""
        try:
            return super().write(text)
        except OSError as error:
            self._lead_nowhere(error)
            return len(text)

    def flush(self) -> None:
        """Write what is held, or drop it."""
        try:
            super().flush()
        except OSError as error:
            self._lead_nowhere(error)

    def _lead_nowhere(self, error: OSError) -> None:
        self.trouble = self.trouble or (None if error.errno in CLOSED else error)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # what is held would fail again, at the latest at the end
        os.close(nowhere)


def settle() -> None:
    """Make the standard streams of this process keep the rules."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is the one that is opened
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115  # for as long as the process lives
    sys.stdout = sys.__stdout__ = _unfailing(sys.stdout, 1)  # type: ignore[misc]  # final, yet taken apart
    sys.stderr = sys.__stderr__ = _unfailing(sys.stderr, 2)  # type: ignore[misc]  # likewise


def trouble() -> OSError | None:
    """Say why standard output could not be written to the end; None where it could, or nobody reads it."""
    sys.stdout.flush()
    return getattr(sys.stdout, "trouble", None)


def _unfailing(stream: IO[str] | None, number: int) -> Unfailing:
    if not isinstance(stream, io.TextIOWrapper):
        return Unfailing(open(number, "wb"), line_buffering=number == 2)
    options = {
        "encoding": stream.encoding,
        "errors": stream.errors,
        "line_buffering": stream.line_buffering,
        "write_through": stream.write_through,
    }
    return Unfailing(stream.detach(), **options)
