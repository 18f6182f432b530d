"""`python -m campaign`: play random worlds, print what came out, and write docs/campaign.md when asked to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from campaign import networks, packets
from campaign.kinds import KINDS, Word
from campaign.report import Part, show, write
from campaign.run import campaign
from campaign.score import Result

SIMULATED = "The round's and the judge's own code; only the packets, and what machines tell, are drawn."
REAL = "Labs of network namespaces, real routing and real datagrams, audited as `keepapart audit` does."
NETWORKS = (
    "Networks that are built of namespaces by plain `ip` and `nft`, one of each kind, audited by the command"
    " line; the code is in `tests/networks/zoo`. No platform vouches for them."
)
HEADINGS = {
    Word.SOUND: "hosts are gateways",
    Word.ASTRAY: "hosts are gateways, but counts lie and nothing shows it",
    Word.FALSE: "routers are no hosts",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where a verdict was false that may not be."""
    parser = argparse.ArgumentParser(prog="python -m campaign", description=__doc__)
    parser.add_argument("--worlds", type=int, default=200, help="simulated worlds of each kind (200)")
    parser.add_argument("--labs", type=int, default=0, help="labs of real packets (0)")
    parser.add_argument("--networks", action="store_true", help="real packets on the tests' networks, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the figures there, as Markdown")
    parser.add_argument("kinds", nargs="*", help="simulated kinds of network (all)")
    given = parser.parse_args(words)
    played = list(campaign(given.kinds or list(KINDS), given.worlds, given.seed))
    parts = [_simulated(word, [r for r in played if KINDS[r.kind].word is word]) for word in Word]
    bad = any(KINDS[r.kind].errs(by, score) for r in played for by, score in r.scores.items())
    if given.labs:
        labs = list(packets.campaign(given.labs, given.seed))
        says = [packets.SAYS[result.kind] for result in labs]
        parts.append(Part("Real packets: labs", REAL, labs, says))
        bad |= any(packets.errs(r.kind, by, score) for r in labs for by, score in r.scores.items())
    if given.networks and (why := networks.impossible()):
        sys.stderr.write(f"no networks are built: {why}\n")
    elif given.networks:
        kinds, built = networks.networks(), list(networks.campaign())
        for word in Word:
            results = [result for result in built if kinds[result.kind].word is word]
            says = [kinds[result.kind].says for result in results]
            parts.append(Part(f"Real packets: {HEADINGS[word]}", NETWORKS, results, says))
        bad |= any(kinds[r.kind].errs(by, score) for r in built for by, score in r.scores.items())
    parts = [part for part in parts if part.results]
    for part in parts:
        show(part)
    if given.write:
        shown = " ".join(["python -m campaign", *(sys.argv[1:] if words is None else words)])
        write(given.write, shown, given.seed, parts)
    return int(bad)


def _simulated(word: Word, results: Sequence[Result]) -> Part:
    says = [KINDS[result.kind].says for result in results]
    return Part(f"Simulated: {HEADINGS[word]}", SIMULATED, results, says)


if __name__ == "__main__":
    sys.exit(main())
