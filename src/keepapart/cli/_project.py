"""Which project `audit --stated` is about: the configuration's, one that `--provider` names, or what is seen.

1. `--provider NAME` is all that this cloud lists, opened from the environment as its own tools are. No
   configuration is read.
2. Without a configuration, it is the one platform that this machine is set up for (`clouds.environments`): by
   variables of this shell, else by files. Several are none.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.cli._open import errors_naming, opened_config
from keepapart.errors import UsageError

if TYPE_CHECKING:
    from keepapart.clouds.environments import Sign
    from keepapart.config import Config


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a project and how it is divided."""
    parser.add_argument(
        "--provider",
        metavar="NAME",
        help="with --stated: all that this cloud lists, opened from the environment and no configuration",
    )
    parser.add_argument(
        "--each",
        metavar="WHAT",
        type=_each,
        help='with --stated: the whole project, each "group" (server groups), "tag", or value of "tag:KEY" by'
        " itself",
    )


@contextmanager
def opened_project(args: argparse.Namespace) -> Iterator[tuple[Config, bool]]:
    """Yield the configuration, and whether all that its cloud lists is meant, or the cluster's members.

    Raises `UsageError` where no such provider is installed, or several are set up and none is named.
    """
    from keepapart.config import Config, is_there
    from keepapart.settings import CloudSettings, ClusterSettings

    provider, by = args.provider or "", f"--provider {args.provider}"
    if not provider and not is_there(args.config) and (seen := _seen()):
        provider, by = seen.provider, seen.by
    if not provider:
        with opened_config(args) as config:
            yield config, bool(args.each)
        return
    _check_installed(provider)
    # Of a whole project no quorum is asked: it is no cluster. Its groups are, with a majority each.
    cluster = ClusterSettings(name=provider, survive=1, assurance=args.assurance or "strong")
    config = Config(path=Path(by), cluster=cluster, cloud=CloudSettings(provider=provider))
    with errors_naming(config):
        yield config, True


def _check_installed(provider: str) -> None:
    from keepapart.plugins import CLOUDS, installed
    from keepapart.tables import nearest

    if provider not in (there := installed(CLOUDS)):
        raise UsageError(f"--provider: no {provider!r} here", nearest(provider, list(there)))


def _seen() -> Sign | None:
    """Return what shows the one platform that this machine is set up for (rule 2), None for none."""
    from keepapart.clouds.environments import seen
    from keepapart.plugins import CLOUDS, installed

    there = installed(CLOUDS)
    found = [sign for sign in seen(os.environ, Path.home()) if sign.provider in there]
    chosen = [sign for sign in found if sign.variables] or found
    if len(chosen) > 1:
        listed = ", ".join(f"{sign.provider} ({sign.by})" for sign in chosen)
        raise UsageError(
            f"no configuration here, and several platforms are set up: {listed}", "name one with --provider"
        )
    return chosen[0] if chosen else None


def _each(text: str) -> str:
    if text in ("group", "tag") or (text.startswith("tag:") and text != "tag:"):
        return text
    raise argparse.ArgumentTypeError(f'"group", "tag" or "tag:KEY" is wanted, not {text!r}')
