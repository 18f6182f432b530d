"""One of several operators: a real admission in a process of its own, as on another machine.

Run as ``python -m tests.crash.racing URL FOLDER COUNT WAIT [ARROW]``. It prints a line for each thing that
happens; with ARROW it says so when it gets there, and waits to be killed. Nobody can tell that it is dead.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from faults.scenarios import CLUSTER
from keepapart.admit import AdmissionContext, admit
from keepapart.documents.base import text
from keepapart.errors import LeaseError
from keepapart.store import Store
from keepapart.testing import ProgrammableCloud, TruthfulChecker

LEASE = 3.0  # seconds
THERE = "there"


def main(url: str, folder: str, count: str, wait: str, arrow: str = "") -> int:
    """Admit, and print the document, or who holds the lease."""
    me = f"pid {os.getpid()} on elsewhere [another-boot pid:[1] {os.getpid()} 1]"

    def on_arrow(name: str) -> None:
        if name == arrow:
            say(THERE)
            time.sleep(600)

    cloud = ProgrammableCloud(Path(folder) / "cloud.json", hosts=6)
    with Store(url) as store:
        context = AdmissionContext(
            cloud,
            store,
            CLUSTER,
            sleep=lambda seconds: time.sleep(min(seconds, 0.2)),
            tell=say,
            on_arrow=on_arrow,
            wait=float(wait),
            lease_seconds=LEASE,
            holder=lambda: me,
        )
        try:
            say(text(admit(context, TruthfulChecker(cloud), int(count)).document()))
        except LeaseError as error:
            say(str(error))
            return error.exit_code
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
