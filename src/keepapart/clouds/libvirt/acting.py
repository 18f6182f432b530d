"""What is changed on one host: by a connection of its own, and in time.

Rules:
1. Each change opens its host anew, and closes it. One that isn't done in `timeout` seconds may be done yet:
   the call into libvirt can't be broken off, and is left behind in its thread.
2. What libvirt refuses is one of keepapart's own errors. Most of it has the code of an internal error, so no
   room is known by its words.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import libvirt

from keepapart.clouds.libvirt.host import translated, without_questions
from keepapart.clouds.once import ExistsError
from keepapart.errors import CapacityError, CloudError, DeniedError, NotFoundError, RefusedError

NO_ROOM = re.compile(
    r"cannot allocate memory|not enough (free )?(space|memory)|no space left|out of (space|memory)"
    r"|insufficient (free )?memory|unable to map backing store|cannot set up guest memory",
    re.IGNORECASE,
)
EXISTS = re.compile(r"already (exists|defined)")
RIGHTS = "the rights that are needed are in docs/platforms/libvirt.md"
DENIED = (
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_AUTH_CANCELLED,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    libvirt.VIR_ERR_OPERATION_DENIED,
    libvirt.VIR_ERR_ACCESS_DENIED,
)
REFUSED = (
    libvirt.VIR_ERR_NO_STORAGE_POOL,
    libvirt.VIR_ERR_NO_STORAGE_VOL,
    libvirt.VIR_ERR_XML_ERROR,
    libvirt.VIR_ERR_XML_DETAIL,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
)

T = TypeVar("T")


def begun(act: Callable[[], T]) -> Future[T]:
    """Do something in a thread of its own, which is left behind where nobody waits for it."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def on(uri: str, act: Callable[[Any], T], *, timeout: float) -> T:
    """Return what `act` returns, which is handed a connection to this host. Raises `CloudError`."""
    try:
        return begun(lambda: opened(uri, act)).result(timeout)
    except Exception as error:
        raise meant(uri, error, timeout) from error


def meant(uri: str, error: Exception, timeout: float) -> CloudError:
    """Return keepapart's error for what was raised over a host."""
    if isinstance(error, CloudError):
        return error
    said = translated(uri, error, timeout)
    code = error.get_error_code() if isinstance(error, libvirt.libvirtError) else None
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return NotFoundError(said.cause)
    if code in DENIED:
        return DeniedError(said.cause, RIGHTS)
    if NO_ROOM.search(said.cause):
        return CapacityError(said.cause)
    if EXISTS.search(said.cause):
        return ExistsError(said.cause)
    return RefusedError(said.cause) if code in REFUSED else said


def opened(uri: str, act: Callable[[Any], T]) -> T:
    """Return what `act` returns, however long that takes."""
    libvirt.registerErrorHandler(lambda *_: None, None)  # it would write to the terminal
    connection = libvirt.open(without_questions(uri))
    try:
        return act(connection)
    finally:
        connection.close()
