"""Who is asked for nodes, and what is read of one.

=========  ===========================================================================================
stated     by
=========  ===========================================================================================
facts      the platform's own API, for the instance that `spec.providerID` names, where `stated_by` says
           whom to ask
said       the node's labels, see `labels`; and its kernel: nodes of one boot id run on one kernel, as the
           containers of kind and k3d do
=========  ===========================================================================================

Rules:
1. Only nodes are listed, all of them, page by page. A list whose next page has expired is begun anew.
2. A call is repeated where the API is busy (429) or out of order (5xx), or nobody answers.
3. A node runs where the API says that it is ready. One that nobody hears of may be anywhere, or nowhere. It
   is unsettled until the cloud's own controller has looked at it: labels may be an older machine's.
4. What the platform says of instances is said of nodes: neighbours too are called by their nodes' names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from lightkube import ApiError, Client, KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError as KubeConfigError
from lightkube.resources.core_v1 import Node

from keepapart import clouds
from keepapart.clouds import Listing
from keepapart.clouds.kubernetes.labels import statements
from keepapart.clouds.kubernetes.provider_id import instance_of
from keepapart.clouds.listed import Listed
from keepapart.clouds.tags import Spelling
from keepapart.errors import CloudError, ConfigError
from keepapart.model import Fact, Instance, Source, Statement

TAGS = Spelling("keepapart/")
PAGE = 500
READINGS = 3  # of a list whose next page has expired
BUSY = frozenset({429, 500, 502, 503, 504})
EXPIRED = 410
LONG = 300  # characters of the API's own words
LONGEST_WAIT = 60.0  # seconds
UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"  # a taint
MENDS = {
    401: "the credentials are wrong or have ended: `kubectl get nodes` tells",
    403: "the right to list nodes is missing: docs/platforms/kubernetes.md has the role",
    404: "this is no Kubernetes API: look at the kubeconfig and its context",
}
WHOSE: tuple[Fact, ...] = ("platform", "project")  # the platform's facts of whose an instance is

T = TypeVar("T")


class Nodes:
    """The nodes of one cluster."""

    def __init__(
        self, context: str, *, timeout: float, tries: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Read the kubeconfig. Raises `ConfigError` where it doesn't say whom to ask."""
        self._tries, self._sleep = tries, sleep
        try:
            self._client = Client(kubeconfig(context), timeout=httpx2.Timeout(timeout))
        except ConfigError:
            raise
        except Exception as error:  # nothing is asked yet: whatever it is, a file says it
            raise ConfigError(
                f"[cloud] context: {_clean(str(error))}", "look at KUBECONFIG, or at ~/.kube/config"
            ) from None

    def read(self, platform: Listing | None) -> list[Listed]:
        """List all nodes, with what their platform states of them."""
        nodes = self._tried(self._nodes)
        if platform is None:
            return [_listed(node, {}) for node in nodes]
        found = [(node, *instance_of(_provider_id(node))) for node in nodes]
        names = {own: str(node.metadata.name) for node, provider, own in found if provider == platform.name}
        stated = platform.describe(names)
        facts = {names[own]: _facts(instance, names) for own, instance in stated.items() if own in names}
        return [_listed(node, facts.get(node.metadata.name, {})) for node in nodes]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _nodes(self) -> list[Any]:
        for _ in range(READINGS):
            try:
                return list(self._client.list(Node, chunk_size=PAGE))
            except ApiError as error:
                if error.status.code != EXPIRED:
                    raise
        raise CloudError(f"kubernetes: the list of nodes expired while it was read, {READINGS} times")

    def _tried(self, call: Callable[[], T]) -> T:
        for number in range(1, self._tries + 1):
            try:
                return call()
            except (httpx2.HTTPStatusError, httpx2.TransportError) as error:
                wait = _wait(error, number)
                if number == self._tries or wait is None:
                    raise translated(error) from error
                self._sleep(wait)
            except CloudError:
                raise
            except Exception as error:
                raise translated(error) from error
        raise AssertionError("there is one try at least")


def kubeconfig(context: str) -> SingleConfig:
    """Return the context of this name, else the current one, else the pod's own account."""
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    files = [path for path in named or [Path("~/.kube/config")] if path.expanduser().is_file()]
    if not files and not named:
        try:
            return _single(KubeConfig.from_service_account(), context)
        except (KubeConfigError, KeyError):
            raise ConfigError(
                "[cloud] provider: no Kubernetes cluster is named", "set KUBECONFIG, or write ~/.kube/config"
            ) from None
    configs = [KubeConfig.from_file(path) for path in files]
    wanted = context or next((one.current_context for one in configs if one.current_context), "")
    for config in configs:
        if wanted in config.contexts:
            return _single(config, wanted)
    there = sorted({name for one in configs for name in one.contexts})
    raise ConfigError(
        f"[cloud] context: there is no context {wanted!r}" if wanted else "[cloud] context: none is current",
        f"there is {', '.join(there)}" if there else "look at KUBECONFIG",
    )


def _single(config: KubeConfig, context: str) -> SingleConfig:
    found = config.get(context or None)
    assert found is not None  # without a default it raises
    return found


def _facts(instance: Instance, names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the facts of an instance, its neighbours by their nodes' names."""
    if "neighbors" not in instance.facts:
        return instance.facts
    beside = [one.strip() for one in instance.facts["neighbors"].split(",")]
    return {**instance.facts, "neighbors": ",".join(names.get(one, one) for one in beside)}


def _listed(node: Any, facts: Mapping[str, str]) -> Listed:
    labels = dict(node.metadata.labels or {})
    scheme = _provider_id(node).partition("://")[0]
    return Listed(
        id=node.metadata.name,
        name=node.metadata.name,
        state=_state(node),
        tags=TAGS.of_labels(labels),
        whose={name: facts.get(name, "") for name in WHOSE},
        place={name: text for name, text in facts.items() if name not in WHOSE},  # type: ignore[misc]
        said=[*statements(labels, scheme), *_kernel(node)],
        settled=not any(taint.key == UNINITIALIZED for taint in (node.spec and node.spec.taints) or ()),
        addresses=_addresses(node),
    )


def _provider_id(node: Any) -> str:
    return (node.spec and node.spec.providerID) or ""


def _state(node: Any) -> str:
    if node.metadata.deletionTimestamp:
        return clouds.STOPPING
    conditions = (node.status and node.status.conditions) or ()
    ready = any(one.type == "Ready" and one.status == "True" for one in conditions)
    return clouds.RUNNING if ready else "not-ready"


def _kernel(node: Any) -> Sequence[Statement]:
    boot = (node.status and node.status.nodeInfo and node.status.nodeInfo.bootID) or ""
    return [Statement(Source.METADATA, "the node's kubelet", {}, machine=boot)] if boot else []


def _addresses(node: Any) -> dict[str, str]:
    found = [(one.type, one.address) for one in (node.status and node.status.addresses) or ()]
    inside = [address for kind, address in found if kind == "InternalIP"]
    return {
        "private": next((one for one in inside if ":" not in one), ""),
        "public": next((address for kind, address in found if kind == "ExternalIP"), ""),
        "ipv6": next((one for one in inside if ":" in one), ""),
    }


def _wait(error: Exception, number: int) -> float | None:
    """Return the seconds until a call may be repeated; None where that is of no use."""
    wait = 2.0 ** (number - 1)
    if isinstance(error, httpx2.HTTPStatusError):
        if error.response.status_code not in BUSY:
            return None
        asked = error.response.headers.get("Retry-After", "")
        wait = float(asked) if asked.isascii() and asked.isdigit() else wait
    return wait if wait <= LONGEST_WAIT else None


def translated(error: Exception) -> CloudError:
    """Put what the client raised into one line, with the mend where there is one."""
    said = _clean(str(error)) or type(error).__name__
    if isinstance(error, httpx2.HTTPStatusError):
        return CloudError(f"kubernetes: {said.rstrip('.')}", MENDS.get(error.response.status_code, ""))
    if isinstance(error, httpx2.TransportError):
        return CloudError(
            f"kubernetes: {said}", "nobody answers: look at the kubeconfig's server, and at proxies"
        )
    if isinstance(error, KubeConfigError):  # a program that gives credentials failed
        return CloudError(f"kubernetes: {said}", "`kubectl get nodes` tells more")
    return CloudError(f"kubernetes: {said}")


def _clean(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONG else text[:LONG] + " …"
