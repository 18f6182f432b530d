"""Documents as tables, a line a row and a tab between columns: for `cut`, `sort`, `awk` and spreadsheets.

1. A document's table is its one list of entries; what has none is one row. The first line names the columns.
2. What is a list itself is written with spaces between, what is deeper as JSON. What is unknown is empty.
3. No value breaks a line or a column: a tab and an end of line within are written as \\t and \\n.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from keepapart.documents.base import Document, plain

ROWS = {  # the lists that make the rows; of several, the first column says which it is from
    "keepapart.audit/1": ("instances",),
    "keepapart.admit/1": ("admitted", "rejected", "released", "left"),
    "keepapart.move/1": ("moved", "unmoved", "down", "released", "left"),
    "keepapart.plan/1": ("steps",),
    "keepapart.gc/1": ("found", "released", "started", "left"),
    "keepapart.domains/1": ("instances",),
    "keepapart.history/1": ("audits",),
    "keepapart.explain/1": ("said",),
    "keepapart.simulate/1": ("strategies",),
    "keepapart.lab/1": ("instances",),
    "keepapart.network/1": ("vouching", "against", "platforms", "gateways", "routers", "find_out"),
}


def table(document: Document) -> str:
    """Return the document's table."""
    told = plain(document)
    rows = [_flat(row) for row in _rows(told)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(columns), *("\t".join(_text(row.get(name)) for name in columns) for row in rows)]
    return "\n".join(lines)


def _rows(told: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if told["schema"] == "keepapart.hops/1":
        return _pairs(told["ids"], told["hops"])
    lists = ROWS.get(told["schema"])
    if lists is None:
        return [{name: value for name, value in told.items() if name != "schema"}]
    if len(lists) == 1:
        return [_entry(one) for one in told.get(lists[0], ())]
    return [{"what": name, **_entry(one)} for name in lists for one in told.get(name, ())]


def _pairs(ids: Sequence[str], hops: Sequence[Sequence[int | None]]) -> Iterator[Mapping[str, Any]]:
    for sender, line in zip(ids, hops, strict=True):
        for target, count in zip(ids, line, strict=True):
            yield {"from": sender, "to": target, "hops": count}


def _entry(one: Any) -> Mapping[str, Any]:
    return one if isinstance(one, Mapping) else {"id": one}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Raise the entries of an entry within it: "verdicts.separate"."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": deep for inner, deep in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        simple = all(isinstance(one, str | int | float) for one in value)
        value = " ".join(map(str, value)) if simple else json.dumps(value, ensure_ascii=False)
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")
