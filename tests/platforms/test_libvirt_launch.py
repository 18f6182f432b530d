"""Launching on libvirt: a domain like the template on a chosen host, against daemons with the test driver."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keepapart.admit import move
from keepapart.cli import main
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, NOTE, ROLE_TAG, RUNNING, LaunchRequest, Listing
from keepapart.clouds import connect as connected
from keepapart.clouds.libvirt import definition
from keepapart.clouds.libvirt.definition import Volume
from keepapart.clouds.once import name_of, uuid_of
from keepapart.errors import CapacityError, CloudError, ConfigError, DeniedError, NotFoundError, RefusedError
from keepapart.testing.clouds import CLOUD_RULES, CloudRule, CloudUnderTest
from tests.platforms import killed, libvirt_double
from tests.platforms.killed import example
from tests.platforms.libvirt_double import CHANGES, CREATE, DEFINE, HOSTS, VOLUME, Machines

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "libvirt.md"
ORDERS = {CLUSTER_TAG: "orders"}
IDS = [f"6695eb01-f6a4-8304-79aa-97f2502e19{n:02}" for n in range(10)]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Yield the daemons."""
    with libvirt_double.serving(tmp_path_factory.mktemp("lv")) as machines:
        yield machines


@pytest.fixture
def machines(daemons: Machines) -> Machines:
    """Return three hosts with the template and a stranger each."""
    daemons.clear()
    return daemons


def opened(machines: Machines, **settings: Any) -> Any:
    """Open the cloud with a template."""
    return connected("libvirt", {"hosts": machines.uris, "template": "debian", "tries": 1, **settings}, ())


def request(cloud: Any, **more: str) -> LaunchRequest:
    """Return a launch of cluster "orders"."""
    return LaunchRequest("t", {**ORDERS, ROLE_TAG: CANDIDATE, **more}, dict(cloud.parameters(ORDERS)))


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, machines: Machines) -> None:
    """libvirt is a cloud like any other: with hosts that go dark, full pools, and answers that are lost."""

    def ordered(*words: object) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def going(_: Listing) -> Iterator[None]:
            machines.order(*words)
            yield
            machines.order("clear")

        return going

    @contextmanager
    def full(_: Listing) -> Iterator[None]:
        machines.fill()
        yield
        for asked in machines.directly.values():
            asked.storagePoolLookupByName("default-pool").storageVolLookupByName("filling").delete()

    @contextmanager
    def refused(_: Listing) -> Iterator[None]:
        for asked in machines.directly.values():
            asked.lookupByName("debian").undefine()
        yield

    with CloudUnderTest(
        lambda: opened(machines),
        unknown=IDS[9],
        full=full,
        refused=refused,
        failing=ordered("dark"),
        cut_short=ordered("dark"),
        unanswered=ordered("lose", DEFINE, CREATE, VOLUME),
        patience=20.0,
    ) as it:
        rule(it)
    assert not machines.domains()
    assert not any(machines.volumes().values())


def test_the_host_is_chosen_so_that_one_launch_is_enough(machines: Machines) -> None:
    """No host with a member serves, whether that one runs or not; a candidate's comes last."""
    cloud = opened(machines)
    machines.define("a", "db-0", IDS[0], cluster="orders", role="member")
    machines.define("b", "db-1", IDS[1], cluster="orders", role="member", runs=False)
    machines.define("c", "db-2", IDS[2], cluster="orders-2", role="member")
    where = machines.uri("c")
    assert cloud.foresee(ORDERS) == f"on host {where}, which has no member: one launch is enough"
    found = cloud.launch(request(cloud))
    assert (found.state, found.facts["host"]) == (RUNNING, where)
    machines.directly["a"].lookupByName("db-0").destroy()
    machines.directly["a"].lookupByName("db-0").undefine()
    assert cloud.parameters(ORDERS)["host"] == machines.uri("a")


def test_where_every_host_has_a_member_nothing_is_launched(machines: Machines) -> None:
    """Launching can't help there: that is the error, and the mend."""
    cloud = opened(machines, hosts=[machines.uri("a")])
    machines.define("a", "db-0", IDS[0], cluster="orders", role="member")
    with pytest.raises(CloudError, match=r"has a member already: .*; add a host"):
        cloud.parameters(ORDERS)


def test_a_new_domain_is_like_the_template_with_what_must_be_its_own(machines: Machines) -> None:
    """Its tags, and an overlay of the disk, which goes with it; and nothing else goes."""
    cloud = opened(machines)
    made = cloud.launch(request(cloud, stage="two"))
    ((name, (host, text)),) = machines.domains().items()
    assert (name, made.id) == (name_of("t"), uuid_of("t"))
    assert made.tags == {**ORDERS, ROLE_TAG: CANDIDATE, "stage": "two"}
    assert f'<source pool="default-pool" volume="{name}-vda"' in text.replace("'", '"')
    volume = machines.directly[host].storageVolLookupByPath(f"/default-pool/{name}-vda").XMLDesc()
    assert "<path>/default-pool/debian.qcow2</path>" in volume
    machines.volume(host, f"{name}-vdb")
    cloud.terminate(made.id)
    assert (machines.domains(), machines.volumes()[host]) == ({}, [f"{name}-vdb"])
    assert machines.directly[host].storageVolLookupByPath("/default-pool/debian.qcow2")
    assert machines.directly[host].lookupByName("test").isActive()


def test_a_domain_that_was_made_by_hand_leaves_its_disks(machines: Machines) -> None:
    """They were not made for it by us: they may hold what is still wanted."""
    disk = libvirt_double.DISK.format(pool="default-pool", base="own.qcow2")
    machines.volume("a", "own.qcow2")
    machines.define("a", "db-0", IDS[0], devices=disk, cluster="orders", role="member")
    opened(machines).terminate(IDS[0])
    assert (machines.domains(), machines.volumes()["a"]) == ({}, ["own.qcow2"])


def test_what_is_defined_and_lacks_its_disk_is_gone_on_with(machines: Machines) -> None:
    """A launch that broke off after the definition is listed by its tags, and the same token finishes it."""
    cloud = opened(machines)
    wanted = request(cloud)
    machines.order("lose", DEFINE)
    with pytest.raises(CloudError):
        cloud.launch(wanted)
    machines.order("clear")
    (found,) = cloud.instances(ORDERS)
    assert (found.id, found.state, any(machines.volumes().values())) == (uuid_of("t"), "stopped", False)
    assert cloud.launch(wanted).state == RUNNING
    assert sorted(map(len, machines.volumes().values())) == [0, 0, 1]


def test_a_start_makes_what_a_launch_left_out(machines: Machines) -> None:
    """What was defined and never started is started by its id alone, as any stopped one: with its disk."""
    cloud = opened(machines)
    machines.order("lose", DEFINE)
    with pytest.raises(CloudError):
        cloud.launch(request(cloud))
    machines.order("clear")
    for _ in range(2):
        cloud.start(uuid_of("t"))
    assert cloud.describe([uuid_of("t")])[uuid_of("t")].state == RUNNING
    ((_, (host, _)),) = machines.domains().items()
    assert machines.volumes()[host] == [f"{name_of('t')}-vda"]
    cloud.stop(uuid_of("t"))
    machines.directly[host].storageVolLookupByPath(f"/default-pool/{name_of('t')}-vda").delete()
    cloud.start(uuid_of("t"))
    assert not machines.volumes()[host], "a disk with data that is gone isn't replaced by an empty one"


def test_no_room_leaves_nothing(machines: Machines) -> None:
    """A full pool is told once the domain is gone again."""
    cloud = opened(machines)
    machines.fill()
    with pytest.raises(CapacityError, match="Not enough free space"):
        cloud.launch(request(cloud))
    assert not machines.domains()


@pytest.mark.parametrize(("name", "uuid"), [(name_of("t"), IDS[0]), ("web", uuid_of("t"))])
def test_a_stranger_with_the_id_or_the_name_is_left_alone(machines: Machines, name: str, uuid: str) -> None:
    """Its launch is refused, so that the next token is tried; nothing happens to the stranger."""
    machines.define("b", name, uuid, cluster="orders-2")
    before = machines.domains()
    with pytest.raises(RefusedError, match="isn't ours"):
        cloud = opened(machines)
        cloud.launch(request(cloud))
    assert machines.domains() == before


def test_a_read_only_connection_launches_nothing(machines: Machines) -> None:
    """It is denied, not waited for; listing by it goes on."""
    machines.define("a", "db-0", IDS[0], cluster="orders", role="member")
    cloud = opened(machines, hosts=[machines.uri("a", "a/libvirt-sock-ro")])
    assert [one.id for one in cloud.instances(ORDERS)] == [IDS[0]]
    with pytest.raises(DeniedError, match=r"docs/platforms/libvirt\.md"):
        cloud.stop(IDS[0])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"template": ""}, "[cloud] template: none is set"),
        ({"template": "debain"}, "no host has a domain 'debain'; `virsh list --all`"),
        ({"template": "test"}, "'test' runs on test+unix"),
        ({"tempalte": "debian"}, "did you mean 'template'?"),
    ],
)
def test_a_wrong_key_names_the_mend(settings: dict[str, Any], says: str, machines: Machines) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    with pytest.raises(ConfigError) as wrong:
        opened(machines, **settings).parameters(ORDERS)
    assert says in str(wrong.value)


def ran(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


@pytest.fixture
def configured(machines: Machines, tmp_path: Path) -> Path:
    """Return the configuration of the page, for these hosts."""
    path, text = tmp_path / "keepapart.toml", example(PAGE)
    for host, number in zip(HOSTS, (1, 2, 3), strict=True):
        text = text.replace(f"qemu+ssh://root@h{number}/system", machines.uri(host))
    path.write_text(f'{text}[store]\nurl = "sqlite:///{tmp_path}/keepapart.db"\n', encoding="utf-8")
    return path


def test_a_cluster_is_built_with_one_launch_for_each_member(configured: Path, machines: Machines) -> None:
    """Three hosts, three members, three launches; a fourth can't be had, and nothing is left behind."""
    code, document = ran(configured, "admit", "--count", "3")
    assert (code, document["attempts"], len(document["admitted"])) == (0, 3, 3)
    assert sorted(host for host, _ in machines.domains().values()) == list(HOSTS)
    assert all('role="member"' in text for _, text in machines.domains().values())
    before = machines.domains()
    assert (ran(configured, "admit")[0], machines.domains()) == (4, before)
    code, document = ran(configured, "audit", "--stated")
    assert (code, {pair["strength"] for pair in document["pairs"]}) == (0, {"conclusive"})
    assert ran(configured, "gc")[1]["found"] == []


def shared(machines: Machines, number: int, host: str, *others: str) -> None:
    """Make a member whose disk these others have as well."""
    for each in (host, *others):
        machines.volume(each, f"db-{number}.qcow2")
    disk = libvirt_double.DISK.format(pool="default-pool", base=f"db-{number}.qcow2")
    machines.define(host, f"db-{number}", IDS[number], devices=disk, cluster="orders", role="member")


def test_a_member_moves_to_a_host_of_its_own(configured: Path, machines: Machines) -> None:
    """It is stopped, defined on the other host and no more on its own, and keeps its id, name and disk."""
    shared(machines, 0, "a")
    shared(machines, 1, "a", "c")
    machines.define("b", "db-2", IDS[2], cluster="orders", role="member")
    machines.directly["a"].lookupByName("db-1").setAutostart(1)
    code, document = ran(configured, "move", "--yes", IDS[1])
    assert (code, document["moved"]) == (0, [IDS[1]])
    assert {name: host for name, (host, _) in machines.domains().items()} == dict(
        zip(("db-0", "db-1", "db-2"), "acb", strict=True)
    )
    moved = machines.directly["c"].lookupByName("db-1")
    assert (moved.isActive(), moved.autostart(), moved.UUIDString()) == (1, 1, IDS[1])
    assert "db-1.qcow2" in machines.volumes()["a"]


@pytest.mark.parametrize(("others", "says"), [("", "disk vda isn't known on"), ("b", "has a member already")])
def test_nobody_is_stopped_whom_no_stop_would_move(
    configured: Path, machines: Machines, others: str, says: str
) -> None:
    """Its disk is on its host alone, or no host is free: it runs on, and the reason is told."""
    shared(machines, 0, "a")
    shared(machines, 1, "a", *others)
    for number, host in enumerate("bc" if others else "c", 2):
        machines.define(host, f"db-{number}", IDS[number], cluster="orders", role="member")
    code, document = ran(configured, "move", "--yes", IDS[1])
    assert (code, says in json.dumps(document)) == (1, True)
    assert machines.directly["a"].lookupByName("db-1").isActive()


def test_a_file_that_merely_has_the_same_path_is_not_the_disk(machines: Machines) -> None:
    """A stopped member isn't started with another one's data: what tells the files apart is looked at."""
    shared(machines, 0, "a")
    machines.volume("c", "db-0.qcow2", size=2**20)
    cloud = opened(machines)
    machines.directly["a"].lookupByName("db-0").destroy()
    with pytest.raises(RefusedError, match="disk vda isn't the same on both"):
        cloud.place(IDS[0], {"host": machines.uri("c")})
    assert machines.domains()["db-0"][0] == "a"


def test_what_is_under_a_disk_has_to_be_there_too(machines: Machines) -> None:
    """An overlay goes nowhere without the template's disk: one of the same path that is another isn't it."""
    cloud = opened(machines)
    made = cloud.launch(request(cloud)).id
    ((name, (host, _)),) = machines.domains().items()
    overlay = machines.directly[host].storageVolLookupByPath(f"/default-pool/{name}-vda").XMLDesc()
    other, another = (each for each in HOSTS if each != host)
    for each in (other, another):
        machines.directly[each].storagePoolLookupByName("default-pool").createXML(overlay)
    base = machines.directly[other].storageVolLookupByPath("/default-pool/debian.qcow2")
    base.delete()
    machines.define(host, "db-0", IDS[0], cluster="orders", role="member")
    assert cloud.placement(made, ORDERS)["host"] == machines.uri(another)
    machines.volume(other, "debian.qcow2", size=2**20)
    cloud.stop(made)
    with pytest.raises(RefusedError, match="disk vda isn't the same on both"):
        cloud.place(made, {"host": machines.uri(other)})
    cloud.place(made, {"host": machines.uri(another)})
    assert machines.domains()[name][0] == another


def test_a_named_host_is_taken_or_refused(machines: Machines) -> None:
    """A machine's name or its address is taken; one with a member, or one that isn't there, is refused."""
    shared(machines, 0, "a", "b", "c")
    machines.define("b", "db-1", IDS[1], cluster="orders", role="member")
    cloud = opened(machines)
    assert cloud.placement(IDS[0], ORDERS, machines.uri("c"))["host"] == machines.uri("c")
    for host, says in ((machines.uri("b"), "has a member already"), ("h9", "is no host that may be used")):
        with pytest.raises(RefusedError, match=says):
            cloud.placement(IDS[0], ORDERS, host)
    assert set(cloud.placement(IDS[0], ORDERS)) == {NOTE}


def test_a_move_that_broke_off_ends_with_one_definition(machines: Machines) -> None:
    """Defined on both hosts, it is the same member; placing it again forgets the first."""
    shared(machines, 0, "a", "c")
    cloud = opened(machines)
    machines.directly["a"].lookupByName("db-0").destroy()
    text = machines.directly["a"].lookupByName("db-0").XMLDesc()
    machines.directly["c"].defineXML(text)
    assert [one.id for one in cloud.instances(ORDERS)] == [IDS[0]]
    for _ in range(2):
        cloud.place(IDS[0], {"host": machines.uri("c")})
        assert machines.domains()["db-0"][0] == "c"
    with pytest.raises(NotFoundError):
        cloud.place(IDS[1], {"host": machines.uri("c")})


def test_restarting_rejects_is_refused_with_the_reason(configured: Path, machines: Machines) -> None:
    """Stop and start move nothing here, so a reject would land on its host for ever."""
    text = configured.read_text(encoding="utf-8")
    configured.write_text(f'{text}[launch]\non_reject = "restart"\n', encoding="utf-8")
    err = io.StringIO()
    with redirect_stderr(err):
        assert main(["-c", str(configured), "admit"]) == 2
    assert 'a domain that is stopped and started stays on its host; say "hold"' in err.getvalue()
    assert not machines.domains()


def test_a_move_that_is_killed_at_any_arrow_ends_with_one_running_member(
    configured: Path, machines: Machines, tmp_path: Path
) -> None:
    """Going on with it, the member runs on the other host, is defined nowhere else, and has its disk."""

    def packed() -> None:
        machines.clear()
        shared(machines, 0, "a")
        shared(machines, 1, "a", "c")
        machines.define("b", "db-2", IDS[2], cluster="orders", role="member")

    def work(on_arrow: Callable[[str], None]) -> None:
        with killed.opened(configured, on_arrow) as (context, asks):
            move(context, asks, [IDS[1]])

    def again() -> None:
        with killed.opened(configured) as (context, asks):
            assert move(context, asks, [IDS[1]]).code == 0
        having = [host for host, asked in machines.directly.items() if "db-1" in asked.listDefinedDomains()]
        assert (having, machines.domains()["db-1"][0]) == ([], "c")
        assert machines.directly["c"].lookupByName("db-1").isActive()
        assert {name: host for name, (host, _) in machines.domains().items()} == {
            "db-0": "a",
            "db-1": "c",
            "db-2": "b",
        }
        assert "db-1.qcow2" in machines.volumes()["a"] and "db-1.qcow2" in machines.volumes()["c"]
        (tmp_path / "keepapart.db").unlink()
        packed()

    packed()
    assert killed.arrows(work, again, tmp_path, step=8) > 15


@pytest.mark.parametrize("lost", [(), CHANGES], ids=["answered", "unanswered"])
def test_killed_at_any_arrow_nothing_is_lost_nor_doubled(
    configured: Path, machines: Machines, lost: tuple[int, ...], tmp_path: Path
) -> None:
    """Whatever is lost, and wherever the process dies: two members in the end, each on a host of its own."""
    decoys = {"ka-0123456789abcdef0123", "orders-1"}
    machines.define("a", "ka-0123456789abcdef0123", IDS[0])
    machines.define("b", "orders-1", IDS[1], cluster="orders-2", role="candidate", run="run-of-another")
    machines.volume("a", "ka-0123456789abcdef0123-vda")

    def work(on_arrow: Callable[[str], None]) -> None:
        killed.admitted(configured, 2, on_arrow)

    def again() -> None:
        machines.order("clear")
        assert killed.admitted(configured, 2) == 0
        assert killed.swept(configured) == []
        there = machines.domains()
        members = {name for name, (_, text) in there.items() if 'role="member"' in text} - decoys
        assert there.keys() - members == decoys
        assert len(members) == len({there[name][0] for name in members}) == 2
        volumes = [name for names in machines.volumes().values() for name in names]
        assert sorted(volumes) == sorted([*(f"{one}-vda" for one in members), "ka-0123456789abcdef0123-vda"])
        with killed.opened(configured) as (context, _):
            for name in members:
                context.cloud.terminate(machines.directly[there[name][0]].lookupByName(name).UUIDString())
        (tmp_path / "keepapart.db").unlink()
        machines.order("lose", *lost)

    machines.order("lose", *lost)
    assert killed.arrows(work, again, tmp_path, step=23 if lost else 13) > 30


TEMPLATE = """<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>debian</name><uuid>{0}</uuid><genid>{0}</genid>
  <metadata><app:info xmlns:app='urn:app'/>
    <ka:tags xmlns:ka='urn:keepapart:1' cluster='web' role='member'/></metadata>
  <sysinfo type='smbios'><system><entry name='uuid'>{0}</entry>
    <entry name='serial'>s</entry></system></sysinfo>
  <os firmware='efi'><nvram template='/usr/share/vars.fd'>/qemu/nvram/debian_VARS.fd</nvram></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/images/debian.raw'/>
      <backingStore/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><source file='/images/seed.iso'/><target dev='sda'/><readonly/></disk>
    <disk type='file' device='disk'><source file='/images/shared.raw'/><target dev='vdb'/><shareable/></disk>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>
  </devices>
  <qemu:commandline><qemu:arg value='-snapshot'/></qemu:commandline>
</domain>""".format(IDS[0])


def test_nothing_that_is_one_domains_alone_is_copied() -> None:
    """UUIDs, hardware addresses, the NVRAM and the template's own tags; what is read only or shared stays."""
    bases = {"vda": Volume("images", "debian.raw")}
    text = definition.made(TEMPLATE, "ka-1", IDS[1], {"cluster": "orders"}, bases)
    for own in (IDS[0], "52:54:00:00:00:01", "debian_VARS", 'role="member"', "genid"):
        assert own not in text
    for kept in ("urn:app", "serial", "-snapshot", "/usr/share/vars.fd", "br0", 'cluster="orders"'):
        assert kept in text
    vda, cdrom, shared = definition.disks(text)
    assert (vda.volume, vda.path) == (Volume("images", "ka-1-vda"), "")
    assert (cdrom.path, shared.path) == ("/images/seed.iso", "/images/shared.raw")
    assert definition.beside(text) == [Volume("images", "ka-1-vda")]
    assert definition.beside(text.replace(">ka-1<", ">web<")) == []
    assert [disk.own for disk in definition.disks(TEMPLATE)] == [True, False, False]
    overlay = definition.volume_definition(
        Volume("images", "ka-1-vda"),
        "<volume><capacity>7</capacity><target><format type='raw'/></target></volume>",
        "/images/debian.raw",
    )
    assert '<path>/images/debian.raw</path><format type="raw" />' in overlay
    assert '<target><format type="qcow2" /></target>' in overlay


@pytest.mark.parametrize("tags", [{"a b": "c"}, {"role": "x"}, {"keepapart:nothing": "x"}, {"a": "\x1b"}])
def test_a_tag_that_no_domain_can_hold_is_refused(tags: dict[str, str]) -> None:
    """Names aren't mangled, and no word of keepapart's own is anybody else's."""
    with pytest.raises(RefusedError, match="libvirt: no tag can"):
        definition.labels(tags)
