"""`keepapart network`: what kind of network is this, who vouches for it, and what speaks against it?"""

from __future__ import annotations

import argparse

from keepapart.cli._names import add_names, opened_named
from keepapart.cli._options import add_judging, add_output, known
from keepapart.cli._output import DOCUMENTS, print_document, progress_bar
from keepapart.errors import ExitCode

SUMMARY = "what kind of network this is: what vouches for it, what speaks against it, how to find out"
EXAMPLES = """  keepapart network
  keepapart network --known-same web-1,web-2     # a control: do counts agree with what you know?
  keepapart network --json | jq '.gateways'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_names(parser)
    add_output(parser)
    add_judging(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Measure and print; 0 where hops may speak strongly or are refuted, 3 where nobody vouches."""
    from keepapart.auditing.survey import audit

    with opened_named(args, args.names) as (config, only, store), progress_bar() as progress:
        found = audit(config, only=only, known=known(args), store=store, purpose="network", progress=progress)
        from keepapart.auditing.network_report import network_report  # imports what judges, as measuring did

        report = network_report(found)
    from keepapart.report.network import network_document, print_network
    from keepapart.signals.network import NetworkStatus

    if args.output in DOCUMENTS:
        print_document(network_document(found, report), args.output)
    else:
        print_network(found, report)
    return ExitCode.UNKNOWN if found.network.standing is NetworkStatus.UNVOUCHED else ExitCode.OK
