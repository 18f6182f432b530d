"""Google's discovery document of compute.beta: each answer is of the schema that the document has for it."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "boolean": bool, "number": float}


def wrong(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> list[str]:
    """Return what of a value the schema doesn't know."""
    if "$ref" in schema:
        return wrong(value, schemas[schema["$ref"]], schemas, where)
    if schema["type"] == "array":
        return [said for item in value for said in wrong(item, schema["items"], schemas, where)]
    if schema["type"] == "object":
        of_any, known = schema.get("additionalProperties"), schema.get("properties", {})
        found = []
        for key, item in value.items():
            one = known.get(key) or of_any
            found += wrong(item, one, schemas, f"{where}.{key}") if one else [f"{where}.{key}"]
        return found
    fits = isinstance(value, TYPES[schema["type"]]) and value in schema.get("enum", [value])
    return [] if fits else [f"{where}: {value!r}"]


if __name__ == "__main__":
    spec = find_spec("googleapiclient")
    assert spec and spec.origin
    path = Path(spec.origin).parent / "discovery_cache" / "documents" / "compute.beta.json"
    schemas = json.loads(path.read_text(encoding="utf-8"))["schemas"]
    found = []
    for what, answer in json.load(sys.stdin):
        found += wrong(answer, schemas[what], schemas, what)
    json.dump(found, sys.stdout)
