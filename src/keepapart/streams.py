"""Streams whose encoding isn't UTF-8: what it lacks is written in ASCII that says the same."""

from __future__ import annotations

import codecs
import io
import os
from typing import TextIO

ASCII = {
    "✓": "ok",
    "✗": "XX",
    "×": "x",
    "–": "-",
    "−": "-",
    "■": "#",
    "□": "o",
    "▲": "^",
    "…": "...",
    "→": "->",
    "·": ".",
}
IN_ASCII = "keepapart.ascii"  # the name of the error handler


def readable(stream: TextIO) -> None:
    """Have a stream write what its encoding lacks as ASCII.

    Where LC_ALL is C Python writes UTF-8 all the same; whoever says so wants ASCII.
    """
    if isinstance(stream, io.TextIOWrapper):
        if os.environ.get("LC_ALL") in ("C", "POSIX"):
            stream.reconfigure(encoding="ascii", errors=IN_ASCII)
        elif not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors=IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error(IN_ASCII, _in_ascii)
