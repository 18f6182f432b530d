"""`keepapart init`: write a commented keepapart.toml from what can be seen from here.

1. Members are listed from the inventory that is named, else from ssh's configuration; whoever reads the file
   takes out what is none.
2. A platform is seen by the environment that its own tools read. Only names are looked at, no secret is.
3. A lab is adopted only where it is asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.errors import ExitCode, LabError, UsageError
from keepapart.files import replace_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keepapart.cli._inventories import Listed

SUMMARY = "write a commented keepapart.toml from what it can see"
EXAMPLES = """  keepapart init                          the hosts of ~/.ssh/config, and what platforms it sees
  keepapart init --inventory hosts.ini    the hosts of an Ansible inventory
  keepapart init --lab                    the lab that runs here
  keepapart -c orders.toml init --force"""

TEMPLATE = """\
# keepapart: which of my instances share a physical host, and how to get nodes that don't.
# A line after # is a default or an example; remove the # to change it.

[cluster]
name = {name}
# survive = "majority"          # what must outlive any one host: "majority", or a number of members
# assurance = "strong"          # weakest evidence of separateness that admits: "conclusive" | "strong"

[network]
# model = "auto"                # "auto" | "routed-host" (each host is its guests' gateway) | "opaque"
# port = 0                      # UDP port of a round; 0 = any free one

[cloud]
{cloud}
[reach]
# via = "ssh"                   # default way in; ssh settings also come from ~/.ssh/config
# user = "ubuntu"
# ssh_config = ""               # a file in ssh's own format, instead of ~/.ssh/config
# new_host_keys = "as-ssh"      # a host key not in known_hosts: "as-ssh" | "refuse" | "accept" and add it

[store]
# url = "sqlite:///keepapart.db"   # beside this file; or postgresql+psycopg://…

[launch]
# max_attempts = 10
# source = "launch"             # "launch" | "stopped" (a pool of spares) | "stopped-then-launch"
# on_reject = "hold"            # what becomes of rejects: "hold" | "stop" | "terminate" | "restart"
# at_once = 1                   # launched together, of which the largest separate set is kept; 0: all missing
# max_minutes = 60
{instances}"""

STATIC = """\
provider = "static"             # only the [[instances]] below; others list, launch and release by themselves
"""

EXAMPLE = """
# One table for each member:
# [[instances]]
# id = "web-1"
# address = "10.87.117.148"       # the address the other members use; IPv4 or IPv6
# reach = "ssh://ubuntu@10.87.117.148:22"   # optional
"""


MEMBERS = """\
# member_filter = {"tag:Name" = "db-*"}   # which instances are members, beside those that it tags itself
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument(
        "--inventory", metavar="FILE", help="list the hosts of this Ansible inventory (a file or a folder)"
    )
    parser.add_argument(
        "--lab", nargs="?", const="", metavar="NAME", help="for a lab that runs here (default: the first)"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Write the file; an existing one is left alone without --force, which is a usage error."""
    from keepapart.config import FILE

    path = Path(args.config or FILE)
    if args.lab is not None and args.inventory:
        raise UsageError("--lab and --inventory: members come from one of them", "leave out the other")
    told, text = _of_inventories(args.inventory) if args.lab is None else _of_lab(args.lab)
    if path.exists() and not args.force:
        raise UsageError(f"{path} is there already", "--force overwrites it")
    try:
        replace_text(path, text)
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from None
    sys.stdout.write(f"wrote {path}: {told}\n")
    return ExitCode.OK


def _of_inventories(inventory: str | None) -> tuple[str, str]:
    """Say what can be seen from here, and return the file that fits it."""
    from keepapart.cli._inventories import ansible_hosts, ssh_hosts

    found = _environments()
    if inventory:
        listed, source = ansible_hosts(Path(inventory)), inventory
    else:
        listed, source = ssh_hosts(Path.home() / ".ssh" / "config"), "~/.ssh/config"
    cloud, adopted = _cloud(found, adopt=not listed)
    instances = "".join(_table(one) for one in listed) if listed else "" if adopted else EXAMPLE
    if listed:
        instances = f"\n# From {source}; take out what is no member.\n{instances}"
    text = TEMPLATE.format(name='"default"', cloud=cloud, instances=instances)
    told = [f"{len(listed)} of {source}"] if listed else []
    told += _not_taken(listed)
    told += [f"{name} ({what})" for name, what in found.items()]
    told += [f"lab {lab} is running: --lab adopts it" for lab in _labs()[:1]]
    if listed:
        told.append("next: take out what is no member, then `keepapart audit`")
    elif adopted:
        told.append(f"next: say there which instances of {adopted} are members, then `keepapart audit`")
    else:
        told.append("next: list your members as [[instances]] there, then `keepapart audit`")
    return "; ".join(told), text


def _not_taken(listed: Sequence[Listed]) -> list[str]:
    """Say what an inventory has of the ways in that isn't in the file."""
    lacking: dict[str, list[str]] = {}
    for one in listed:
        for name in one.lacks:
            lacking.setdefault(name, []).append(one.id)
    said = []
    for name, ids in lacking.items():
        whose = f"{ids[0]} and {len(ids) - 1} more" if ids[1:] else ids[0]
        mend = "name its way in as reach there" if name == "ansible_connection" else "say it in ~/.ssh/config"
        said.append(f"{name} of {whose} is not taken over: {mend}")
    return said


def _environments() -> dict[str, str]:
    """Return the platforms that are seen, each with what shows it."""
    from keepapart.clouds.environments import seen

    return {sign.provider: sign.shown for sign in seen(os.environ, Path.home())}


def _cloud(found: dict[str, str], *, adopt: bool) -> tuple[str, str]:
    """Return the lines of `[cloud]`, and the provider that is chosen of those seen; empty where none is.

    It is chosen where it is the only one whose members can be asked for, and nothing else lists any.
    """
    from keepapart.plugins import CLOUDS, installed

    there = [name for name in found if name in installed(CLOUDS)]
    chosen = there[0] if adopt and len(there) == 1 else ""
    lines = STATIC
    if chosen:
        lines = f'provider = "{chosen}"\n{MEMBERS}'
    for name, what in found.items():
        if name in there and name != chosen:
            lines += f'# provider = "{name}"              # {what} is there\n'
    return lines, chosen


def _table(one: Listed) -> str:
    keys = {"id": one.id, "address": one.address, "reach": one.reach}
    said = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items() if value)
    return f"\n[[instances]]\n{said}"


def _of_lab(name: str) -> tuple[str, str]:
    """Return the same for a lab, the one that is named or the first that runs."""
    running = _labs()
    if not running or (name and name not in running):
        raise UsageError(
            f"--lab: no lab {name or 'at all'} is running", "`keepapart lab up WORLD` starts one"
        )
    lab, *others = [name, *(one for one in running if one != name)] if name else running
    cluster, members = _cluster(lab)
    cloud = f'provider = "lab"\nlab = {json.dumps(lab)}\n'
    if others:
        cloud += f"# running too: {', '.join(others)}\n"
    text = TEMPLATE.format(name=json.dumps(cluster), cloud=cloud, instances="")
    step = "`keepapart audit`" if members else "`keepapart admit --count 3`"
    return f"lab {lab}, cluster {cluster} with {members} members; next: {step}", text


def _labs() -> list[str]:
    from keepapart.lab.client import labs

    try:
        return labs()
    except LabError:  # none can be asked, so none is seen
        return []


def _cluster(lab: str) -> tuple[str, int]:
    """Name the lab's largest cluster and count its members."""
    from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
    from keepapart.lab.client import Lab

    try:
        instances = Lab.find(lab).instances({ROLE_TAG: MEMBER})
    except LabError:
        instances = []
    sizes = Counter(i.tags[CLUSTER_TAG] for i in instances if CLUSTER_TAG in i.tags)
    return sizes.most_common(1)[0] if sizes else ("default", 0)
