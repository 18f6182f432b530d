"""`keepapart export FORMAT`: the map of fault domains, in the form that another system reads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.cli._open import opened_config
from keepapart.cli._options import assigned, whole
from keepapart.cli._output import progress_bar
from keepapart.cli._signals import each_heard, left_unheard
from keepapart.errors import ExitCode, UsageError
from keepapart.model import CHOICES, MAP_LEVELS

if TYPE_CHECKING:
    from keepapart.config import Config
    from keepapart.documents.domains import DomainsDocument
    from keepapart.exports import Format
    from keepapart.model import MapLevel

OWN_HELP = True  # `export FORMAT --help` is about the format
SUMMARY = "the map of hosts, in the form that another system reads; alone, it lists the forms"
NOTES = """`keepapart export FORMAT --help` says what is to be known of one. Two different domains are always
separate: where pairs are unknown nothing is written, and the exit code is 3. It measures, as an audit does,
since instances move; --at takes an audit that was kept, as several forms of one moment need, and --stated
judges by stated facts alone."""
EXAMPLES = """  keepapart export
  keepapart export kafka --help
  keepapart export kafka --only web-1          what one instance's configuration gets
  keepapart export ceph --to crush/            a file for each instance, replaced only where it changes
  keepapart audit; keepapart export hdfs --at 1 --to topology.table
  keepapart export elasticsearch --stated --unknown leave-out
  keepapart export json | jq '.domains'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "-h", "--help", action="store_true", dest="about", help="what is to be known of FORMAT"
    )
    parser.add_argument("format", metavar="FORMAT", nargs="?", help="the form; without one, all are listed")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--at",
        type=whole(1),
        metavar="N",
        help="as audit number N of `keepapart history` has it; measure nothing",
    )
    source.add_argument(
        "--stated", action="store_true", help="judge by stated facts alone: no packets, no way in"
    )
    parser.add_argument(
        "--level", choices=MAP_LEVELS, help="which fault domains (default: host; slurm: rack)"
    )
    parser.add_argument(
        "--unknown",
        choices=CHOICES,
        default="refuse",
        help="where pairs are unknown: refuse (exit code 3), merge all that they join into one domain,"
        " leave-out instances (where the consumer is safe with that), or take them for apart: your word",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assigned,
        metavar="NAME=VALUE",
        help="a setting of the format (may be repeated)",
    )
    parser.add_argument(
        "--key", metavar="KEY", help="the label, tag or attribute to write: the same as --set key=KEY"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="print this instance's part, where each has a file of its own (may be repeated; default: all)",
    )
    for flag, what in (("--rename", "a domain"), ("--rename-id", "an instance")):
        parser.add_argument(
            flag,
            action="append",
            default=[],
            type=assigned,
            metavar="OLD=NEW",
            help=f"what the consumer calls {what} (may be repeated)",
        )
    parser.add_argument(
        "--racks-now",
        metavar="FILE",
        help="where racks are given for good: what instances have already, a line of ID and RACK each",
    )
    parser.add_argument(
        "--anew",
        action="store_true",
        help="where racks are given for good: forget what was given, as nothing has started in it yet",
    )
    parser.add_argument(
        "--to",
        metavar="PATH",
        help="write a file, or into a folder where each instance has its own, if it changes",
    )
    parser.add_argument(
        "--sets", metavar="FILE", help="sets: the sets, as `export sets --help` says; - is stdin"
    )
    parser.add_argument(
        "--apply",
        action="store_true",
        help="kubernetes: write the labels through the API, of the kubeconfig's current context"
        " (or [cloud] context)",
    )
    parser.set_defaults(print_help=parser.print_help)


def run(args: argparse.Namespace) -> ExitCode:
    """Write the map; 0 where it is written. Raises `UnknownError` where unknown pairs forbid it."""
    from keepapart.exports import named, renamed
    from keepapart.exports.help import about, listed
    from keepapart.exports.packing import read_racks

    if not args.format and args.about:
        args.print_help()
        return ExitCode.OK
    known = _formats(args)
    if not args.format:
        sys.stdout.write(listed(known))
        return ExitCode.OK
    form = named(args.format, known)
    if args.about:
        sys.stdout.write(about(form))
        return ExitCode.OK
    _hold(args, form)
    known_racks = read_racks(args.racks_now) if args.racks_now else {}
    sets = _sets(args.sets) if args.sets else ""
    level = args.level or form.row.levels[0]
    settings = form.settings(level, dict(args.set) | ({"key": args.key} if args.key else {}))
    with opened_config(args) as config:
        found = renamed(_map(args, form, config, level), dict(args.rename), dict(args.rename_id))
        if form.row.packs:
            found = _packed(args, form, config, found, settings, known_racks)
    texts = form.render(found, settings, packed=form.row.packs)
    if form.name == "sets":
        return _report_sets(found, sets)
    if args.apply:
        from keepapart.exports import write_labels

        context = config.cloud.settings.get("context", "") if config.cloud.provider == form.name else ""
        sys.stdout.write(f"{write_labels(found, settings['key'], context)}\n")
    elif args.to:
        from keepapart.exports.files import write_files

        sys.stdout.write(f"{write_files(form, found, texts, Path(args.to))}\n")
    else:
        sys.stdout.write(form.text(texts, args.only))
    return ExitCode.OK


def _formats(args: argparse.Namespace) -> Mapping[str, Format]:
    from keepapart.config import is_there
    from keepapart.exports import formats

    if not is_there(args.config):
        return formats()
    with opened_config(args) as config:
        return formats(Path(config.export.formats) if config.export.formats else None)


def _hold(args: argparse.Namespace, form: Format) -> None:
    """Refuse what contradicts itself before anything is measured."""
    form.hold_choice(args.unknown)
    if args.sets and form.name != "sets":
        raise UsageError(f"{form.name}: --sets: only `export sets` takes it", "leave it out")
    if args.apply and form.name != "kubernetes":
        raise UsageError(f"{form.name}: --apply: keepapart applies only kubernetes", form.row.apply)
    if not form.row.packs and (args.anew or args.racks_now):
        flag = "--anew" if args.anew else "--racks-now"
        raise UsageError(f"{form.name}: {flag}: nothing is given for good there", "leave it out")
    if args.only and (args.to or not form.row.each):
        raise UsageError(
            f"{form.name}: " + ("--to writes all files" if args.to else "it is one text for all instances"),
            "leave out --only",
        )


def _map(args: argparse.Namespace, form: Format, config: Config, level: MapLevel) -> DomainsDocument:
    from keepapart.exports.domain_map import map_of, mapped

    with progress_bar() as progress:
        if args.stated:
            from keepapart.auditing.survey import stated_audit

            return map_of(stated_audit(config, progress=progress), level, args.unknown, form.choices)
        from keepapart.store import Store

        with left_unheard(Store(config.store.url)) as store, each_heard():
            if args.at:
                from keepapart.auditing.history import whole_audit

                kept, hosts = whole_audit(store, config.cluster.name, args.at)
                return mapped(kept, hosts, level, args.unknown, form.choices)
            from keepapart.auditing.survey import audit

            return map_of(audit(config, store=store, progress=progress), level, args.unknown, form.choices)


def _packed(
    args: argparse.Namespace,
    form: Format,
    config: Config,
    found: DomainsDocument,
    settings: Mapping[str, str],
    known: Mapping[str, str],
) -> DomainsDocument:
    """Give racks for good: those that were given before stay, and what is given now is kept."""
    from keepapart.exports.packing import give_racks
    from keepapart.store import Store

    def hold(given: DomainsDocument) -> None:
        form.text(form.render(given, settings, packed=True), args.only)

    with left_unheard(Store(config.store.url)) as store, each_heard():
        return give_racks(store, form.name, found, settings["racks"], known=known, anew=args.anew, hold=hold)


def _sets(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from None


def _report_sets(found: DomainsDocument, text: str) -> ExitCode:
    """Print what one domain takes of each set; 1 where that is too much of any."""
    from keepapart.exports.sets import read_sets, report

    told, survives = report(found, read_sets(text))
    sys.stdout.write(told)
    return ExitCode.OK if survives else ExitCode.NO
