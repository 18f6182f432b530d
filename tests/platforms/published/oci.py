"""OCI's models, as its SDK has them: each field of an answer is one of its type's own."""

import json
import re
import sys
from typing import Any

from oci.core import models as core
from oci.identity import models as identity
from oci.work_requests import models as work

MODELS = {
    "instances": core.Instance,
    "vnicAttachments": core.VnicAttachment,
    "vnics": core.Vnic,
    "compartments": identity.Compartment,
    "launch": core.LaunchInstanceDetails,
    "update": core.UpdateInstanceDetails,
    "workRequests": work.WorkRequest,
    "workErrors": work.WorkRequestError,
}


def strange(value: Any, kind: Any, where: str) -> list[str]:
    """Return what of a value the type doesn't know; of a base type, its own subtype is meant."""
    if isinstance(value, list):
        return [said for item in value for said in strange(item, kind, where)]
    if not isinstance(value, dict) or not isinstance(kind, type):
        return []
    if hasattr(kind, "get_subtype"):
        kind = getattr(core, kind.get_subtype(value))
    model = kind()
    types = {model.attribute_map[name]: text for name, text in model.swagger_types.items()}
    found = []
    for key, item in value.items():
        inner = re.sub(r"^list\[(.*)\]$", r"\1", types.get(key, ""))
        known = strange(item, getattr(core, inner, None), f"{where}.{key}")
        found += known if key in types else [f"{where}: {key}"]
    return found


if __name__ == "__main__":
    found = []
    for what, answer in json.load(sys.stdin):
        found += strange(answer, MODELS[what], what)
    json.dump(found, sys.stdout)
