"""`keepapart watch`: audits on a schedule; answers whoever asks, and tells what is new."""

from __future__ import annotations

import argparse
import sys

from keepapart.cli._options import number
from keepapart.errors import ExitCode, UsageError

SUMMARY = "audit on a schedule: a web page, metrics, an API, and news to webhooks"
EXAMPLES = """  keepapart watch                     every hour; http://127.0.0.1:9797/
  keepapart watch --every 5           every five minutes
  curl -f http://127.0.0.1:9797/v1/clusters/orders/survives"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--every", type=number(0.05, 10_080), metavar="MINUTES", help="[watch] minutes for this run"
    )
    parser.add_argument("--listen", type=_place, metavar="ADDRESS:PORT", help="[watch] listen for this run")


def run(args: argparse.Namespace) -> ExitCode:
    """Watch until SIGTERM, which ends it with 0."""
    try:
        from keepapart.watch.serve import serve
    except ModuleNotFoundError as error:
        raise UsageError(f"watch needs {error.name}", "pip install 'keepapart[watch]'") from None
    from msgspec.structs import replace

    from keepapart.watch.auditor import Configured, configured

    def reload() -> Configured:
        by, flags = configured(args.config), {"minutes": args.every, "listen": args.listen}
        given = {name: value for name, value in flags.items() if value is not None}
        return Configured(replace(by.config, watch=replace(by.config.watch, **given)), by.document)

    def tell(line: str) -> None:
        sys.stderr.write(f"keepapart: {line}\n")
        sys.stderr.flush()

    return serve(reload, tell)


def _place(text: str) -> str:
    """Refuse what is no address and port as an option of the command line, which the file has no part in."""
    try:
        from keepapart.watch.guard import split
    except ModuleNotFoundError:
        return text  # `run` says what is missing

    try:
        split(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"an address and a port are wanted, as 127.0.0.1:9797, not {text!r}"
        ) from None
    return text
