"""NAMEs on the command line: members of a configuration, or machines that `ssh NAME` gets into.

1. A NAME that the configuration lists is that member. Without one, or where it lists none of them, NAMEs are
   what `ssh` takes: an alias, `user@host`, `ssh://user@host:port`. Some of each is a mistake, likely a slip.
2. `NAME=ADDRESS` says what the others send to; else the machine is asked.
3. Brackets with numbers stand for all of them: `web-[1-5]`, `web-[01-12]`, `db-[1,3,7-9]`.
4. Nothing of machines that no configuration lists is kept in a history; `-v` says so.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.addresses import of_a_machine
from keepapart.cli._open import flagged, opened_config
from keepapart.cli._output import LOG
from keepapart.cli._signals import each_heard, left_unheard
from keepapart.errors import UsageError

if TYPE_CHECKING:
    from keepapart.config import Config
    from keepapart.model import Instance
    from keepapart.store import Store

RANGE = re.compile(r"\[(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\]")
MOST = 10_000  # names that brackets may stand for
HERE = Path("command line")  # what errors name instead of a file


def add_names(parser: argparse.ArgumentParser) -> None:
    """Add NAMEs, any number of them."""
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="members, or machines that `ssh NAME` gets into: web-1, user@web-[1-5], NAME=ADDRESS"
        " (default: all members)",
    )


@contextmanager
def opened_named(
    args: argparse.Namespace, names: Sequence[str]
) -> Iterator[tuple[Config, list[str], Store | None]]:
    """Load the configuration, or make one of the names; yield it, the ids that are meant, and its store.

    There is no store where the machines are no configuration's.
    """
    from keepapart.config import FILE, Config, is_there

    if not names and not is_there(args.config):
        raise UsageError(
            f"{FILE}: no such file, and no machine is named",
            "name what `ssh` takes, as in `keepapart audit web-1 web-2`; or `keepapart init` writes the file",
        )
    if names and not is_there(args.config):
        with flagged(args, _unlisted(_expanded(names), Config(path=HERE))) as config, each_heard():
            yield config, [one.id for one in config.instances], None
        return
    with opened_config(args) as config:
        listed = {one.id for one in config.instances}
        every = _expanded(names, listed)
        if config.cloud.provider == "static" and len(every) > 1 and listed.isdisjoint(map(_id_of, every)):
            with flagged(args, _unlisted(every, config)) as made, each_heard():
                yield made, [one.id for one in made.instances], None
            return
        from keepapart.store import Store

        with left_unheard(Store(config.store.url)) as store, each_heard():
            yield config, every, store


def _expanded(names: Sequence[str], listed: Container[str] = ()) -> list[str]:
    """Return the names with all that their brackets stand for; those `listed` are taken as they are."""
    found = [one for name in names for one in ([name] if name in listed else _alternatives(name))]
    there: set[str] = set()
    for name in map(_id_of, found):
        if name in there:
            raise UsageError(f"{name!r} stands twice", "every instance is named once")
        there.add(name)
    return found


def _unlisted(names: Sequence[str], config: Config) -> Config:
    """Return a configuration whose instances are these machines, and whose ways are those of `config`."""
    from msgspec.structs import replace as changed

    from keepapart.config import way_to
    from keepapart.settings import CloudSettings, ClusterSettings

    LOG.info("no history is kept of machines that no configuration lists")
    machines = [_machine(name) for name in names]
    owners: dict[str, str] = {}
    for one in machines:
        if one.address and owners.setdefault(one.address, one.id) != one.id:
            raise UsageError(f"{one.id}={one.address}: that is {owners[one.address]!r}'s address already")
    return changed(
        config,
        instances=tuple(replace(one, reach=way_to(one.id, config.reach.via)) for one in machines),
        cloud=CloudSettings(),
        cluster=ClusterSettings(assurance=config.cluster.assurance),
    )


def _id_of(text: str) -> str:
    name, equals, _ = text.rpartition("=")
    return name if equals else text


def _machine(text: str) -> Instance:
    from keepapart.model import Instance

    name, equals, address = text.rpartition("=")
    if not equals:
        name, address = text, ""
    if not name or "," in name or not name.isprintable() or name.startswith("-"):
        raise UsageError(f"{text!r} is not a name that `ssh` takes", "NAME or NAME=ADDRESS is wanted")
    if not equals:
        return Instance(name)
    try:
        return Instance(name, of_a_machine(address))
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}", "the address that others use is wanted") from None


def _alternatives(name: str) -> list[str]:
    pieces = RANGE.split(name)
    choices = [_numbers(piece) if number % 2 else [piece] for number, piece in enumerate(pieces)]
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > MOST:
        raise UsageError(f"{name!r} stands for {size:,} names", f"{MOST:,} are the most")
    return ["".join(parts) for parts in itertools.product(*choices)]


def _numbers(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        last = last or first
        if int(last) < int(first):
            raise UsageError(f"[{text}]: {part} runs backwards")
        if int(last) - int(first) >= MOST:
            raise UsageError(f"[{text}]: {part} stands for too many", f"{MOST:,} are the most")
        width = len(first) if first.startswith("0") else 0
        found += [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]
    return found
