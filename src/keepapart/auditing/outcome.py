"""What an audit ends with: an exit code, and the same as a word for metrics. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from keepapart.auditing.assessment import Assessment
from keepapart.auditing.changes import Changes
from keepapart.errors import ExitCode

FAILED = "failed"  # the word for an audit that came to no end
OUTCOMES: Mapping[ExitCode, str] = {
    ExitCode.OK: "ok",
    ExitCode.NO: "shared",
    ExitCode.UNKNOWN: "unknown",
    ExitCode.NO_QUORUM: "no-quorum",
    ExitCode.FAILED: FAILED,
}


def outcome(found: Assessment) -> str:
    """Return the word for what an audit found."""
    return OUTCOMES[exit_code(found, None)]


def exit_code(found: Assessment, changes: Changes | None, fail_on: Collection[str] | None = None) -> ExitCode:
    """Return 5 (no quorum now), 1 (some share a host), 3 (some unknown) or 0, in this order.

    With `fail_on`, only what it names counts: for "quorum" also 1 where the loss of one host takes it, and 3
    where it may; for "changed" 1 where anything has.
    """
    risk, counts = found.risk, found.counts
    ending = fail_on or ("shared", "quorum", "unknown")
    quorum = fail_on is not None and "quorum" in fail_on
    if "quorum" in ending and not risk.quorate:
        return ExitCode.NO_QUORUM
    shared = "shared" in ending and counts["co-resident"]
    if shared or (quorum and risk.survives is False) or ("changed" in ending and changes):
        return ExitCode.NO
    if ("unknown" in ending and counts["unknown"]) or (quorum and risk.survives is None):
        return ExitCode.UNKNOWN
    return ExitCode.OK
