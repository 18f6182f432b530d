"""The command: rounds on one platform, and the line that they come to."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from faults.__main__ import say, write
from faults.platforms.fakepve import on_fakepve
from faults.platforms.libvirt import on_libvirt
from faults.platforms.nova import on_nova
from faults.platforms.rounds import Campaign, Platform
from faults.platforms.vcsim import on_vcsim

OWN = '[cluster]\nname = "orders"\nassurance = "conclusive"\n[store]\nurl = "sqlite:///{store}"\n[cloud]\n'
PLATFORMS: Mapping[str, Callable[[Path], AbstractContextManager[Platform]]] = {
    "nova": on_nova,
    "fakepve": on_fakepve,
    "vcsim": on_vcsim,
    "libvirt": on_libvirt,
}


def main() -> int:
    """Run the rounds, and print what they came to; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m faults.platforms")
    parser.add_argument("platform", choices=tuple(PLATFORMS))
    parser.add_argument("--rounds", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--write", metavar="FILE")
    args = parser.parse_args()
    begun = time.monotonic()
    with TemporaryDirectory() as name, PLATFORMS[args.platform](Path(name)) as platform:
        path = Path(name) / "keepapart.toml"
        path.write_text(OWN.format(store=Path(name) / "keepapart.db") + platform.config)
        campaign = Campaign(platform, path, random.Random(f"{args.platform} {args.seed}"))
        for number in range(1, args.rounds + 1):
            campaign.round(number)
            sys.stderr.write(f"\r{number} of {args.rounds} rounds ")
        tally = campaign.tally
    kinds = ", ".join(f"{count} `{verb}`" for verb, count in sorted(tally.rounds.items()))
    line = (
        f"`python -m faults.platforms {args.platform} --rounds {args.rounds} --seed {args.seed}`, "
        f"{datetime.now(UTC):%Y-%m-%d}: {kinds}; {tally.runs} commands, {tally.kills} killed, in "
        f"{(time.monotonic() - begun) / 60:.0f} minutes, {len(tally.problems)} problems."
    )
    say(f"\n{line}")
    if args.write:
        write(Path(args.write), args.platform, line)
    return int(bool(tally.problems))


if __name__ == "__main__":
    sys.exit(main())
