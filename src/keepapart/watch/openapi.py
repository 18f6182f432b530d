"""`/openapi.json`: what `api` answers, as OpenAPI 3.1 has it. The documents are those of the package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from keepapart import __version__
from keepapart.documents.audit import AuditDocument
from keepapart.documents.base import Document
from keepapart.documents.error import ErrorDocument
from keepapart.documents.past import ExplainDocument, HistoryDocument
from keepapart.documents.watch import NewsDocument, SurvivesDocument, WatchDocument
from keepapart.model import CHOICES, MAP_LEVELS

DOCUMENTS: tuple[type[Document], ...] = (
    AuditDocument,
    ErrorDocument,
    ExplainDocument,
    HistoryDocument,
    NewsDocument,
    SurvivesDocument,
    WatchDocument,
)
TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"  # as documents write it
FAILED = {
    "400": "what is asked can't be meant",
    "401": "the token is wanted",
    "404": "there is no such thing",
    "409": "it isn't so: the text says why",
    "503": "it isn't known now, or the store can't be asked",
}


@cache
def described() -> Mapping[str, Any]:
    """Return the description."""
    _, schemas = msgspec.json.schema_components(DOCUMENTS, ref_template="#/components/schemas/{name}")
    cluster = "/v1/clusters/{name}"
    return {
        "openapi": "3.1.0",
        "info": {"title": "keepapart watch", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{}, {"token": []}, {"password": []}],
        "paths": {
            "/livez": _path("whether the loop turns, whatever audits find", {"200": None, "503": None}),
            "/readyz": _path(
                "whether the cluster was audited and the store answers", {"200": None, "503": None}
            ),
            "/metrics": _path("for Prometheus", {"200": None, "401": None}),
            "/openapi.json": _path("this", {"200": ("application/json",), "401": None}),
            "/": _path("the page", {"200": ("text/html",), "401": None}),
            "/v1/events": _path(
                "server-sent events: `news` with their numbers, and `watch` whenever that changes",
                {"200": ("text/event-stream",), "401": None, "503": ErrorDocument},
                _header("Last-Event-ID", "the number after which news are wanted; without it, those to come"),
                _query("after", {"type": "integer", "minimum": 0}, "the same, where there is no such header"),
            ),
            cluster: _path("how the watch goes", {"200": WatchDocument, **_FAILURES}, _NAME),
            f"{cluster}/survives": _path(
                "200: the cluster survives the loss of any one host; 409: it doesn't; 503: it isn't known",
                {"200": SurvivesDocument, "409": SurvivesDocument, **_FAILURES, "503": SurvivesDocument},
                _NAME,
            ),
            f"{cluster}/audit": _path(
                "the last audit, or the last one at a time",
                {"200": AuditDocument, "304": None, "400": ErrorDocument, **_FAILURES},
                _NAME,
                _query(
                    "at",
                    {"type": "string", "pattern": f"^{TIME}$"},
                    "a time as in an audit: 2026-11-22T22:00:00Z",
                ),
                _header("If-None-Match", "the ETag of the audit that is known"),
            ),
            f"{cluster}/history": _path(
                "what audits found, newest first",
                {"200": HistoryDocument, "400": ErrorDocument, **_FAILURES},
                _NAME,
                _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "rows; 100 without it"),
            ),
            f"{cluster}/pairs/{{a}}/{{b}}": _path(
                "what kept audits said of two members",
                {"200": ExplainDocument, **_FAILURES},
                _NAME,
                _in_path("a", "the id of one"),
                _in_path("b", "the id of the other"),
            ),
            f"{cluster}/export/{{format}}": _path(
                "the map of the last audit, as `keepapart export` prints it",
                {
                    "200": ("text/plain", "application/json"),
                    "400": ErrorDocument,
                    "409": ErrorDocument,
                    **_FAILURES,
                },
                _NAME,
                _in_path("format", "a format, as `keepapart export` lists them"),
                _query("level", {"enum": list(MAP_LEVELS)}, "which fault domains"),
                _query(
                    "unknown",
                    {"enum": list(CHOICES)},
                    "what is done where pairs are unknown; refuse without it",
                ),
                _query("set", _STRINGS, "settings of the format, NAME=VALUE"),
                _query("only", _STRINGS, "ids; where each instance has a text of its own, theirs alone"),
            ),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


# a document, types of content, or plain text
Answer = type[Document] | tuple[str, ...] | None


def _in_path(name: str, what: str) -> Mapping[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": what, "schema": {"type": "string"}}


def _query(name: str, schema: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "description": what, "schema": schema}


def _header(name: str, what: str) -> Mapping[str, Any]:
    return {"name": name, "in": "header", "description": what, "schema": {"type": "string"}}


_STRINGS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
_NAME = _in_path("name", "the cluster's name")
_FAILURES: Mapping[str, Answer] = {"401": None, "404": ErrorDocument, "503": ErrorDocument}


def _path(summary: str, answers: Mapping[str, Answer], *parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    responses = {code: _response(code, answer) for code, answer in answers.items()}
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": responses}}


def _response(code: str, answer: Answer) -> Mapping[str, Any]:
    said = {"description": FAILED.get(code, "the answer")}
    if code == "304":
        return said
    if answer is None or isinstance(answer, tuple):
        return {**said, "content": {kind: {} for kind in answer or ("text/plain",)}}
    reference = {"$ref": f"#/components/schemas/{answer.__name__}"}
    return {**said, "content": {"application/json": {"schema": reference}}}
