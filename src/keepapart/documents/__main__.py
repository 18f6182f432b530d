"""`python -m keepapart.documents`: write the schemas of all documents anew, for this package."""

from __future__ import annotations

from keepapart.documents.schemas import FOLDER, schemas

FOLDER.mkdir(exist_ok=True)
for stale in FOLDER.glob("*.json"):
    stale.unlink()
for name, text in schemas().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
