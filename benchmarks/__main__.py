"""`make bench`: every benchmark in turn, or those named."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import first_answer, hops, judge, ssh

BENCHMARKS: dict[str, Callable[[], None]] = {
    "hops": hops.run,
    "judge": judge.run,
    "ssh": ssh.run,
    "first": first_answer.run,
}


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, all of them where none is given."""
    for name in names:
        if name not in BENCHMARKS:
            sys.stderr.write(f"no benchmark {name!r}; there is {', '.join(BENCHMARKS)}\n")
            return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
