"""What can be done on each platform, by command lines: a row for each, which `advice` puts together.

In a command line {id} is an instance, {group} a placement group of the cluster's own, {aws} the `aws ec2` of
the account that is configured. WORDS in capitals are the operator's to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Platform:
    """How one platform is worked.

    `find_out` says where its own lists show which host an instance is on; `start` starts a stopped instance,
    `wake` one in another state, by that; `prepare` is done once, and `move` for each instance that is to have
    another host, each step with what it is for. `promises` says what of it keeps instances apart, or states
    where they are; `provider` is what `[cloud] provider` reads that, where one does.
    """

    find_out: str = ""
    start: str = ""
    wake: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[tuple[str, str]] = ()
    move: Sequence[tuple[str, str]] = ()
    promises: str = ""
    provider: str = ""


EC2 = Platform(
    find_out='Dedicated Hosts, spread groups and partitions are stated: provider = "ec2" reads them',
    start="{aws} start-instances --instance-ids {id}",
    prepare=[
        (
            "{aws} create-placement-group --group-name {group} --strategy spread",
            "a spread group: those in it are apart from each other, not from others; at most 7 a zone",
        ),
    ],
    move=[
        (
            "{aws} stop-instances --instance-ids {id} && {aws} wait instance-stopped --instance-ids {id}",
            "one at a time, and only while a majority runs; what is on instance store is lost",
        ),
        ("{aws} modify-instance-placement --instance-id {id} --group-name {group}", "into the group"),
        (
            "{aws} start-instances --instance-ids {id} && {aws} wait instance-running --instance-ids {id}",
            "apart from all in the group; where it comes back to a host-mate, that one is to join it next",
        ),
    ],
    promises="spread groups, partitions and Dedicated Hosts are what EC2 promises or states of hosts",
    provider="ec2",
)
OPENSTACK = Platform(
    find_out="`openstack server show ID -f value -c hostId`: equal hash, same project, one host",
    start="openstack server start {id}",
    wake={"paused": "openstack server unpause {id}", "suspended": "openstack server resume {id}"},
    prepare=[
        (
            "openstack server group create --policy anti-affinity {group}",
            "for new ones: `openstack server create --hint group=UUID …`; a server can't join one later",
        ),
    ],
    move=[
        (
            "openstack server shelve --wait {id} && openstack server unshelve --wait {id}",
            "scheduled anew, which may be on the same host; administrators: `openstack server migrate`",
        ),
    ],
    promises="hostId tells hosts apart within one project",
    provider="openstack",
)
QEMU = Platform(
    find_out="the hypervisor's own list: `pvesh get /cluster/resources --type vm`, `virsh list` on each host,"
    " `openstack server show ID -c hostId`",
    start="virsh start {id}",
    wake={"paused": "virsh resume {id}"},
    move=[("virsh migrate --live {id} qemu+ssh://HOST/system", "on the host that it is on now")],
    promises="the hypervisor's own list knows the hosts: write each as `host` in [[instances]]",
)
VMWARE = Platform(
    find_out="vCenter: the host of each virtual machine",
    start="govc vm.power -on {id}",
    prepare=[
        (
            "govc cluster.rule.create -name {group} -enable -anti-affinity VM VM",
            "DRS then keeps them apart",
        )
    ],
    move=[("govc vm.migrate -host HOST {id}", "to a host that has no other member")],
    promises="vCenter knows the host of each",
    provider="vsphere",
)
PLATFORMS: Mapping[str, Platform] = {
    "ec2": EC2,
    "openstack": OPENSTACK,
    "qemu": QEMU,
    "libvirt": replace(QEMU, promises="the host of each domain is known", provider="libvirt"),
    "proxmox": Platform(
        find_out="`pvesh get /cluster/resources --type vm`: the node of each guest",
        start="qm start VMID",
        wake={"paused": "qm resume VMID", "suspended": "qm resume VMID"},
        prepare=[
            (
                "ha-manager rules add resource-affinity {group} --affinity negative --resources vm:ID,vm:ID",
                "Proxmox VE 9 then keeps them apart, where the guests are managed by HA",
            ),
        ],
        move=[("qm migrate VMID NODE --online", "{id} to a node that has no other member")],
        promises="the node of each guest is known",
        provider="proxmox",
    ),
    "vmware": VMWARE,
    "vsphere": VMWARE,
    "hyper-v": Platform(
        find_out="`Get-ClusterGroup`, or Hyper-V Manager: the owner node of each virtual machine",
        start="Start-VM -Name {id}",
        move=[("Move-ClusterVirtualMachineRole -Name {id} -Node NODE", "to a node that has no other member")],
        promises="the owner node of each is known: write each as `host` in [[instances]]",
    ),
    "xen": Platform(
        find_out="`xl list` on each host",
        move=[("xl migrate {id} HOST", "on the host that it is on now")],
        promises="`xl list` knows: write each host as `host` in [[instances]]",
    ),
    "hetzner": Platform(
        find_out="`hcloud placement-group describe GROUP`: servers of a spread group are on different hosts",
        start="hcloud server poweron {id}",
        prepare=[
            (
                "hcloud placement-group create --name {group} --type spread",
                "a spread group: those in it are apart from each other, at most 10",
            )
        ],
        move=[
            ("hcloud server shutdown {id}", "one at a time, and only while a majority runs"),
            (
                "hcloud server add-to-placement-group --placement-group {group} {id}",
                "into the group, once it is off",
            ),
            ("hcloud server poweron {id}", "it starts on another host, or not at all"),
        ],
        promises="servers of a spread placement group are on different hosts",
        provider="hetzner",
    ),
    "google": Platform(
        find_out="`gcloud compute instances describe NAME --format='value(resourceStatus.physicalHost)'`",
        start="gcloud compute instances start {id}",
        prepare=[
            (
                "gcloud compute resource-policies create group-placement {group}"
                " --availability-domain-count=8 --region=REGION",
                "a spread policy: at most 8 domains, on hardware of their own",
            )
        ],
        move=[
            ("gcloud compute instances stop {id}", "one at a time, and only while a majority runs"),
            (
                "gcloud compute instances add-resource-policies {id} --resource-policies={group}",
                "into the policy",
            ),
            ("gcloud compute instances start {id}", "it starts on other hardware"),
        ],
        promises="hosts are known where Google shows them, and so are domains of spread policies",
        provider="google",
    ),
    "azure": Platform(
        find_out="`az vm get-instance-view -g GROUP -n NAME --query 'platformFaultDomain'`",
        start="az vm start --resource-group GROUP --name {id}",
        move=[
            (
                "az vm deallocate --resource-group GROUP --name {id}",
                "one at a time, and only while a majority runs",
            ),
            (
                "az vm start --resource-group GROUP --name {id}",
                "placed anew, which may be on the same host; an availability set is joined only at creation",
            ),
        ],
        promises="fault domains of an availability set, and dedicated hosts, are known",
        provider="azure",
    ),
    "oracle": Platform(
        find_out="`oci compute instance get --instance-id OCID --query 'data.\"fault-domain\"'`",
        start="oci compute instance action --action START --instance-id OCID",
        move=[
            (
                "oci compute instance update --instance-id OCID --fault-domain FAULT-DOMAIN-2",
                "{id} to a fault domain that has no other member; it restarts",
            )
        ],
        promises="fault domains within an availability domain, and dedicated hosts, are known",
        provider="oci",
    ),
    "digitalocean": Platform(
        find_out="`doctl compute droplet neighbors ID`: the droplets of yours on the same host",
        start="doctl compute droplet-action power-on ID",
        promises="droplets on one host are known",
        provider="digitalocean",
    ),
    "linode": Platform(
        find_out="`linode-cli linodes view ID --json`: equal host_uuid, one host",
        start="linode-cli linodes boot {id}",
        promises="the host of every instance is known",
        provider="linode",
    ),
    "scaleway": Platform(
        find_out="`scw instance server get ID -o json`: equal hypervisor_id in its location, one host",
        start="scw instance server start {id}",
        promises="the hypervisor of every instance is known",
        provider="scaleway",
    ),
    "vultr": Platform(
        find_out="the API's /v2/instances/ID/neighbors: the instances of yours on the same host",
        start="vultr-cli instance start {id}",
        promises="instances on one host are known",
        provider="vultr",
    ),
}
NONE = Platform(promises="where you know the hosts, write each as `host` in [[instances]]")
