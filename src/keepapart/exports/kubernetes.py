"""Kubernetes: each node's domain as a label, printed as manifests or written through the API.

1. Only the one label is touched, and an annotation that says whose it is: {label: cluster} as JSON.
2. A label that somebody else wrote is never changed: it is an error that names the node.
3. A label of the cluster's own is removed from a node that has no domain any more, or is no member.
4. Only what differs is patched, and only on the version of the node that was read: who comes between makes
   the API refuse, and the node is read anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import UsageError
from keepapart.exports.format import Format
from keepapart.exports.row import Row, Texts

KEY = "topology.keepapart.io/{level}"
WROTE = "keepapart.io/wrote"  # the annotation
VALUE = r"(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
VALUE_IS = "at most 63 letters, digits, '_', '.' and '-', with a letter or digit at both ends"
KEYS = r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
KEYS_ARE = "a label's key, such as topology.keepapart.io/host"
NODE = r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
NODE_IS = "a node's name: small letters, digits, '.' and '-'"


@dataclass(frozen=True, slots=True)
class Patch:
    """What is to change on a node: a merge patch."""

    node: str
    body: dict[str, Any]


def patches(nodes: Iterable[Any], found: DomainsDocument, key: str) -> Iterator[Patch]:
    """Yield what makes the labels of nodes, as the API has them, those of the map.

    Raises `UsageError` for a member that is no node, and for a label that somebody else wrote.
    """
    wanted = {one.id: one.domain for one in found.instances}
    seen = set()
    for node in nodes:
        meta = node["metadata"]
        name, labels = meta["name"], meta.get("labels") or {}
        wrote = _wrote(meta)
        seen.add(name)
        value, ours = wanted.get(name), wrote.get(key) == found.cluster
        if value and key in labels and labels[key] != value and not ours:
            raise UsageError(
                f"kubernetes: node {name}: somebody else wrote {key}={labels[key]}",
                f"--key chooses another key, or `kubectl label node {name} {key}-` gives this one free",
            )
        owners = {**wrote, key: found.cluster} if value else {k: v for k, v in wrote.items() if k != key}
        if (value and (labels.get(key) != value or not ours)) or (not value and ours):
            body = {
                "resourceVersion": meta["resourceVersion"],
                "labels": {key: value},
                "annotations": {WROTE: json.dumps(owners, sort_keys=True) if owners else None},
            }
            yield Patch(name, {"metadata": body})
    if missing := [name for name, domain in wanted.items() if domain and name not in seen]:
        raise UsageError(f"kubernetes: no node is called {missing[0]!r}", "--rename-id tells the node's name")


def _wrote(meta: Mapping[str, Any]) -> dict[str, str]:
    try:
        found = json.loads((meta.get("annotations") or {}).get(WROTE, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _manifests(found: DomainsDocument, settings: Texts) -> Texts:
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": one.id, "labels": {settings["key"]: one.domain} if one.domain else {}},
        }
        for one in found.instances
    ]
    return {"": "".join(f"---\n{json.dumps(node)}\n" for node in nodes)}


FORMATS = (
    Format(
        "kubernetes",
        Row(
            title="Kubernetes, a label on each node; --apply writes it through the API",
            file="nodes.yaml",
            names=VALUE,
            names_are=VALUE_IS,
            ids=NODE,
            ids_are=NODE_IS,
            settings={"key": KEY},
            keys=KEYS,
            keys_are=KEYS_ARE,
            no_value="spread constraints place no pod on a node without it; podAntiAffinity doesn't see it",
            safe=True,
            apply="--apply, or kubectl apply --server-side --field-manager=keepapart -f -: own labels only",
            later="labels are changed and removed by the next --apply; pods that run stay",
            comment="# ",
            parser="kubectl and kubernetes-validate",
        ),
        _manifests,
    ),
)
