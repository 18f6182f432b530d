"""Labels of Kubernetes' nodes, by an audit on an event loop: `python labels.py keepapart.toml`.

What takes its time besides packets is taken into a thread. Nodes of which nothing is known get no label.
"""

from __future__ import annotations

import asyncio
import sys

import keepapart
from keepapart.errors import KeepapartError
from keepapart.exports import map_of, write_labels


async def main(path: str) -> str:
    """Audit, and write the labels that differ; return what was done."""
    config = keepapart.load(path)
    with keepapart.Store(config.store.url) as store:
        found = map_of(await keepapart.audit_async(config, store=store), unknown="leave-out")
    return await asyncio.to_thread(write_labels, found, "topology.keepapart.io/host")


if __name__ == "__main__":
    try:
        print(asyncio.run(main(*sys.argv[1:])))
    except KeepapartError as error:
        sys.exit(str(error))
