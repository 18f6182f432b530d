"""Names: which host the name of an instance says, as pve3-web-1 says pve3.

1. What stands before the first dash is a host if it is `pve`, `kvm` or `esx` with a number. Any other name
   says nothing.
2. One host in both names says *same*, weakly; two hosts say *different*, weakly. A name is what somebody once
   wrote: it stays when the instance moves, so it makes no verdict. It says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from keepapart import Strength
from keepapart.signals import LabelTestimony, Observed, Signal, Stage, Testimony

HOST = re.compile(r"((?:pve|kvm|esx)\d+)-")


class Names:
    """The signal; see `keepapart.signals.Signal`."""

    name = "names"
    stage = Stage.FACTS

    def testify(self, seen: Observed) -> Sequence[Testimony]:
        """Say what the ids say."""
        found = [HOST.match(instance.id) for instance in seen.instances]
        hosts = [match[1] if match else None for match in found]

        def because(i: int, j: int) -> str:
            return (
                f"both names say {hosts[i]}"
                if hosts[i] == hosts[j]
                else f"names say {hosts[i]} and {hosts[j]}"
            )

        weak = Strength.WEAK
        said = LabelTestimony.of(self.name, hosts, because, if_equal=weak, if_different=-weak)
        return [said] if said.speaks else []


SIGNAL: Signal = Names()
