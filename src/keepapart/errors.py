"""Everything that keepapart raises on purpose.

KeepapartError              any of these; `exit_code` is what the command line ends with
├── UsageError              2  what was asked can't be meant: a flag, an id, a file, a key
│   └── ConfigError         2  names the file, the key and the mend
└── OperationError          4  the work itself failed
    ├── ReachError          4  no way in to an instance
    ├── CloudError          4  the platform refused, or could not be asked
    │   ├── CapacityError   4  no room for the instance now; another try may succeed
    │   ├── RefusedError    4  this very request will never be granted; another may
    │   └── NotFoundError   4  the platform knows no such instance, or not yet
    ├── LabError            4  the lab could not be built or found
    └── StoreError          4  the journal can't be read or written
        └── LeaseError      4  another admission of the cluster holds the lease

Each has a `kind`, the word by which `keepapart.error/1` names it; it stays, whatever the class is called.
"""

from enum import IntEnum

__all__ = [
    "CapacityError",
    "CloudError",
    "ConfigError",
    "ExitCode",
    "KeepapartError",
    "LabError",
    "LeaseError",
    "NotFoundError",
    "OperationError",
    "ReachError",
    "RefusedError",
    "StoreError",
    "UsageError",
]


class ExitCode(IntEnum):
    """What a command ends with."""

    OK = 0  # separate; no two share a host and none are unknown; all asked for are in
    NO = 1  # co-resident; some share a host; the budget was spent first, and nothing is left behind
    USAGE = 2
    UNKNOWN = 3
    FAILED = 4
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


class UsageError(KeepapartError):
    """What was asked can't be meant; nothing was done."""

    kind = "usage"
    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """The configuration is wrong; the text names the file, the key and the mend."""

    kind = "config"


class OperationError(KeepapartError):
    """The work itself failed."""

    kind = "operation"


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


class NotFoundError(CloudError):
    """The platform knows no such instance, or does not know it yet."""

    kind = "not-found"


class LabError(OperationError):
    """The lab could not be built, or the one named is not running."""

    kind = "lab"


class StoreError(OperationError):
    """The store can't be opened, read or written."""

    kind = "store"


class LeaseError(StoreError):
    """Another admission of the cluster holds the lease, or took it over."""

    kind = "lease"
