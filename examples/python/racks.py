"""The Cassandra rack of a node, before it starts for the first time: `python racks.py keepapart.toml ID`.

Once given, an instance is told the same rack ever after.
"""

from __future__ import annotations

import sys

import keepapart
from keepapart.errors import KeepapartError
from keepapart.exports import formats, give_racks, map_of, named


def main(path: str, instance: str) -> str:
    """Audit, give racks to all that have none, and return the node's cassandra-rackdc.properties."""
    config, cassandra = keepapart.load(path), named("cassandra", formats())
    with keepapart.Store(config.store.url) as store:
        found = map_of(keepapart.audit(config, store=store))
        racks = give_racks(store, cassandra.name, found, "3")
    return cassandra.render(racks, {"dc": "eu"}, packed=True)[instance]


if __name__ == "__main__":
    try:
        sys.stdout.write(main(*sys.argv[1:]))
    except KeepapartError as error:
        sys.exit(str(error))
