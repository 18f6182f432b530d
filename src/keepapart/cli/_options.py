"""Options that several verbs have, and the types of what is written behind an option."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
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


def several(words: Sequence[str]) -> Callable[[str], frozenset[str]]:
    """Return what reads some of these words, with commas between them."""

    def read(text: str) -> frozenset[str]:
        for word in text.split(","):
            if word not in words:
                from keepapart.tables import nearest

                raise argparse.ArgumentTypeError(f"no {word!r}; {nearest(word, words)}")
        return frozenset(text.split(","))

    return read


def pair(text: str) -> tuple[str, str]:
    """Read two ids with a comma between them."""
    a, comma, b = text.partition(",")
    if not (a and comma and b) or "," in b:
        raise argparse.ArgumentTypeError(f"{text!r} is not two ids with a comma between them")
    return a, b


def assigned(text: str) -> tuple[str, str]:
    """Read a name, an equals sign and a value."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `-o` and `--json`, which every verb that finds something out has."""
    parser.add_argument(
        "-o",
        "--output",
        choices=("json", "yaml", "tsv", "wide"),
        default="",
        help="print exactly one document on stdout, or a table, or all there is to say to people",
    )
    parser.add_argument(
        "--json", action="store_const", const="json", dest="output", help="the same as -o json"
    )


def wanted_output(arguments: Sequence[str]) -> str:
    """Return what `-o` says among arguments that can't be read; empty where it says nothing."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    add_output(parser)
    try:
        return str(parser.parse_known_args(list(arguments))[0].output)
    except argparse.ArgumentError:
        return ""


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


def asked(names: Sequence[str], args: argparse.Namespace) -> str:
    """Return whom to judge, and what was said of how, as it is typed to ask the same again."""
    said: list[str] = []
    for flag in ("model", "assurance"):
        said += [f"--{flag}={value}"] if (value := getattr(args, flag)) else []
    for flag, pairs in (("known-same", args.known_same), ("known-separate", args.known_separate)):
        said += [f"--{flag}={a},{b}" for a, b in pairs]
    dashed = any(name.startswith("-") for name in names)
    return shlex.join([*said, "--", *names] if dashed else [*names, *said])


def add_excuse(parser: argparse.ArgumentParser) -> None:
    """Add `--excuse`, which names members that needn't be measured."""
    parser.add_argument(
        "--excuse",
        action="append",
        default=[],
        metavar="ID",
        help="admit although this member can't be measured (may be repeated; kept in the journal)",
    )


def add_elsewhere(parser: argparse.ArgumentParser) -> None:
    """Add `--elsewhere`, for a cluster whose region, account or endpoint isn't the one before."""
    parser.add_argument(
        "--elsewhere",
        action="store_true",
        help="go on although the journal is of another region, account or endpoint: it is the same cluster",
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
