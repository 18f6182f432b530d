"""What a fault of vSphere's means: every one as one of keepapart's own errors.

1. What lacks room is `CapacityError`, also where only a task said so in the end.
2. What this very request will never be granted for is `RefusedError`; what nobody is let do is `DeniedError`.
3. What vSphere says goes into errors, passwords never.
"""

from __future__ import annotations

import http.client
import ssl

from pyVmomi import vim, vmodl

from keepapart.clouds.once import ExistsError
from keepapart.errors import CapacityError, CloudError, DeniedError, NotFoundError, RefusedError

LONG = 300  # characters of the server's own words
NO_ROOM = (vim.fault.InsufficientResourcesFault, vim.fault.NoCompatibleHost, vim.fault.NoDiskSpace)
REFUSED = (
    vim.fault.CustomizationFault,
    vim.fault.InvalidDatastore,
    vim.fault.InvalidFolder,
    vim.fault.InvalidHostState,
    vim.fault.MigrationFault,
    vim.fault.VmConfigFault,
    vmodl.fault.InvalidArgument,
    vmodl.fault.NotSupported,
)
BUSY = (vim.fault.TaskInProgress, vim.fault.ConcurrentAccess)  # with something else, for a while
LOGIN = "the user or the password is wrong: look at VSPHERE_USER and VSPHERE_PASSWORD, or govc's"
RIGHTS = "the rights that are needed are in docs/platforms/vsphere.md"
LICENCE = "the licence doesn't allow it"
CERTIFICATE = "say whose the certificate is as [cloud] ca: the vCenter's page has its authority to download"


def meant(error: Exception, address: str) -> CloudError:
    """Return keepapart's error for what pyvmomi raised, or a task ended with, at this address."""
    if isinstance(error, CloudError):
        return error
    said = f"vsphere: {_said(error)}"
    if isinstance(error, vim.fault.InvalidLogin):
        return DeniedError(said, LOGIN)
    if isinstance(error, vim.fault.NoPermission):
        return DeniedError(f"{said} ({error.privilegeId})" if error.privilegeId else said, RIGHTS)
    if isinstance(error, vmodl.fault.NotEnoughLicenses):
        return DeniedError(said, LICENCE)
    for kinds, kind in (
        (NO_ROOM, CapacityError),
        (REFUSED, RefusedError),
        (vmodl.fault.ManagedObjectNotFound, NotFoundError),
        (vim.fault.DuplicateName, ExistsError),
    ):
        if isinstance(error, kinds):
            return kind(said)
    if isinstance(error, ssl.SSLError):
        return CloudError(said, CERTIFICATE)
    if isinstance(error, (http.client.HTTPException, OSError)):
        return CloudError(said, f"nobody answers at {address}: look at [cloud] server and timeout")
    return CloudError(said)


def _said(error: Exception) -> str:
    """Return the words of a fault, or else its name; without letters that a terminal would obey."""
    text = getattr(error, "msg", "") or ("" if isinstance(error, vmodl.MethodFault) else str(error))
    text = text or type(error).__name__.rpartition(".")[2]
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split()).rstrip(".")
    return text if len(text) <= LONG else text[:LONG] + " …"
