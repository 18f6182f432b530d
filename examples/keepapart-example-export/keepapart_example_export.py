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
    if unknown := document["verdicts"]["unknown"]:
        some = [f"{pair['a']} and {pair['b']}" for pair in document["pairs"] if pair["verdict"] == "unknown"]
        raise ValueError(f"pairs that may share a host: {unknown}, such as {', '.join(some[:1])}")
    lines = []
    for instance in document["instances"]:
        host = instance["host"]
        if host is None:
            raise ValueError(f"{instance['id']} is on no known host")
        if not host.isascii() or {*host} & {*" \t/"}:
            raise ValueError(f"host {host!r}: Hadoop's paths have no spaces and no slashes")
        lines.append(f"{instance['address']} /{host}\n")
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
