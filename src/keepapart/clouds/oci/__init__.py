"""Oracle Cloud (OCI): `provider = "oci"`, by its REST API. docs/platforms/oci.md is the operator's guide.

One file a subject: `reading` (what is stated of instances), `asking` (changes, and what refusals mean),
`request` (what a launch says), `placing` (the fault domain), `cloud` (launch and release), `settings` (the
keys), `auth` (the credentials).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keepapart.clouds import Listing
from keepapart.clouds.listed import need, parse
from keepapart.clouds.oci.settings import Settings
from keepapart.errors import ConfigError
from keepapart.model import Instance

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest

VERSION = "20160918"  # of both APIs


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open OCI as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    if chosen.compartment and chosen.compartments and chosen.compartment not in chosen.compartments:
        raise ConfigError(
            "[cloud] compartment: it is none of compartments", "what is launched there would not be listed"
        )
    need("oci", "requests", "oci")
    from keepapart.clouds.oci.auth import found
    from keepapart.clouds.oci.cloud import OciCloud
    from keepapart.clouds.oci.reading import Tenancy
    from keepapart.clouds.rest import Mends, Rest

    login = found(chosen.auth, chosen.profile, chosen.region)
    mends = Mends(
        "look at ~/.oci/config, or `oci setup config`",
        "the policies that are needed are in docs/platforms/oci.md",
    )

    def opened(service: str) -> Rest:
        endpoint = f"{chosen.endpoint or login.endpoint(service)}/{VERSION}"
        return Rest("OCI", endpoint, login.signer, mends, timeout=chosen.timeout, tries=chosen.tries)

    tenancy = Tenancy(login.tenancy, login.region, opened("compute"), opened("identity"))
    return OciCloud(tenancy, chosen)
