"""VMware vSphere: `provider = "vsphere"`, through pyvmomi (the extra "vsphere").

docs/platforms/vsphere.md is the operator's guide. One file a subject: `session` (who is asked), `faults`,
`inventory` (what is read of machines and hosts), `placing` (on which host the next one goes), `cloud` (launch
and release), `rules` (those of DRS).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from keepapart.clouds import Listing
from keepapart.clouds.listed import need, parse
from keepapart.clouds.vsphere.settings import Settings
from keepapart.errors import ConfigError
from keepapart.model import Instance

SERVER, USER, PASSWORD = "VSPHERE_SERVER", "VSPHERE_USER", "VSPHERE_PASSWORD"  # Terraform's; then govc's
GOVC_URL, GOVC_USER, GOVC_PASSWORD = "GOVC_URL", "GOVC_USERNAME", "GOVC_PASSWORD"
UNVERIFIED = ("VSPHERE_ALLOW_UNVERIFIED_SSL", "GOVC_INSECURE")
GOVC_CA = "GOVC_TLS_CA_CERTS"
ALIKE = ("cluster", "folder", "host")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open vSphere as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances, ALIKE)
    where, of_url = _address(chosen.server or _variable(SERVER, GOVC_URL))
    user = chosen.user or _variable(USER, GOVC_USER) or unquote(of_url.username or "")
    if not user:
        raise ConfigError(f"[cloud] user: none is set; write it there, or set {USER} or {GOVC_USER}")
    password = _variable(PASSWORD, GOVC_PASSWORD) or unquote(of_url.password or "")
    if not password:
        raise ConfigError(f"[cloud] user: there is no password: set {PASSWORD} or {GOVC_PASSWORD}")
    ca = str(Path(found).expanduser()) if (found := chosen.ca or _variable(GOVC_CA)) else ""
    if ca and not (Path(ca).is_absolute() and Path(ca).is_file()):
        raise ConfigError(f"[cloud] ca: no such file: {found}", "the whole path is wanted")
    need("vsphere", "pyVmomi")
    from keepapart.clouds.vsphere.cloud import VsphereCloud
    from keepapart.clouds.vsphere.session import Session, context

    unverified = not ca and any(os.environ.get(name, "").lower() in ("1", "t", "true") for name in UNVERIFIED)
    session = Session(
        where,
        user,
        password,
        context(ca, verify=not unverified),
        timeout=chosen.timeout,
        tries=chosen.tries,
    )
    return VsphereCloud(session, chosen)


def _variable(*names: str) -> str:
    return next((text for name in names if (text := os.environ.get(name, "").strip())), "")


def _address(server: str) -> tuple[str, SplitResult]:
    """Return the address of the API, and what was said of it. Raises `ConfigError`."""
    if not server:
        raise ConfigError(f"[cloud] server: none is set; write it there, or set {SERVER} or {GOVC_URL}")
    try:
        parts = urlsplit(server if "://" in server else f"https://{server}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"[cloud] server: {error}", "the name of a vCenter is wanted") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ConfigError(
            "[cloud] server: the name of a vCenter is wanted, or an address such as https://HOST/sdk"
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigError("[cloud] server: http would send the password in clear", "write https")
    shown = f"[{host}]" if ":" in host else host
    end = f":{port}" if port else ""
    return f"{parts.scheme}://{shown}{end}{parts.path.rstrip('/') or '/sdk'}", parts
