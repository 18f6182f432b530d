"""Writing a map where its consumer reads it.

1. A file is replaced whole, and only where more than its comment changes: a consumer that watches it isn't
   woken for nothing.
2. Where each instance has a file, that of an instance left out is removed: it says what is no longer known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import UsageError
from keepapart.exports.format import Format
from keepapart.files import replace_text


def write_files(form: Format, found: DomainsDocument, texts: Mapping[str, str], to: Path) -> str:
    """Write a format's texts to a file, or into a folder, and return what was done in a line.

    Raises `UsageError` where that can't be written.
    """
    row = form.row
    try:
        if not row.each:
            path = to / row.file if to.is_dir() else to
            return f"{'wrote' if _written(form, path, texts['']) else 'unchanged:'} {path}"
        to.mkdir(parents=True, exist_ok=True)
        changed = [
            name for name, text in texts.items() if _written(form, to / row.file.replace("{id}", name), text)
        ]
        gone = [one.id for one in found.left_out if _removed(to / row.file.replace("{id}", one.id))]
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{to}: can't be written there: {why}") from None
    told = f"wrote {len(changed)} of {len(texts)} files in {to}, the others are unchanged"
    return f"{told}; removed {len(gone)}, of instances left out" if gone else told


def _written(form: Format, path: Path, text: str) -> bool:
    """Whether the file was written: it wasn't there, or said something else."""
    if path.exists() and _said(form, path.read_text(encoding="utf-8", errors="replace")) == _said(form, text):
        return False
    replace_text(path, text, executable=form.row.runs)
    return True


def _said(form: Format, text: str) -> list[str]:
    comment = f"{form.row.comment}keepapart: "
    return [line for line in text.splitlines() if not (form.row.comment and line.startswith(comment))]


def _removed(path: Path) -> bool:
    there = path.exists()
    path.unlink(missing_ok=True)
    return there
