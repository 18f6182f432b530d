"""`make faults`: every strategy × every fault × kill -9 at every arrow, as tables.

``python -m faults [--every N] [--over cloud|ec2|packets] [--write FILE]``: kill at every N-th arrow, on
the programmable cloud, over the lab's EC2 API, or over a lab's real packets; put the table into FILE.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from faults.campaign import FAULTS, Answer, Task, work_off
from faults.scenarios import SCENARIOS

BEGIN, END = "<!-- {}: begin, generated -->", "<!-- {}: end -->"


def main() -> int:
    """Run the campaign, print its table; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m faults")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--write", metavar="FILE")
    parser.add_argument("--over", choices=tuple(FAULTS), default="cloud")
    args = parser.parse_args()
    begun = time.monotonic()
    tasks = [Task(args.over, name, fault, args.every) for fault in FAULTS[args.over] for name in SCENARIOS]
    answers = fought(tasks)
    table = "\n".join([*_summary(answers, args, time.monotonic() - begun), "", *_table(answers, args.over)])
    say(f"\n{table}")
    if args.write:
        write(Path(args.write), args.over, table)
    return int(any(answer.problems for answer in answers))


def fought(tasks: Sequence[Task]) -> list[Answer]:
    """Work these off, and tell of each problem as it is found."""
    answers: list[Answer] = []
    for answer in work_off(tasks, os.cpu_count() or 1):
        answers.append(answer)
        for problem in answer.problems:
            say(f"{answer.task.scenario}, {answer.task.fault}, {problem}")
        sys.stderr.write(f"\r{len(answers)} of {len(tasks)} campaigns ")
    return answers


def _summary(answers: Sequence[Answer], args: argparse.Namespace, seconds: float) -> list[str]:
    kills = sum(len(answer.arrows) for answer in answers)
    wrong = sum(len(answer.problems) for answer in answers)
    command = f"python -m faults --over {args.over} --every {args.every}"
    return [
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}: {kills:,} kills in {seconds / 60:.0f} minutes on "
        f"{os.cpu_count()} cores, {wrong} problems."
    ]


def _table(answers: Sequence[Answer], over: str) -> list[str]:
    found: Mapping[tuple[str, str], Answer] = {(a.task.fault, a.task.scenario): a for a in answers}
    lines = [f"| fault | {' | '.join(SCENARIOS)} |", f"|---|{'--:|' * len(SCENARIOS)}"]
    for fault, trouble in FAULTS[over].items():
        cells = [_cell(found[fault, name]) for name in SCENARIOS]
        lines.append(f"| {trouble.does} | {' | '.join(cells)} |")
    return lines


def _cell(answer: Answer) -> str:
    wrong = f", **{len(answer.problems)} wrong**" if answer.problems else ""
    return f"{len(answer.arrows)}{wrong}"


def write(path: Path, name: str, table: str) -> None:
    """Put the table between its two marks in the file."""
    begin, end = BEGIN.format(name), END.format(name)
    text = path.read_text()
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
