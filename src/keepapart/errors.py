"""Everything that keepapart raises on purpose.

KeepapartError              any of these; `exit_code` is what the command line ends with
├── UsageError              2  what was asked can't be meant: a flag, an id, a file, a key
│   └── ConfigError         2  names the file, the key and the mend
├── SharedError             1  too many share a host for what was asked
├── UnknownError            3  it isn't known, and nothing is guessed
├── InterruptionError     130  by Ctrl-C, or a signal that means the same
└── OperationError          4  the work itself failed
    ├── UnforeseenError     4  something that nobody thought of
    ├── ReachError          4  no way in to an instance
    ├── CloudError          4  the platform refused, or could not be asked
    │   ├── CapacityError   4  no room for the instance now; another try may succeed
    │   ├── RefusedError    4  this very request will never be granted; another may
    │   ├── DeniedError     4  this call is allowed to nobody, or not with these credentials
    │   │   └── QuotaError  4  a quota of the operator's own is used up: what they release makes room
    │   ├── NotFoundError   4  the platform knows no such instance, or not yet
    │   └── UnsettledError  4  it isn't sure yet what came of a launch; the same call tells later
    ├── LabError            4  the lab could not be built or found
    └── StoreError          4  the journal can't be read or written
        ├── BusyError       4  another process keeps the store locked
        └── LeaseError      4  another admission of the cluster holds the lease

Each has a `kind`, the word by which `keepapart.error/1` names it; it stays, whatever the class is called.
"""

from copy import copy
from enum import IntEnum
from typing import Self

__all__ = [
    "BusyError",
    "CapacityError",
    "CloudError",
    "ConfigError",
    "DeniedError",
    "ExitCode",
    "InterruptionError",
    "KeepapartError",
    "LabError",
    "LeaseError",
    "NotFoundError",
    "OperationError",
    "QuotaError",
    "ReachError",
    "RefusedError",
    "SharedError",
    "StoreError",
    "UnforeseenError",
    "UnknownError",
    "UnsettledError",
    "UsageError",
]


class ExitCode(IntEnum):
    """What a command ends with."""

    OK = 0  # separate; no two share a host and none are unknown; all asked for are in
    NO = 1  # co-resident; some share a host; the budget was spent first, and nothing is left behind
    USAGE = 2
    UNKNOWN = 3
    FAILED = 4
    NO_QUORUM = 5  # fewer members run than the cluster needs now
    INTERRUPTED = 130  # as a shell tells of a command that was ended by Ctrl-C


class KeepapartError(Exception):
    """Base of every error raised on purpose; its text is one line for the operator.

    The text is `cause; mend`, where `mend` says what to do about it, or `cause` alone.
    """

    kind = "error"
    exit_code = ExitCode.FAILED

    def __init__(self, cause: str, mend: str = "") -> None:
        super().__init__(f"{cause}; {mend}" if mend else cause)
        self.cause, self.mend = cause, mend

    def saying(self, more: str) -> Self:
        """Return this error with more to say of its cause."""
        said = copy(self)
        said.cause = f"{self.cause}{more}"
        said.args = (f"{said.cause}; {self.mend}" if self.mend else said.cause,)
        return said


class UsageError(KeepapartError):
    """What was asked can't be meant; nothing was done."""

    kind = "usage"
    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """The configuration is wrong; the text names the file, the key and the mend."""

    kind = "config"


class SharedError(KeepapartError):
    """Too many share a host for what was asked; nothing was written."""

    kind = "shared"
    exit_code = ExitCode.NO


class UnknownError(KeepapartError):
    """What was asked can't be told from what is known; nothing was written, and nothing is guessed."""

    kind = "unknown"
    exit_code = ExitCode.UNKNOWN


class InterruptionError(KeepapartError):
    """The operator ended it, by Ctrl-C or a signal that means the same."""

    kind = "interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(self) -> None:
        super().__init__("interrupted")


class OperationError(KeepapartError):
    """The work itself failed."""

    kind = "operation"


class UnforeseenError(OperationError):
    """A fault of keepapart's own, or something that nobody thought of: never a verdict."""

    kind = "unforeseen"

    def __init__(self, error: Exception) -> None:
        said = " ".join(str(error).split())[:300]
        name = type(error).__name__
        super().__init__(f"unforeseen: {name}: {said}" if said else f"unforeseen: {name}", "-v shows where")


class ReachError(OperationError):
    """There is no way in to an instance, or it was lost."""

    kind = "reach"


class CloudError(OperationError):
    """The platform refused a call, or could not be asked."""

    kind = "cloud"


class CapacityError(CloudError):
    """The platform has no room for the instance now; another try may succeed."""

    kind = "capacity"


class RefusedError(CloudError):
    """The platform did nothing and will never grant this very request; one with other parameters it may."""

    kind = "refused"


class DeniedError(CloudError):
    """The platform lets nobody make this call, or not with these credentials: asking again won't help."""

    kind = "denied"


class QuotaError(DeniedError):
    """A quota of the operator's own is used up: no wait helps, and whatever they release makes room."""

    kind = "quota"


class NotFoundError(CloudError):
    """The platform knows no such instance, or does not know it yet."""

    kind = "not-found"


class UnsettledError(CloudError):
    """It isn't sure yet what came, or will come, of a launch: the same call, made again later, tells.

    `seconds` is how long it may take at most until it is known; None where nobody can say.
    """

    kind = "unsettled"

    def __init__(self, cause: str, mend: str = "", *, seconds: float | None = None) -> None:
        super().__init__(cause, mend)
        self.seconds = seconds


class LabError(OperationError):
    """The lab could not be built, or the one named is not running."""

    kind = "lab"


class StoreError(OperationError):
    """The store can't be opened, read or written."""

    kind = "store"


class BusyError(StoreError):
    """Another process keeps the store locked; it may be free later."""

    kind = "busy"


class LeaseError(StoreError):
    """Another admission of the cluster holds the lease, or took it over."""

    kind = "lease"
