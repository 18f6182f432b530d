"""`keepapart lab`: a small cloud on this machine, to try everything out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keepapart.cli._options import add_output, whole
from keepapart.cli._output import DOCUMENTS, print_document
from keepapart.errors import ExitCode, NotFoundError, UsageError
from keepapart.model import many

if TYPE_CHECKING:
    from keepapart.documents.lab import LabInstanceEntry
    from keepapart.lab.client import Lab, Whereabouts
    from keepapart.lab.service import Service
    from keepapart.lab.world.world import World

SUMMARY = "a small cloud on this machine, to try everything out"
EXAMPLES = """  keepapart lab up worlds/three-racks.toml   bring one up
  keepapart lab ls                           what runs in it
  keepapart lab exec i-0001 -- tracepath -n 10.1.2.3
  keepapart lab fail a-1                     fail a host with all that is on it
  keepapart lab truth                        which instance is where, to check verdicts against
  keepapart lab down                         end it; nothing stays behind"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the lab's own verbs."""
    verbs = parser.add_subparsers(metavar="VERB", dest="lab_verb", required=True)

    up = _verb(
        verbs, "up", "bring a lab up from a world file", "keepapart lab up worlds/three-racks.toml", lab=False
    )
    up.add_argument("world", metavar="WORLD", help="world file (TOML)")
    up.add_argument("--name", help="name of the lab (default: the world's)")
    up.add_argument("--api", choices=("ec2",), default="", help="answer this cloud API too, on loopback")
    up.add_argument("--simulated", action="store_true", help="compute hop counts instead of sending packets")
    up.add_argument("--sshd", action="store_true", help="run a real sshd in every instance")
    up.add_argument("--foreground", action="store_true", help="stay attached; Ctrl-C ends the lab")

    add_output(_verb(verbs, "ls", "list its instances", "keepapart lab ls --json"))
    add_output(_verb(verbs, "truth", "list its instances with their hosts", "keepapart lab truth"))

    launch = _verb(verbs, "launch", "launch instances", "keepapart lab launch --count 3 --cluster orders")
    launch.add_argument(
        "--count", type=whole(1), default=1, metavar="N", help="number of instances (default: 1)"
    )
    launch.add_argument("--cluster", metavar="NAME", help="make them members of this cluster")

    protect = _verb(
        verbs, "protect", "have the platform refuse to stop or end instances", "keepapart lab protect i-0003"
    )
    protect.add_argument("ids", metavar="ID", nargs="+")
    protect.add_argument("--off", action="store_true", help="allow it again")

    for word, does in (
        ("start", "start stopped instances: each gets a new place"),
        ("stop", "stop instances: each keeps its id and loses its place"),
        ("terminate", "end instances for good"),
    ):
        several = _verb(verbs, word, does, f"keepapart lab {word} i-0001 i-0002")
        several.add_argument("ids", metavar="ID", nargs="+")

    move = _verb(verbs, "move", "migrate a running instance to another host", "keepapart lab move i-0001 b-2")
    move.add_argument("id", metavar="ID")
    move.add_argument("host", metavar="HOST", help="a host as `lab truth` names it")

    fail = _verb(verbs, "fail", "fail a host with all that is on it", "keepapart lab fail a-1")
    fail.add_argument("host", metavar="HOST", help="a host as `lab truth` names it")

    enter = _verb(
        verbs, "exec", "run a command inside an instance", "keepapart lab exec i-0001 -- ip address"
    )
    enter.add_argument("id", metavar="ID")
    enter.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER, help="after `--`")

    _verb(verbs, "down", "end the lab; nothing stays behind", "keepapart lab down")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    if args.lab_verb == "up":
        return _up(args)
    from keepapart.lab.client import Lab

    lab = Lab.find(args.lab)
    return {
        "ls": _list,
        "truth": _list,
        "launch": _launch,
        "start": _each,
        "stop": _each,
        "terminate": _each,
        "protect": _protect,
        "move": _move,
        "fail": _fail,
        "exec": _exec,
        "down": _down,
    }[args.lab_verb](lab, args)


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    does: str,
    example: str,
    *,
    lab: bool = True,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=does,
        description=does,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if lab:
        parser.add_argument("--lab", metavar="NAME", help="which lab (default: the only one running)")
    return parser


def _up(args: argparse.Namespace) -> int:
    from pathlib import Path

    from keepapart.lab import client
    from keepapart.lab.world import world

    a_world = world.load(Path(args.world))
    name = args.name or a_world.name
    if not world.NAME.fullmatch(name):
        raise UsageError(f"--name {name}: up to 40 lower-case letters, digits and dashes are wanted")
    if args.foreground:
        return _stay(name, a_world, args)
    lab = client.up(a_world, name=name, simulated=args.simulated, sshd=args.sshd, api=args.api)
    _welcome(lab.name, lab.kind, lab.because, a_world, asked=args.simulated)
    if lab.api:
        _welcome_api(lab.api)
    if args.sshd:
        _welcome_ssh(name, a_world)
    return ExitCode.OK


def _stay(name: str, a_world: World, args: argparse.Namespace) -> int:
    from keepapart.lab import daemon

    def ready(service: Service) -> None:
        _welcome(name, service.network.kind, service.because, a_world, asked=args.simulated)
        if service.api:
            _welcome_api(service.api)
        if args.sshd:
            _welcome_ssh(name, a_world)

    try:
        options = {"simulated": args.simulated, "sshd": args.sshd, "api": args.api}
        daemon.serve(name, a_world, **options, lifeline=None, ready=ready)
    except KeyboardInterrupt:  # the way to end it
        sys.stderr.write("\n")
    return ExitCode.OK


def _welcome(name: str, kind: str, because: str, a_world: World, *, asked: bool) -> None:
    """Say what came up and what to do next; where it is weaker than asked for, say so on stderr."""
    if kind == "simulated" and not asked:
        sys.stderr.write(f"keepapart: the lab is simulated, without real packets: {because}\n")
    hosts, pods = sum(rack.hosts for rack in a_world.racks), {rack.pod for rack in a_world.racks} - {""}
    within = many(len(a_world.racks), "rack") + (f" in {many(len(pods), 'pod')}" if pods else "")
    instances = sum(cluster.size for cluster in a_world.clusters)
    clusters = ", ".join(cluster.name for cluster in a_world.clusters) or "none"
    sys.stdout.write(
        f"lab {name} ({kind}, {a_world.network.kind}): {many(instances, 'instance')}, "
        f"{many(hosts, 'host')} in {within}; clusters: {clusters}\n"
        "next: `keepapart lab ls` shows what runs; "
        f"`keepapart init --lab {name}` writes a keepapart.toml for it\n"
    )
    sys.stdout.flush()


def _welcome_api(url: str) -> None:
    """Say how to use the cloud API that the lab answers."""
    from keepapart.lab.ec2.process import environment

    exports = " ".join(f"{key}={value}" for key, value in environment(url).items())
    sys.stdout.write(
        f'or, through its EC2 API, [cloud] provider = "ec2", image_id = "ami-lab", and\nexport {exports}\n'
    )
    sys.stdout.flush()


def _welcome_ssh(name: str, a_world: World) -> None:
    """Say how to get in by ssh, and what to write for keepapart to go the same way."""
    from keepapart.lab import protocol
    from keepapart.lab.ssh import sshd

    config = sshd.folder_of(protocol.socket_path(name)) / "ssh_config"
    cluster = "".join(f'[cluster]\nname = "{one.name}"\n\n' for one in a_world.clusters[:1])
    sys.stdout.write(
        f"ssh: `ssh -F {config} i-0001` gets in; keepapart goes the same way with this keepapart.toml:\n\n"
        f'{cluster}[cloud]\nprovider = "lab"\nlab = "{name}"\nway = "ssh"\n\n'
        f'[reach]\nssh_config = "{config}"\n'
    )
    sys.stdout.flush()


def _list(lab: Lab, args: argparse.Namespace) -> int:
    from msgspec import to_builtins

    from keepapart.clouds import CLUSTER_TAG, TERMINATED
    from keepapart.documents.lab import LabDocument, LabInstanceEntry

    rows = [
        LabInstanceEntry(
            id=one.id,
            address=one.address or None,
            state=one.state,
            health=one.facts.get("health", "ok"),
            cluster=one.tags.get(CLUSTER_TAG),
        )
        for one in (lab.guests() if args.lab_verb == "truth" else lab.instances())
        if one.state != TERMINATED
    ]
    if args.lab_verb == "truth":
        truth = lab.truth()
        rows = [_placed(row, truth.get(row.id)) for row in rows]
    if args.output in DOCUMENTS:
        print_document(LabDocument(lab.name, lab.kind, tuple(rows)), args.output)
    else:
        _table(lab, [to_builtins(row) for row in rows])
    return ExitCode.OK


def _placed(row: LabInstanceEntry, where: Whereabouts | None) -> LabInstanceEntry:
    from msgspec.structs import replace

    if where is None:
        return replace(row, host=None, rack=None, pod=None)
    return replace(row, host=where.host, rack=where.rack, pod=where.pod or None)


def _table(lab: Lab, rows: list[dict[str, str | None]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    kind = f"{lab.kind}: {lab.because}" if lab.because else lab.kind
    console = Console(highlight=False)
    console.print(f"lab {lab.name} ({kind})", markup=False, soft_wrap=True)
    if not rows:
        console.print("no instances; `keepapart lab launch` makes one", markup=False)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        style = "red" if row["health"] == "impaired" else None
        table.add_row(*(value or "–" for value in row.values()), style=style)
    console.print(table)


def _launch(lab: Lab, args: argparse.Namespace) -> int:
    import secrets

    from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest

    tags = {CLUSTER_TAG: args.cluster, ROLE_TAG: MEMBER} if args.cluster else {}
    for _ in range(args.count):
        one = lab.launch(LaunchRequest(token=secrets.token_hex(16), tags=tags))
        sys.stdout.write(f"{one.id} {one.address} {one.state}\n")
    return ExitCode.OK


def _each(lab: Lab, args: argparse.Namespace) -> int:
    _known(lab, args.ids)
    does = {"start": lab.start, "stop": lab.stop, "terminate": lab.terminate}[args.lab_verb]
    for instance_id in args.ids:
        one = does(instance_id)
        sys.stdout.write(f"{one.id} {one.address or '–'} {one.state}\n")
    return ExitCode.OK


def _protect(lab: Lab, args: argparse.Namespace) -> int:
    _known(lab, args.ids)
    for instance_id in args.ids:
        lab.protect(instance_id, on=not args.off)
    return ExitCode.OK


def _known(lab: Lab, ids: Sequence[str]) -> None:
    """Raise `UsageError` for an id that is none: before anything is done to the others."""
    there = {one.id for one in lab.guests()}
    for one in ids:
        if one not in there:
            raise UsageError(f"no instance {one!r} in lab {lab.name}", "`keepapart lab ls` lists them")


def _move(lab: Lab, args: argparse.Namespace) -> int:

    try:
        one = lab.move(args.id, args.host)
    except NotFoundError as error:
        raise UsageError(str(error)) from None
    sys.stdout.write(f"{one.id} {one.address} now on {args.host}\n")
    return ExitCode.OK


def _fail(lab: Lab, args: argparse.Namespace) -> int:

    try:
        lost = lab.fail(args.host)
    except NotFoundError as error:
        raise UsageError(str(error)) from None
    sys.stdout.write(f"{args.host} failed; lost with it: {', '.join(lost) or 'no instance'}\n")
    return ExitCode.OK


def _exec(lab: Lab, args: argparse.Namespace) -> int:

    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise UsageError(f"exec {args.id}: no command", "write it after `--`")
    _known(lab, [args.id])
    return lab.exec(args.id, command)


def _down(lab: Lab, _: argparse.Namespace) -> int:
    lab.down()
    sys.stdout.write(f"lab {lab.name} is gone\n")
    return ExitCode.OK
