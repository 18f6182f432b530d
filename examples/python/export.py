"""Kafka's racks of a cluster, measured now: `python export.py keepapart.toml FOLDER`.

A file for each broker, replaced only where its rack changes. Where a pair is unknown, nothing is written.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keepapart
from keepapart.errors import KeepapartError
from keepapart.exports import formats, map_of, named, write_files


def main(path: str, folder: str) -> str:
    """Audit, and write the files; return what was done."""
    config = keepapart.load(path)
    with keepapart.Store(config.store.url) as store:
        found = map_of(keepapart.audit(config, store=store))
    kafka = named("kafka", formats())
    return write_files(kafka, found, kafka.render(found), Path(folder))


if __name__ == "__main__":
    try:
        print(main(*sys.argv[1:]))
    except KeepapartError as error:
        sys.exit(str(error))
