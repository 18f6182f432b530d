"""Proxmox VE: `provider = "proxmox"`, by its REST API. docs/platforms/proxmox.md is the operator's guide.

One file a subject: `reading` (what is read of guests), `placing` (on which node the next one goes), `cloud`
(launch and release), `asking` (any node of the cluster answers).
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keepapart.clouds import Listing
from keepapart.clouds.by_token import token
from keepapart.clouds.listed import need, parse
from keepapart.clouds.proxmox.settings import Settings, span
from keepapart.errors import ConfigError
from keepapart.model import Instance

ENDPOINT, TOKEN = "PROXMOX_VE_ENDPOINT", "PROXMOX_VE_API_TOKEN"  # as bpg's Terraform provider names them


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Proxmox VE as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances, ("pool", "node"))
    endpoints = chosen.endpoints or tuple(filter(None, os.environ.get(ENDPOINT, "").split(",")))
    if not endpoints:
        raise ConfigError(
            f'[cloud] endpoints: none is set; write ["https://NODE:8006"] there, or set {ENDPOINT}'
        )
    if chosen.fingerprint and not re.fullmatch(r"([0-9a-fA-F]{2}:){31}[0-9a-fA-F]{2}", chosen.fingerprint):
        raise ConfigError(
            "[cloud] fingerprint: the SHA-256 of a certificate is wanted, 32 pairs of digits with colons",
            "`pvenode cert info` shows it",
        )
    if chosen.ca and chosen.fingerprint:
        raise ConfigError("[cloud] fingerprint: the certificate is trusted by ca already", "keep one of them")
    if not operator.lt(*span(chosen.vmids)):
        raise ConfigError(f"[cloud] vmids: {chosen.vmids} is no range", "write the lesser number first")
    ca = str(Path(chosen.ca).expanduser()) if chosen.ca else ""
    if ca and not (Path(ca).is_absolute() and Path(ca).is_file()):
        raise ConfigError(f"[cloud] ca: no such file: {chosen.ca}", "the whole path is wanted")
    secret = token(TOKEN)
    if not re.fullmatch(r"[^@!=]+@[^@!=]+![^@!=]+=.+", secret):
        raise ConfigError(f"{TOKEN}: USER@REALM!TOKENID=SECRET is wanted")
    need("proxmox", "requests")
    from keepapart.clouds.proxmox.asking import Nodes
    from keepapart.clouds.proxmox.cloud import ProxmoxCloud
    from keepapart.clouds.rest import Header, Mends, Rest

    mends = Mends(
        f"look at {TOKEN}: the token may have ended, or be another cluster's",
        "the rights that are needed are in docs/platforms/proxmox.md",
    )
    asked = [
        Rest(
            "Proxmox VE",
            endpoint.strip().rstrip("/").removesuffix("/api2/json") + "/api2/json",
            Header("Authorization", f"PVEAPIToken={secret}"),
            mends,
            timeout=chosen.timeout,
            tries=chosen.tries if len(endpoints) == 1 else 1,
            ca=ca,
            fingerprint=chosen.fingerprint,
        )
        for endpoint in endpoints
    ]
    return ProxmoxCloud(Nodes(asked), chosen)
