"""Which quorum one host takes: `redis-cli cluster nodes | python quorum.py keepapart.toml`; 1 if any."""

from __future__ import annotations

import sys

import keepapart
from keepapart.errors import KeepapartError
from keepapart.exports import findings, map_of, read_sets


def main(path: str) -> int:
    """Audit, print what the worst host takes of each set, and return 1 where that is too much of one."""
    found = map_of(keepapart.audit(keepapart.load(path)), "host", "merge")
    survives = True
    for each in findings(found, read_sets(sys.stdin.read())):
        survives = survives and each.survives
        print(f"{each.of.name}: {each.domain} takes {len(each.lost)} of {len(each.of.members)}")
    return 0 if survives else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeepapartError as error:
        sys.exit(str(error))
