"""OCI's credentials, as its SDK finds and signs with them, for calls of `rest`.

They are found by what the oci command reads: ~/.oci/config with its profiles, OCI_CLI_AUTH, OCI_CLI_PROFILE,
OCI_CLI_CONFIG_FILE and OCI_CLI_REGION.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oci
import requests
from oci.auth import signers

from keepapart.clouds.rest import RestError
from keepapart.errors import ConfigError

DMI, ORACLE = Path("/sys/class/dmi/id/chassis_asset_tag"), "OracleCloud.com"
WAYS = ("api_key", "instance_principal", "resource_principal")


Sign = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs calls, whose tenancy it is, and in which region."""

    signer: Sign
    tenancy: str
    region: str

    def endpoint(self, service: str) -> str:
        """Return the address of a service in the region. Raises `ConfigError` where none is known."""
        try:
            return str(oci.regions.endpoint_for(service, self.region))
        except ValueError as error:
            raise ConfigError(f"[cloud] region: {error}") from None


def found(auth: str, profile: str, region: str) -> Login:
    """Find the credentials. Raises `ConfigError` where there are none, naming the mend."""
    auth = auth or os.environ.get("OCI_CLI_AUTH", "") or WAYS[0]
    region = region or os.environ.get("OCI_CLI_REGION", "")
    try:
        if auth == "api_key":
            return _by_key(profile or os.environ.get("OCI_CLI_PROFILE", "") or "DEFAULT", region)
        if auth == "resource_principal":
            signer: Any = signers.get_resource_principals_signer()
        elif auth == "instance_principal":
            if not _on_oracle():  # its metadata service would be asked
                raise ConfigError(f'[cloud] auth: "{auth}" is for instances of OCI, and this machine is none')
            signer = signers.InstancePrincipalsSecurityTokenSigner()
        else:
            raise ConfigError(f"[cloud] auth: {auth!r} is not one of {', '.join(WAYS)}")
    except ConfigError:
        raise
    except Exception as error:  # the SDK raises what it likes, down to urllib3's own
        raise ConfigError(f"OCI's credentials: {_line(error)}", "`oci setup config` makes some") from None
    return Login(_told(signer), str(signer.tenancy_id), region or str(signer.region))


def _told(signer: Sign) -> Sign:
    """Return what signs, and tells in one line where it can't: principals fetch what they sign with."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            return signer(request)
        except Exception as error:
            raise RestError(f"OCI gives nothing to sign with: {_line(error)}") from None

    return sign


def _by_key(profile: str, region: str) -> Login:
    file = os.environ.get("OCI_CLI_CONFIG_FILE", "") or oci.config.DEFAULT_LOCATION
    config = oci.config.from_file(file, profile)
    if region:
        config["region"] = region
    oci.config.validate_config(config)
    return Login(oci.signer.Signer.from_config(config), config["tenancy"], config["region"])


def _on_oracle() -> bool:
    """Whether this machine is Oracle's, by its firmware."""
    try:
        return DMI.read_text(encoding="ascii").strip() == ORACLE
    except (OSError, UnicodeDecodeError):
        return False


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
