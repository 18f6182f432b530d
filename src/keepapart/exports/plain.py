"""The map itself, for programs: as JSON, which templates read too, and as a table."""

from __future__ import annotations

from keepapart.documents import base, tsv
from keepapart.documents.domains import DomainsDocument
from keepapart.exports.format import Format
from keepapart.exports.row import Row, Texts


def _json(found: DomainsDocument, _: Texts) -> Texts:
    return {"": base.text(found, escaped=True) + "\n"}


def _tsv(found: DomainsDocument, _: Texts) -> Texts:
    return {"": tsv.table(found) + "\n"}


FORMATS = (
    Format(
        "json",
        Row(
            title="the map as JSON: keepapart.domains/1",
            file="domains.json",
            no_value="its domain is null, and left_out has it with the reason",
            safe=True,
            apply="whatever reads it",
            later="write it again",
            parser="its JSON Schema",
        ),
        _json,
    ),
    Format(
        "tsv",
        Row(
            title="the map as a table: a line an instance, tabs between columns",
            file="domains.tsv",
            no_value="its domain is empty",
            safe=True,
            apply="cut, sort, awk, a spreadsheet",
            later="write it again",
            parser="csv",
        ),
        _tsv,
    ),
)
