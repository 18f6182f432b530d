"""Shares of many nodes, each sending in a process of its own: as many as there are processors.

Nodes of a cloud send at the same time, and whoever measures waits for them; so do those of a large lab.

1. A share is split off by a fork, for as long as it sends: it has the nodes and their sockets as they are,
   runs nothing but them, and leaves without a word. What it counted comes back through shared memory.
2. It ends before the nodes that it had are used again: what arrives later is read by whoever split it off.
3. Where it fails, its counts are missing, and missing ones are asked for again.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import mmap

from keepapart.node.node import Node

MANY = 128  # nodes that are worth a process of their own


def shares(names: Sequence[str]) -> list[Sequence[str]]:
    """Deal names out: one share for each processor, of at least `MANY`; one share where they are fewer."""
    count = max(1, min(len(os.sched_getaffinity(0)), len(names) // MANY))
    return [names[first::count] for first in range(count)]


@contextmanager
def split_off(send: Callable[[], None], nodes: Sequence[Node]) -> Iterator[None]:
    """Have a child `send` for these nodes; at the end wait for it, and take what it counted for them.

    Where the block raises, the child is ended.
    """
    with mmap(-1, sum(len(node.least) for node in nodes) or 1) as counted:
        if not (child := os.fork()):
            try:
                send()
                counted.write(b"".join(node.least for node in nodes))
            finally:
                os._exit(0)
        try:
            yield
        except BaseException:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            os.waitpid(child, 0)
        for node in nodes:
            node.least[:] = counted.read(len(node.least))
