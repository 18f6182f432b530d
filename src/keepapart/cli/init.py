"""`keepapart init`: write a commented keepapart.toml from what can be seen from here."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from keepapart.errors import ExitCode, LabError, UsageError

SUMMARY = "write a commented keepapart.toml from what it can see"
EXAMPLES = """  keepapart init
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
# new_host_keys = "refuse"      # a host key not in known_hosts: "refuse" | "accept" and add it there

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


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(args: argparse.Namespace) -> ExitCode:
    """Write the file; an existing one is left alone without --force, which is a usage error."""
    from keepapart.config import FILE

    path = Path(args.config or FILE)
    seen, text = _look()
    try:
        with path.open("w" if args.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", "--force overwrites it") from None
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from None
    sys.stdout.write(f"wrote {path}: {seen}\n")
    return ExitCode.OK


def _look() -> tuple[str, str]:
    """Say what can be seen from here, and return the file that fits it."""
    running = _labs()
    if not running:
        text = TEMPLATE.format(name='"default"', cloud=STATIC, instances=EXAMPLE)
        return "next: list your members as [[instances]] there, then `keepapart audit`", text
    lab, *others = running
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
