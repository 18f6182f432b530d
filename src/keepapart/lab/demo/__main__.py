"""`make demo`: the main job end to end on a lab of this machine, with the commands that a user would type.

A packing scheduler puts a cluster of five on two hosts; the audit shows it; the host with the most members
fails; `replace` brings the cluster back with every member on a host of its own. At the end the demo holds
every verdict against the lab's truth and fails if one is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

from keepapart.errors import OperationError
from keepapart.lab.client import Lab
from keepapart.lab.demo.harness import Shell, hold_against_truth, nothing_left_behind, run, say

WORLD = Path("worlds/demo.toml")
REPORT = Path("demo/report.html")
CONFIG = """[cluster]
name = "orders"

[cloud]
provider = "lab"
lab = "{lab}"

[launch]
max_attempts = 20
"""


def main() -> int:
    """Run the demo; 0 where all of it went well."""
    return run("demo", WORLD, CONFIG, _play)


def _play(lab: Lab, shell: Shell) -> str:
    say("A cloud of 12 hosts in 3 racks, whose scheduler packs; a cluster of five. Who shares a host?")
    shell.show("audit", allowed=(1,))
    before = shell.ask("audit", allowed=(1,))
    right = hold_against_truth(before, lab.truth())

    victim = before["risk"]["lost"][0]
    host = lab.truth()[victim].host
    say(f"\nThe host under {victim} fails.\n\n$ keepapart lab fail {host}")
    gone = lab.fail(host)
    say(f"{', '.join(gone)} are gone with it")

    after_failure = shell.ask("audit", allowed=(1, 3))
    lost = [i["id"] for i in after_failure["instances"] if not i["reached"]]
    shell.show("replace", "--yes", *lost, *after_failure["risk"]["spread"])

    REPORT.parent.mkdir(exist_ok=True)
    shell.show("audit", "--html", str(REPORT.resolve()))
    after = shell.ask("audit")
    right += hold_against_truth(after, lab.truth())
    homes = {lab.truth()[i["id"]].host for i in after["instances"]}
    if len(homes) < len(before["instances"]):
        raise OperationError(
            f"{len(before['instances'])} members were asked for, on hosts of their own: {homes}"
        )
    nothing_left_behind(shell)
    say(f"\nthe map as a page: {REPORT}")
    return (
        f"{right} verdicts held against the lab's truth, 0 wrong, {len(homes)} members on {len(homes)} hosts"
    )


if __name__ == "__main__":
    sys.exit(main())
