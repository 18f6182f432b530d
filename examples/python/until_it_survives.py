"""Waits until a cluster survives the loss of any one host: `python until_it_survives.py keepapart.toml`."""

from __future__ import annotations

import sys

from keepapart.errors import KeepapartError
from keepapart.watch import follow


def main(path: str) -> None:
    """Print how each audit ends, until one says that the cluster survives."""
    for seen in follow(path):
        print(seen.outcome, seen.because or "", flush=True)
        if seen.survives:
            return


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeepapartError as error:
        sys.exit(str(error))
