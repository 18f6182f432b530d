"""Files that others read while they are written anew."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str, *, executable: bool = False) -> None:
    """Put text in a file's place, readable for all whom the umask lets read. Raises `OSError`.

    Whoever reads the file meanwhile reads the one before or this one, and never a part.
    """
    umask = os.umask(0)
    os.umask(umask)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), (0o777 if executable else 0o666) & ~umask)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise
