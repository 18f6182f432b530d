"""Which platforms this machine is set up for, by the variables and files of their own tools.

Nothing is asked: it says that somebody set a tool up here, not that its credentials still hold. Where several
are seen, those set for this very shell come before those that a file has for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sign:
    """What shows a platform: `variables`, all of them set, or else a file or folder below the home folder."""

    provider: str
    variables: tuple[str, ...] = ()
    file: str = ""

    @property
    def by(self) -> str:
        """What it was seen by."""
        return " and ".join(self.variables) or f"~/{self.file}"

    @property
    def shown(self) -> str:
        """The same, as a shell would write it."""
        return " and ".join(f"${name}" for name in self.variables) or f"~/{self.file}"


SIGNS = (
    Sign("ec2", ("AWS_PROFILE",)),
    Sign("ec2", ("AWS_ACCESS_KEY_ID",)),
    Sign("ec2", ("AWS_ROLE_ARN",)),
    Sign("ec2", ("AWS_WEB_IDENTITY_TOKEN_FILE",)),
    Sign("openstack", ("OS_CLOUD",)),
    Sign("openstack", ("OS_AUTH_URL",)),
    Sign("proxmox", ("PROXMOX_VE_ENDPOINT", "PROXMOX_VE_API_TOKEN")),
    Sign("linode", ("LINODE_TOKEN",)),
    Sign("linode", ("LINODE_CLI_TOKEN",)),
    Sign("digitalocean", ("DIGITALOCEAN_TOKEN",)),
    Sign("digitalocean", ("DIGITALOCEAN_ACCESS_TOKEN",)),
    Sign("hetzner", ("HCLOUD_TOKEN",)),
    Sign("scaleway", ("SCW_SECRET_KEY",)),
    Sign("vultr", ("VULTR_API_KEY",)),
    Sign("google", ("GOOGLE_APPLICATION_CREDENTIALS",)),
    Sign("azure", ("AZURE_SUBSCRIPTION_ID",)),
    Sign("azure", ("ARM_SUBSCRIPTION_ID",)),
    Sign("oci", ("OCI_CLI_AUTH",)),
    Sign("oci", ("OCI_CLI_PROFILE",)),
    Sign("vsphere", ("GOVC_URL",)),
    Sign("vsphere", ("VSPHERE_SERVER",)),
    Sign("libvirt", ("LIBVIRT_DEFAULT_URI",)),
    Sign("kubernetes", ("KUBECONFIG",)),
    Sign("ec2", file=".aws/config"),
    Sign("ec2", file=".aws/credentials"),
    Sign("openstack", file=".config/openstack/clouds.yaml"),
    Sign("oci", file=".oci/config"),
    Sign("google", file=".config/gcloud/application_default_credentials.json"),
    Sign("kubernetes", file=".kube/config"),
)


def seen(environ: Mapping[str, str], home: Path) -> list[Sign]:
    """Return the platforms that are seen, each once, in the order of `SIGNS`."""
    found: dict[str, Sign] = {}
    for sign in SIGNS:
        there = (home / sign.file).exists() if sign.file else all(map(environ.get, sign.variables))
        if there:
            found.setdefault(sign.provider, sign)
    return list(found.values())
