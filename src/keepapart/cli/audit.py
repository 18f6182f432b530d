"""`keepapart audit`: the whole cluster, what one failure takes down, and what changed since before."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.cli._names import add_names, opened_named
from keepapart.cli._options import add_judging, add_output, asked, known, several
from keepapart.cli._output import DOCUMENTS, WIDE, print_document, progress_bar, tell_failure
from keepapart.cli._project import add_project, opened_project
from keepapart.errors import ExitCode, KeepapartError, OperationError, UsageError

if TYPE_CHECKING:
    from keepapart.auditing.assessment import Assessment
    from keepapart.auditing.changes import Changes
    from keepapart.report.ground import Ground, Step

SUMMARY = "who shares a host with whom, and what one host failure takes down"
EXAMPLES = """  keepapart audit
  keepapart audit web-1 web-2 db.example.net      without a configuration: what `ssh` takes
  keepapart audit 'ubuntu@web-[1-5]' --model routed-host
  keepapart audit --json --pairs all | jq '.verdicts'
  keepapart audit --html report.html
  keepapart audit --stated
  keepapart audit --stated --provider ec2 --each group
  keepapart audit -q --fail-on quorum,changed   for cron: silent unless it matters"""

FAILURES = ("shared", "quorum", "unknown", "changed")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found, where, and what changed since the audit before; None where there is none."""

    found: Assessment
    ground: Ground
    changes: Changes | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_names(parser)
    parser.add_argument(
        "--stated",
        action="store_true",
        help="judge by stated facts alone: no packets, no way in, nothing kept in the history",
    )
    add_project(parser)
    add_output(parser)
    add_judging(parser)
    parser.add_argument("--pairs", choices=("all",), help="list every pair, however many instances there are")
    parser.add_argument("--html", metavar="FILE", help="also write the audit as an HTML page")
    parser.add_argument(
        "--prom", metavar="FILE", help="also write metrics for a textfile collector of Prometheus"
    )
    parser.add_argument(
        "--fail-on",
        metavar="WHAT,…",
        type=several(FAILURES),
        help="what is a failure: shared (some share a host), quorum (there is none now, or one host's loss"
        " takes it or may), unknown, changed since the audit before; all others end with 0",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Audit and print; see `auditing.outcome` for what it returns."""
    _check_flags(args)
    if args.each:
        return _each(args)
    begun = time.monotonic()
    seen = _seen(args)
    from keepapart.auditing.outcome import exit_code  # they import what judges, as measuring
    from keepapart.report.advice import advise  # did meanwhile

    found, changes = seen.found, seen.changes
    steps = advise(found, seen.ground)
    failure = None
    try:
        _write_files(args, seen, steps, time.monotonic() - begun)
    except KeepapartError as error:  # what was found is told all the same
        failure = error
    if args.output in DOCUMENTS:
        from keepapart.auditing.document import audit_document
        from keepapart.documents.audit import StepEntry

        entries = [StepEntry(step.command, step.purpose) for step in steps]
        everything = audit_document(found, all_pairs=bool(args.pairs), steps=entries, changes=changes)
        print_document(everything, args.output)
    else:
        from keepapart.report.terminal import print_audit

        wide = args.output == WIDE
        print_audit(found, steps, changes, all_pairs=bool(args.pairs) or wide, wide=wide)
    if failure:
        tell_failure(failure)
        return failure.exit_code
    return exit_code(found, changes, args.fail_on)


def _write_files(args: argparse.Namespace, seen: _Seen, steps: Sequence[Step], seconds: float) -> None:
    """Write what is to be written beside what is printed, of an audit that took so many seconds."""
    found, changes = seen.found, seen.changes
    if args.html:
        from keepapart.report.html import write_page

        write_page(found, args.html, steps, changes)
    if args.prom:
        from keepapart.auditing.assess import Audit
        from keepapart.auditing.outcome import outcome
        from keepapart.report.prometheus import write_metrics

        moved = len(changes.moved) if changes else 0
        sent = found.round.sent if isinstance(found, Audit) else 0
        ended = outcome(found)
        write_metrics(args.prom, found, found.cluster, ended, seconds=seconds, moved=moved, sent=sent)


def _check_flags(args: argparse.Namespace) -> None:
    """Raise `UsageError` for flags that don't go together."""
    if args.stated:
        ways = (("--known-same", args.known_same), ("--known-separate", args.known_separate))
        for flag, given in (*ways, ("--model", args.model)):
            if given:
                raise UsageError(f"{flag}: --stated judges by stated facts alone", "leave out one of the two")
    elif given := "--provider" if args.provider else "--each" if args.each else "":
        raise UsageError(f"{given}: a whole project is judged by stated facts alone", "add --stated")
    if args.each:
        pages = (("--html", args.html), ("--prom", args.prom), ("--pairs", args.pairs))
        for flag, given in (*pages, ("--fail-on", args.fail_on), ("NAME", args.names)):
            if given:
                raise UsageError(f"{flag}: --each only shows every group", "leave out one of the two")
    for flag, path in (("--html", args.html), ("--prom", args.prom)):
        if path is not None and not (path and _may_be_written(Path(path))):
            raise UsageError(
                f"{flag} {path}: no plain file can be there", "name one in a folder that there is"
            )
    if "changed" in (args.fail_on or ()) and (args.stated or args.names):
        raise UsageError(
            "--fail-on changed: only audits of the whole cluster are kept and compared",
            "leave out " + ("--stated" if args.stated else "the names"),
        )


def _may_be_written(path: Path) -> bool:
    """Whether a file is there or can be: no device, no folder, none in a folder that there isn't."""
    return path.is_file() or (not path.exists() and path.parent.is_dir())


def _each(args: argparse.Namespace) -> ExitCode:
    """Audit every group; 5 where too few of any run, else 1 where some of one share a host, 3 for unknown."""
    from keepapart.auditing.survey import stated_groups

    with opened_project(args) as (config, _), progress_bar() as progress:
        found = stated_groups(config, args.each, progress=progress)
    if args.output in DOCUMENTS:
        from keepapart.auditing.document import groups_document

        print_document(groups_document(found), args.output)
    else:
        from keepapart.report.project import print_groups

        print_groups(found, wide=args.output == WIDE)
    if not all(group.quorate for group in found.groups):
        return ExitCode.NO_QUORUM
    if any(group.shared for group in found.groups):
        return ExitCode.NO
    unknown = any(group.verdicts["unknown"] for group in found.groups) or not found.groups
    return ExitCode.UNKNOWN if unknown else ExitCode.OK


def _seen(args: argparse.Namespace) -> _Seen:
    try:
        return _stated(args) if args.stated else _measured(args)
    except OperationError:
        from keepapart.config import is_there, load

        if args.prom and (args.provider or is_there(args.config)):
            from keepapart.report.prometheus import write_metrics

            cluster = args.provider or load(args.config).cluster.name
            write_metrics(args.prom, None, cluster, "failed")
        raise


def _measured(args: argparse.Namespace) -> _Seen:
    from keepapart.auditing.members import cloud_of
    from keepapart.auditing.survey import audit
    from keepapart.report.ground import Ground

    with (
        opened_named(args, args.names) as (config, only, store),
        progress_bar() as progress,
        closing(cloud_of(config)) as cloud,
    ):
        compare = None
        if store and not only:
            from keepapart.auditing.kept import since_before

            compare = since_before(store, config.cluster.name, known(args))
        found = audit(config, cloud=cloud, only=only, known=known(args), store=store, progress=progress)
        ground = Ground.of(config, cloud, args.config, asked(args.names, args), listed=store is not None)
        return _Seen(found, ground, compare(found) if compare else None)


def _stated(args: argparse.Namespace) -> _Seen:
    from keepapart.auditing.members import cloud_of
    from keepapart.auditing.survey import stated_audit
    from keepapart.config import FILE
    from keepapart.report.ground import Ground

    with (
        opened_project(args) as (config, whole),
        progress_bar() as progress,
        closing(cloud_of(config)) as cloud,
    ):
        found = stated_audit(config, cloud=cloud, only=args.names, whole=whole, progress=progress)
        ground = Ground.of(config, cloud, args.config, asked(args.names, args))
        return _Seen(found, replace(ground, file=FILE) if whole else ground, None)
