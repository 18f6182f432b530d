"""What is to be known of formats, for people: the list of them, and one in full."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from keepapart.exports.format import Format

WIDTH, INDENT = 100, 15
UNCHECKED = "by no parser of its own: there is none to install"


def listed(known: Mapping[str, Format]) -> str:
    """Return a line for each format."""
    width = max(map(len, known))
    lines = [f"{name:{width}}  {form.row.title}" for name, form in known.items()]
    return "\n".join([*lines, "", "keepapart export FORMAT --help says what is to be known of one", ""])


def about(form: Format) -> str:
    """Return all that a row says."""
    lines = [f"{form.name}: {form.row.title}", ""]
    for what, told in facts(form):
        lines += textwrap.wrap(
            told, WIDTH, initial_indent=f"  {what:{INDENT - 2}}", subsequent_indent=" " * INDENT
        )
    return "\n".join([*lines, ""])


def facts(form: Format) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a format, each with a word for what it is."""
    row = form.row
    yield "written", f"{'a file for each instance' if row.each else 'one file'}, {row.file}"
    yield "names", row.names_are + (f"; of instances: {row.ids_are}" if row.ids_are != row.names_are else "")
    yield "without one", row.no_value
    yield "--unknown", ", ".join(form.choices)
    yield "--level", ", ".join(row.levels) + (f"; above it: {', '.join(row.above)}" if row.above else "")
    if row.settings:
        yield "--set", ", ".join(f"{name}={value}" for name, value in row.settings.items())
    if row.also:
        yield "also called", ", ".join(row.also)
    yield "applied", row.apply
    yield "later", row.later
    yield "tested", f"by {row.parser}" if row.parser else UNCHECKED
