"""Run a command inside an instance: `python -m keepapart.lab.netns.nsenter DESCRIPTOR[,DESCRIPTOR] COMMAND…`.

The descriptors are those of the network namespace and, where the lab has one, of its user namespace.

A process of its own, because a user namespace can be entered only by a process with a single thread.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from keepapart.lab.netns import linux


def main() -> NoReturn:
    """Enter the namespaces and become the command; end as a shell would where there is no such command."""
    network, *user = (int(number) for number in sys.argv[1].split(","))
    try:
        for descriptor in (
            *user,
            network,
        ):  # root of the user namespace first: only then may it enter the other
            linux.setns(descriptor)
            os.close(descriptor)
    except OSError as error:
        sys.stderr.write(f"keepapart: can't enter the instance: {error.strerror}\n")
        sys.exit(4)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # the operator's own command, no shell
    except OSError as error:
        sys.stderr.write(f"keepapart: {sys.argv[2]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
