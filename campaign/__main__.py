"""`python -m campaign`: play random worlds, print what came out, and write docs/campaign.md when asked to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from campaign import packets
from campaign.kinds import BLIND, SOUND, Kind
from campaign.report import Part, show, write
from campaign.run import Result, campaign

SIMULATED = "The round's and the judge's own code; only the packets are drawn instead of sent."
BLIND_TEXT = (
    "To whoever counts hops these look like sound networks, at least at times. What is wrong here is what"
    " keepapart can't see; docs/trust.md says what to do about each."
)
REAL = "Labs of network namespaces, real routing and real datagrams, audited as `keepapart audit` does."


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where a verdict was false that may not be."""
    parser = argparse.ArgumentParser(prog="python -m campaign", description=__doc__)
    parser.add_argument("--worlds", type=int, default=400, help="simulated worlds of each kind (400)")
    parser.add_argument("--labs", type=int, default=0, help="labs of real packets (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the figures there, as Markdown")
    parser.add_argument("kinds", nargs="*", help="simulated kinds of network (all)")
    given = parser.parse_args(words)
    sound = _play(SOUND, given.kinds, given.worlds, given.seed)
    blind = _play(BLIND, given.kinds, given.worlds, given.seed)
    parts = [
        Part("Simulated: networks on which no verdict may be wrong", SIMULATED, sound, _says(SOUND, sound)),
        Part("Simulated: what hops can't see", BLIND_TEXT, blind, _says(BLIND, blind)),
    ]
    if given.labs:
        real = list(packets.campaign(given.labs, given.seed))
        seen, unseen = ([r for r in real if (r.kind in packets.BLIND) == blind] for blind in (False, True))
        parts.insert(
            1, Part("Real packets: networks on which no verdict may be wrong", REAL, seen, _told(seen))
        )
        parts.append(Part("Real packets: what hops can't see", REAL, unseen, _told(unseen)))
    for part in parts:
        show(part)
    if given.write:
        shown = " ".join(["python -m campaign", *(sys.argv[1:] if words is None else words)])
        write(given.write, shown, given.seed, parts)
    judged = [r for part in parts for r in part.results if r.kind not in (*BLIND, *packets.BLIND)]
    return int(any(r.score.false_separate or r.score.false_established for r in judged))


def _play(kinds: Mapping[str, Kind], chosen: Sequence[str], worlds: int, seed: int) -> list[Result]:
    return list(campaign([kind for kind in kinds if not chosen or kind in chosen], worlds, seed))


def _says(kinds: Mapping[str, Kind], results: Sequence[Result]) -> list[str]:
    return [" ".join((kinds[result.kind].__doc__ or "").split()) for result in results]


def _told(results: Sequence[Result]) -> list[str]:
    return [packets.SAYS[result.kind] for result in results]


if __name__ == "__main__":
    sys.exit(main())
