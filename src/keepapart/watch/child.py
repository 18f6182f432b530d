"""`python -m keepapart.watch.child FILE`: one audit, in a process of its own.

The configuration is handed in on stdin, as the watch has it: what FILE says by now may be wrong. What was
found is one JSON document on stdout.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from keepapart.auditing.assess import Audit
from keepapart.auditing.changes import Changes
from keepapart.auditing.document import audit_document
from keepapart.auditing.kept import since_before
from keepapart.auditing.members import cloud_of
from keepapart.auditing.outcome import FAILED, outcome
from keepapart.auditing.survey import audit
from keepapart.config import Config, parse
from keepapart.documents.audit import StepEntry
from keepapart.documents.base import plain
from keepapart.errors import ExitCode, KeepapartError
from keepapart.report import words
from keepapart.report.advice import advise
from keepapart.report.ground import Ground
from keepapart.report.prometheus import samples
from keepapart.store import Store


def audited(config: Config) -> dict[str, Any]:
    """Audit the cluster; return what `told` does."""
    begun = time.monotonic()
    with Store(config.store.url) as store, closing(cloud_of(config)) as cloud:
        compare = since_before(store, config.cluster.name)
        found = audit(config, cloud=cloud, store=store)
        changes, ground = compare(found), Ground.of(config, cloud, str(config.path))
    return told(found, changes, ground, time.monotonic() - begun)


def told(found: Audit, changes: Changes | None, ground: Ground, seconds: float) -> dict[str, Any]:
    """Return what the watch is to know of an audit: its outcome, the document, the answer, the metrics."""
    steps = [StepEntry(step.command, step.purpose) for step in advise(found, ground)]
    answer = words.answer(found)
    return {
        "outcome": outcome(found),
        "at": found.at,
        "audit": plain(audit_document(found, steps=steps, changes=changes)),
        "answer": {"tone": answer.tone.value, "text": answer.text},
        "moved": len(changes.moved) if changes else 0,
        "sent": found.round.sent,
        "samples": list(samples(found, seconds)),
    }


def main() -> int:
    """Make the audit that stdin asks for, and print what came of it."""
    try:
        found = audited(parse(json.load(sys.stdin), Path(sys.argv[1])))
    except KeepapartError as error:
        found = {"outcome": FAILED, "because": str(error)}
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    sys.stdout.write(json.dumps(found))
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
