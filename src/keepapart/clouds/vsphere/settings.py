"""The keys of `[cloud]` for vSphere, checked strictly: see `Settings`."""

from __future__ import annotations

from keepapart.clouds.listed import ListedSettings, Texts


class Settings(ListedSettings, frozen=True):
    """The keys of `[cloud]` for vSphere, beside those of every listing.

    1. `server` is a vCenter or an ESXi host: a name, a name and a port, or an address such as
       "https://vcenter.example.com/sdk". `user` is who asks; the password comes from the environment alone.
    2. `ca` is the file of the authority that the server's certificate is of. Without it, the certificate has
       to be one that this machine trusts, unless the variables of Terraform or govc say not to look.
    3. Instances are cloned from `template`, into `folder` and `resource_pool` and onto `datastore`, each by
       its name. Without them: the template's folder and datastores, and the root pool of the host's cluster.
    4. `hosts` are those that instances may be put on; without it, all of the template's cluster.
    5. With `drs_rule` members are put into a DRS anti-affinity rule, `keepapart-CLUSTER`.
    """

    server: str = ""
    user: str = ""
    ca: str = ""
    template: str = ""
    hosts: Texts = ()
    folder: str = ""
    resource_pool: str = ""
    datastore: str = ""
    drs_rule: bool = False
