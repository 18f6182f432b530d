"""The JSON Schema of every document, as it is published with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from keepapart.documents import (
    admission,
    audit,
    domains,
    error,
    lab,
    network,
    past,
    project,
    simulation,
    watch,
)
from keepapart.documents.base import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).parents[1] / "schemas"
DOCUMENTS: tuple[type[Document], ...] = (
    audit.AuditDocument,
    audit.CheckDocument,
    audit.HopsDocument,
    project.GroupsDocument,
    domains.DomainsDocument,
    network.NetworkDocument,
    admission.AdmitDocument,
    admission.MoveDocument,
    admission.PlanDocument,
    admission.GcDocument,
    past.HistoryDocument,
    past.ExplainDocument,
    simulation.SimulateDocument,
    lab.LabDocument,
    error.ErrorDocument,
    watch.WatchDocument,
    watch.SurvivesDocument,
    watch.NewsDocument,
)


def schemas() -> Mapping[str, str]:
    """Return the text of every schema by its file name: `keepapart.audit/1` is in audit-1.json."""
    return dict(_schema(document) for document in DOCUMENTS)


def _schema(document: type[Document]) -> tuple[str, str]:
    name = str(document.__struct_config__.tag)
    schema = {"$schema": DIALECT, "title": name, **msgspec.json.schema(document)}
    return name.removeprefix("keepapart.").replace("/", "-") + ".json", json.dumps(schema, indent=2) + "\n"
