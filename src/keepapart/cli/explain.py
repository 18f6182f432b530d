"""`keepapart explain A B`: what kept audits said of a pair, and why, without measuring again."""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_output, whole
from keepapart.cli._output import DOCUMENTS, print_document
from keepapart.errors import ExitCode, UsageError

SUMMARY = "what earlier audits said of two instances, and why; measures nothing"
EXAMPLES = """  keepapart explain web-1 web-2
  keepapart explain web-1 web-2 --at 3        as audit number 3 of `keepapart history` saw it"""

LOOK_BACK = 100  # audits that are searched for the pair


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("a", metavar="A", help="id of an instance")
    parser.add_argument("b", metavar="B", help="id of another")
    parser.add_argument("--at", type=whole(1), metavar="N", help="only audit number N of `keepapart history`")
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Print what was said; 0 where anything was. Raises `UsageError` where no kept audit has the pair."""
    from keepapart.auditing.history import sayings
    from keepapart.auditing.kept import recall
    from keepapart.documents.past import ExplainDocument

    if args.a == args.b:
        raise UsageError(f"{args.a!r} is one instance; explain takes two")
    with opened_store(args) as (config, store):
        cluster = config.cluster.name
        kept = store.audits.count(cluster)
        if not kept:
            raise UsageError(f"no audits of cluster {cluster!r} are stored yet", "run `keepapart audit`")
        if args.at and args.at > kept:
            raise UsageError(f"--at {args.at}: only {kept} audits are kept", "`keepapart history` lists them")
        entries = recall(store, cluster, args.at or LOOK_BACK)
        found = [said for said in sayings(entries, args.a, args.b) if args.at in (None, said.number)]
    if not found:
        where = f"audit {args.at}" if args.at else f"any of the last {min(kept, LOOK_BACK)} audits"
        raise UsageError(
            f"{args.a!r} and {args.b!r} are not both in {where}", "`keepapart audit` measures them"
        )
    if args.output in DOCUMENTS:
        print_document(ExplainDocument(args.a, args.b, tuple(found)), args.output)
    else:
        from keepapart.report.past import print_sayings

        print_sayings(args.a, args.b, found)
    return ExitCode.OK
