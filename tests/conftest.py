"""All tests: signals reach what they start, also in a shell's background or under `nohup`; none is timed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # machines are noisy
settings.load_profile("suite")

# What is ignored here every process that is started would ignore; what is handled it has as usual.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True, scope="module")
def _nothing_runs_on() -> Iterator[None]:
    """What a file starts on an event loop ends with it; else any later test would be told of open pipes.

    Until Python 3.12 asyncio waits for each child in a thread of this name.
    """
    yield
    waiting = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio-waitpid-")]
    for thread in waiting:
        thread.join(30)  # of a process that just ended, the thread may be telling its loop so
    assert not [thread.name for thread in waiting if thread.is_alive()], (
        "a process on an event loop still runs"
    )
