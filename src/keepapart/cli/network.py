"""`keepapart network`: what kind of network is this, who vouches for it, and what speaks against it?"""

from __future__ import annotations

import argparse

from keepapart.cli._open import opened_store
from keepapart.cli._options import add_json, add_judging, known
from keepapart.cli._output import print_json, progress_bar
from keepapart.errors import ExitCode

SUMMARY = "what kind of network this is: what vouches for it, what speaks against it, how to find out"
EXAMPLES = """  keepapart network
  keepapart network --known-same web-1,web-2     # a control: do counts agree with what you know?
  keepapart network --json | jq '.gateways'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_json(parser)
    add_judging(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Measure and print; 0 where hops may speak strongly or are refuted, 3 where nobody vouches."""
    from keepapart.auditing.network_report import network_report
    from keepapart.auditing.survey import audit, cloud_of, network_word
    from keepapart.report.network import network_document, print_network
    from keepapart.signals.network import NetworkStatus

    with opened_store(args) as (config, store), progress_bar() as progress:
        found = audit(config, known=known(args), store=store, purpose="network", progress=progress)
        report = network_report(found, config.network.model, network_word(cloud_of(config)))
    if args.json:
        print_json(network_document(found, report))
    else:
        print_network(found, report)
    return ExitCode.UNKNOWN if found.network.standing is NetworkStatus.UNVOUCHED else ExitCode.OK
