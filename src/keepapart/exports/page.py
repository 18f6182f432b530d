"""The formats on their page: `python -m keepapart.exports.page` writes docs/exports.md anew (`make exports`).

What stands above the mark is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from keepapart.exports.formats import builtin
from keepapart.exports.help import facts

PAGE = Path(__file__).parents[3] / "docs" / "exports.md"
MARK = "<!-- from here on made of the table: make exports -->"


def page(text: str) -> str:
    """Return the page with everything below the mark made anew."""
    lines = [text.partition(MARK)[0] + MARK, ""]
    for form in builtin().values():
        lines += [f"### {form.name}", "", f"{form.row.title}.", "", "| | |", "|---|---|"]
        lines += [f"| {what} | {_cell(told)} |" for what, told in facts(form)]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
