"""Options that several verbs have, and the types of what is written behind an option."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepapart.model import Controls


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from `low` to `high` (None: however large)."""
    wanted = f"a whole number from {low:,}" + ("" if high is None else f" to {high:,}")

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
            raise argparse.ArgumentTypeError(f"{wanted} is wanted, not {text!r}")
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """Return what reads a number from `low` to `high`."""
    wanted = f"a number from {low:,.10g} to {high:,.10g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{wanted} is wanted, not {text!r}")
        return value

    return read


def pair(text: str) -> tuple[str, str]:
    """Read two ids with a comma between them."""
    a, comma, b = text.partition(",")
    if not (a and comma and b) or "," in b:
        raise argparse.ArgumentTypeError(f"{text!r} is not two ids with a comma between them")
    return a, b


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`, which every verb that finds something out has."""
    parser.add_argument("--json", action="store_true", help="print exactly one JSON document on stdout")


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Add what the operator may say about judging: how sure to be, and what is known already."""
    parser.add_argument(
        "--model",
        choices=("auto", "routed-host", "opaque"),
        help="[network] model for this run: routed-host is your word that each host is its guests' gateway",
    )
    parser.add_argument(
        "--assurance",
        choices=("strong", "conclusive"),
        help="the weakest evidence that may call two instances separate",
    )
    for flag, meaning in (("--known-same", "share a host"), ("--known-separate", "be on different hosts")):
        parser.add_argument(
            flag,
            metavar="A,B",
            action="append",
            default=[],
            type=pair,
            help=f"two instances that are known to {meaning} (may be repeated)",
        )


def known(args: argparse.Namespace) -> Controls:
    """Return the pairs that the operator named."""
    from keepapart.model import Controls

    return Controls(args.known_same, args.known_separate)


def add_excuse(parser: argparse.ArgumentParser) -> None:
    """Add `--excuse`, which names members that needn't be measured."""
    parser.add_argument(
        "--excuse",
        action="append",
        default=[],
        metavar="ID",
        help="admit although this member can't be measured (may be repeated; kept in the journal)",
    )


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add `--wait`, for when another admission of the cluster is running."""
    parser.add_argument(
        "--wait",
        type=number(0, 1e6),
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for another admission of the cluster to end (default: not at all)",
    )
