"""What signals mean: SIGTERM and SIGHUP are Ctrl-C, and an impatient second one hits nothing that is torn.

1. SIGTERM and SIGHUP do what Ctrl-C does, once: `timeout` and shells send them twice. One that was ignored
   when the program began stays so (`nohup`).
2. While the program starts and ends, a first Ctrl-C ends it and further ones do nothing. Only while a verb is
   at work is each heard: a second one cuts its cleaning up short.
3. While a store is closed nothing is heard: its library would tell of what is torn by a traceback.
4. Where Ctrl-C was ignored, as in a script's background job, SIGTERM and SIGHUP are heard all the same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

AS_CTRL_C = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_settled = False


def settle() -> None:
    """Make the signals of this process mean that."""
    global _settled
    _settled = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _once)
    for number in AS_CTRL_C:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _as_ctrl_c)


@contextmanager
def each_heard() -> Iterator[None]:
    """Hear every Ctrl-C while a verb is at work; does nothing where `settle` did nothing."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not _once:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _once)


@contextmanager
def left_unheard(manager: AbstractContextManager[T]) -> Iterator[T]:
    """Enter this, and hear nothing while it is left again; hears as ever where `settle` did nothing."""
    with ExitStack() as leaving:
        entered = leaving.enter_context(manager)
        try:
            yield entered
        finally:
            with _unheard():
                leaving.close()


@contextmanager
def _unheard() -> Iterator[None]:
    heard = _heard()
    for number in heard:
        signal.signal(number, _nothing)
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)


def none_heard() -> None:
    """Hear nothing any more: what was done is told, and the program ends. Does nothing without `settle`."""
    heard = _heard()
    for number in heard:
        signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)  # none arrives here any more; see `_nothing`
    for number in heard:  # the interpreter, ending, forgets handlers, and other threads may live still
        signal.signal(number, signal.SIG_IGN)


def _heard() -> dict[signal.Signals, Any]:
    """Return what is done at each signal that isn't ignored; nothing where `settle` did nothing."""
    if not _settled or threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *AS_CTRL_C)}
    return {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}


def _once(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _nothing)
    raise KeyboardInterrupt


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    for number in AS_CTRL_C:
        signal.signal(number, _nothing)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of a script's background job
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Stand where a signal is not heard: one that is ignored while it arrives makes Python complain."""
