"""Audit networks of many kinds and say how right the verdicts are.

Without --seeds each kind is built as it usually is; with it, sizes, orders and gaps are drawn. Exits with 1
where a verdict is false that must not be. The columns are pairs: `missed` are unknown though something shows
what they are, `lucky` have a verdict that nothing carries.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from tests.networks.zoo.audit import Score, Task, hops, scores, side_by_side
from tests.networks.zoo.kinds import KINDS, MODELS, Kind

HEAD = (
    "kind",
    "word",
    "sign",
    "model",
    "pairs",
    "right",
    "unknown",
    "missed",
    "separate!",
    "same!",
    "lucky",
    "standing",
)
WIDTHS = (28, 8, 9, 12, 6, 6, 8, 7, 10, 6, 6, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """How the audits of one kind by one model did; `wrong` lists false verdicts: seed, members, verdict."""

    kind: str
    word: str
    sign: str
    model: str
    pairs: int
    right: int
    unknown: int
    missed: int
    false_separate: int
    false_co_resident: int
    lucky: int
    standing: str
    wrong: list[str]


def main() -> int:
    """Run what the arguments ask for."""
    args = _arguments()
    kinds = [KINDS[name] for name in args.kinds or KINDS]
    seeds = args.seeds or [None]
    if args.hops:
        for kind in kinds:
            sys.stdout.write(f"{kind.name}\n{hops((kind.name, seeds[0]))[1]}\n")
        return 0
    models = [args.model] if args.model else MODELS
    bad = False
    if not args.json:
        _print(HEAD)
    tasks = [Task(kind.name, seed, models, args.controls) for kind in kinds for seed in seeds]
    with side_by_side(scores, tasks) as found:
        for kind, model, by_seed in _sorted(found, kinds, seeds, models):
            row = _row(kind, model, by_seed)
            wrong = row.false_separate + row.false_co_resident
            bad |= bool(wrong) and row.model in kind.safe
            if args.json:
                sys.stdout.write(json.dumps(asdict(row)) + "\n")
            else:
                _print(list(asdict(row).values())[:-1])
            sys.stdout.flush()
    return int(bad)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.networks.zoo", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="of these kinds only")
    parser.add_argument("--model", choices=MODELS, help="by this model only")
    parser.add_argument("--seeds", type=_range, metavar="N[-M]", help="random networks of each kind")
    parser.add_argument(
        "--controls", type=int, default=0, metavar="N", help="name up to N true pairs of each sort"
    )
    parser.add_argument("--hops", action="store_true", help="count hops instead")
    parser.add_argument("--json", action="store_true", help="one document a line, with what is wrong")
    return parser.parse_args()


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last) + 1)) if last else list(range(1, int(first) + 1))


def _sorted(
    found: Iterator[dict[str, Score]],
    kinds: Sequence[Kind],
    seeds: Sequence[int | None],
    models: Sequence[str],
) -> Iterator[tuple[Kind, str, dict[int | None, Score]]]:
    for kind in kinds:
        by_seed = {seed: next(found) for seed in seeds}
        for model in models:
            yield kind, model, {seed: by_seed[seed][model] for seed in seeds}


def _row(kind: Kind, model: str, found: dict[int | None, Score]) -> Row:
    def total(what: Iterable[Sequence[object]]) -> int:
        return sum(map(len, what))

    all_of = list(found.values())
    return Row(
        kind=kind.name,
        word=kind.word.value,
        sign=kind.sign.value,
        model=model,
        pairs=sum(len(score.truth) for score in all_of),
        right=total(score.right for score in all_of),
        unknown=total(score.unknown for score in all_of),
        missed=total(score.missed for score in all_of),
        false_separate=total(score.false("separate") for score in all_of),
        false_co_resident=total(score.false("co-resident") for score in all_of),
        lucky=total(score.lucky for score in all_of),
        standing=", ".join(sorted({score.standing for score in all_of})),
        wrong=[
            f"{seed or ''} {' '.join(sorted(pair))} {score.verdicts[pair]}".strip()
            for seed, score in found.items()
            for pair in score.wrong
        ],
    )


def _print(cells: Iterable[object]) -> None:
    line = "".join(f"{cell!s:{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    sys.stdout.write(line.rstrip() + "\n")


if __name__ == "__main__":
    sys.exit(main())
