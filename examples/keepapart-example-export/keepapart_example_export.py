"""Hadoop's table of racks (`net.topology.table.file.name`), each host a rack of its own.

    keepapart audit --json | keepapart-example-export > topology.table

Whoever reads two racks takes their nodes to fail apart. So two addresses get different paths only where the
verdict on them is *separate*; where a pair is unknown there is no table, and the exit code is 3.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

SCHEMA = "keepapart.audit/1"


def export(document: Mapping[str, Any]) -> str:
    """Translate an audit's document. Raises `ValueError` where a pair is unknown or a name won't do."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"a document of {SCHEMA} is wanted, not of {document['schema']}")
    unknown = [(pair["a"], pair["b"]) for pair in document["pairs"] if pair["verdict"] == "unknown"]
    if unknown:
        first, second = unknown[0]
        raise ValueError(f"{first} and {second} may share a host ({len(unknown)} unknown in all)")
    lines = []
    for instance in document["instances"]:  # all are on known hosts, since no pair is unknown
        if not instance["host"].isascii() or {*instance["host"]} & {*" \t/"}:
            raise ValueError(f"host {instance['host']!r}: Hadoop's paths have no spaces and no slashes")
        lines.append(f"{instance['address']} /{instance['host']}\n")
    return "".join(lines)


def main() -> int:
    """Read a document from standard input, write the table to standard output."""
    try:
        sys.stdout.write(export(json.load(sys.stdin)))
    except ValueError as error:
        sys.stderr.write(f"keepapart-example-export: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
