"""Nodes' labels through the Kubernetes API: what differs from the map is patched."""

from __future__ import annotations

from keepapart.clouds.listed import need
from keepapart.documents.domains import DomainsDocument
from keepapart.errors import CloudError, KeepapartError
from keepapart.exports.kubernetes import patches

CONFLICT, GONE = 409, 404
READINGS = 5  # of all nodes, where others write meanwhile


def write_labels(found: DomainsDocument, key: str, context: str = "") -> str:
    """Make the labels of nodes those of the map; return what was done in a line.

    `key` is the label, and `context` one of the kubeconfig's; without it, the current one, else the pod's own
    account. Raises `ConfigError` for the kubeconfig and where the extra `kubernetes` is missing, `CloudError`
    for the API, and as `kubernetes.patches`.
    """
    need("kubernetes", "lightkube")
    from lightkube import ApiError, Client
    from lightkube.resources.core_v1 import Node
    from lightkube.types import PatchType

    from keepapart.clouds.kubernetes.nodes import PAGE, kubeconfig, translated

    client = Client(kubeconfig(context))
    written: set[str] = set()
    try:
        for _ in range(READINGS):
            nodes = [node.to_dict() for node in client.list(Node, chunk_size=PAGE)]
            wanted = list(patches(nodes, found, key))
            if not wanted:
                return f"{key}: wrote {len(written)} nodes, the others have it as it is"
            for patch in wanted:
                try:
                    client.patch(Node, patch.node, patch.body, patch_type=PatchType.MERGE)
                except ApiError as error:
                    if error.status.code not in (CONFLICT, GONE):
                        raise
                else:
                    written.add(patch.node)
    except KeepapartError:
        raise
    except Exception as error:
        raise translated(error) from error
    finally:
        client.close()
    raise CloudError(
        f"kubernetes: others write the same nodes: read {READINGS} times, and still not as wanted"
    )
