"""What Hetzner Cloud, DigitalOcean and Linode each have of their own when they launch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keepapart.admit import move
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, MEMBER, NOTE, ROLE_TAG, LaunchRequest, one_call
from keepapart.clouds.digitalocean.cloud import DigitalOceanCloud
from keepapart.clouds.hetzner.cloud import HetznerCloud
from keepapart.clouds.linode.cloud import LinodeCloud
from keepapart.clouds.once import name_of
from keepapart.clouds.one_call import OneCallCloud
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance
from keepapart.testing.checker import TruthfulChecker
from tests.platforms import digitalocean_stub, hetzner_stub, killed, linode_stub
from tests.platforms.digitalocean_stub import DigitalOcean
from tests.platforms.hetzner_stub import Hetzner
from tests.platforms.linode_stub import Linode
from tests.platforms.stub import Call, Reply
from tests.platforms.test_one_call import configured, ran

ORDERS = {CLUSTER_TAG: "orders"}


def at_hetzner(account: Hetzner, **settings: Any) -> HetznerCloud:
    """Open Hetzner Cloud with something to launch."""
    found = account.open(**{**hetzner_stub.WHAT, **settings})
    assert isinstance(found, HetznerCloud)
    return found


def at_digitalocean(account: DigitalOcean, **settings: Any) -> DigitalOceanCloud:
    """Open DigitalOcean with something to launch."""
    found = account.open(**{**digitalocean_stub.WHAT, **settings})
    assert isinstance(found, DigitalOceanCloud)
    return found


def at_linode(account: Linode, **settings: Any) -> LinodeCloud:
    """Open Linode with something to launch."""
    found = account.open(**{**linode_stub.WHAT, **settings})
    assert isinstance(found, LinodeCloud)
    return found


def request(cloud: OneCallCloud, token: str) -> LaunchRequest:
    """Return a launch of cluster "orders"."""
    return LaunchRequest(token, {**ORDERS, ROLE_TAG: CANDIDATE}, dict(cloud.parameters(ORDERS)))


def launched(cloud: OneCallCloud, token: str) -> Instance:
    """Launch, and ask again until it is settled what came of it."""
    wanted = request(cloud, token)
    for _ in range(200):
        try:
            return cloud.launch(wanted)
        except UnsettledError:
            pass
    raise AssertionError("it stays unsettled")


def test_ten_go_into_a_group_and_the_next_into_another(hetzner: Hetzner) -> None:
    """A group of the cluster's own is made when one is missing; each server in it is on a host of its own."""
    hetzner.hosts = 12
    cloud = at_hetzner(hetzner)
    assert cloud.foresee(ORDERS) == "in spread group keepapart-orders, to be made"
    assert not hetzner.groups
    for number in range(11):
        launched(cloud, f"token-{number}")
    first, second = sorted(hetzner.groups.values(), key=lambda group: str(group["name"]))
    assert (first["name"], len(first["servers"])) == ("keepapart-orders", 10)
    assert (second["name"], len(second["servers"])) == ("keepapart-orders-2", 1)
    assert len({hetzner.on[one] for one in first["servers"]}) == 10
    assert cloud.foresee(ORDERS) == "in spread group keepapart-orders-2"


def test_a_group_that_is_full_by_the_platforms_word_alone_is_left(
    hetzner: Hetzner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may count who was just deleted: the launch is refused, and the next one goes into another group."""
    monkeypatch.setattr(hetzner_stub, "MOST", 1)
    cloud = at_hetzner(hetzner)
    launched(cloud, "one")
    with pytest.raises(RefusedError, match=r"already 1 servers .*; the next launch goes into another group"):
        launched(cloud, "two")
    assert cloud.parameters(ORDERS)[NOTE] == "in spread group keepapart-orders-2"
    named = at_hetzner(hetzner, placement_group="keepapart-orders")
    with pytest.raises(RefusedError, match=r"name another one as .cloud. placement_group"):
        launched(named, "three")


def test_hosts_that_all_have_a_member_are_no_room(hetzner: Hetzner, linode: Linode) -> None:
    """The group is kept: a launch beside it would be on a host with a member."""
    for cloud, account in ((at_hetzner(hetzner), hetzner), (at_linode(linode), linode)):
        account.hosts = 1
        launched(cloud, "one")
        with pytest.raises(CapacityError):
            launched(cloud, "two")
        assert "in spread group" in cloud.parameters(ORDERS)[NOTE]


def test_a_server_whose_first_start_fails_is_deleted_and_refused(
    hetzner: Hetzner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no reason of room or quota is said of won't be launched so: the next attempt is another."""
    monkeypatch.setitem(hetzner_stub.CODES, "odd", ("unknown_error", "unknown error", 500))
    cloud = at_hetzner(hetzner)
    with hetzner.troubled("odd", late=True), pytest.raises(RefusedError, match="create_server failed: unkn"):
        launched(cloud, "one")
    assert hetzner.left == []


def test_a_member_that_shares_a_host_is_moved_into_the_group(hetzner: Hetzner, tmp_path: Path) -> None:
    """Off, into the group, on: it keeps its id. One that is there already has nowhere to go."""
    hetzner.slots = 2
    for number in (101, 102, 103):
        hetzner.add(number, private_net=[])
        hetzner.placed(number)
    assert hetzner.on == {101: 0, 102: 0, 103: 1}
    path = configured(tmp_path / "keepapart.toml", "hetzner", hetzner.endpoint)
    hetzner.slots = 1
    with killed.opened(path) as (context, _):
        told = move(context, TruthfulChecker(hetzner), ["102"])
        assert (told.code, told.moved, told.stops) == (0, ("102",), 1)
        assert hetzner.on == {101: 0, 102: 2, 103: 1}
        hetzner.on[102] = 0
        again = move(context, TruthfulChecker(hetzner), ["102"])
        assert (again.code, again.stops) == (1, 0)
        assert "nothing would move it: in spread group keepapart-orders" in again.because


def test_a_member_of_another_group_is_taken_out_of_it(hetzner: Hetzner) -> None:
    """A server is in one group at most; one that is in the cluster's own has nowhere to go."""
    hetzner.add(101, status="off")
    hetzner.group(7, 101)
    cloud = at_hetzner(hetzner)
    chosen = cloud.placement("101", ORDERS)
    hetzner.slow = True
    for doing in ("remove_from", "add_to"):
        with pytest.raises(UnsettledError, match=f"{doing}_placement_group of 101 is at work"):
            cloud.place("101", chosen)
    cloud.place("101", chosen)
    assert hetzner.things[0]["placement_group"]["name"] == "keepapart-orders"
    assert hetzner.groups[7]["servers"] == []
    assert dict(cloud.placement("101", ORDERS)) == {NOTE: "in spread group keepapart-orders"}
    with pytest.raises(RefusedError, match="hosts can't be chosen at Hetzner Cloud"):
        cloud.placement("101", ORDERS, "node-1")


def test_who_does_not_listen_has_its_plug_pulled_when_asked_again(
    hetzner: Hetzner, digitalocean: DigitalOcean, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operating system has a minute to shut down."""
    for cloud, account in ((at_hetzner(hetzner), hetzner), (at_digitalocean(digitalocean), digitalocean)):
        one = account.add(101, deaf=True)
        for within, states in ((60.0, ("running", "active")), (0.0, ("off",))):
            monkeypatch.setattr(one_call, "LISTENS_WITHIN", within)
            for _ in range(2):
                cloud.stop("101")
            assert one["status"] in states


def test_a_protected_server_is_named_with_what_takes_the_protection_off(hetzner: Hetzner) -> None:
    """Asking again is of no use."""
    hetzner.add(101, protection={"delete": True})
    with pytest.raises(DeniedError, match=r"protected.*; `hcloud server disable-protection` takes it off"):
        at_hetzner(hetzner).terminate("101")


def test_a_droplet_without_tags_is_ours_by_its_name_and_gets_them(digitalocean: DigitalOcean) -> None:
    """Tags are applied after a droplet is made, and may not be: it never stays without its owner's name."""
    digitalocean.untagged = True
    cloud = at_digitalocean(digitalocean)
    found = launched(cloud, "one")
    assert cloud.describe([found.id])[found.id].tags.items() >= {**ORDERS, ROLE_TAG: CANDIDATE}.items()


def test_a_service_that_is_unavailable_is_not_a_size_that_is(digitalocean: DigitalOcean) -> None:
    """Nobody knows what came of that call: it isn't made again before it is sure that nothing did."""
    cloud = at_digitalocean(digitalocean)
    wanted = request(cloud, "one")
    before = digitalocean.answer

    def down(call: Call) -> Reply:
        done = before(call)
        return done if call.method == "GET" else Reply({"message": "Service Unavailable"}, 503)

    digitalocean.answer = down
    with pytest.raises(CloudError, match="503") as told:
        cloud.launch(wanted)
    assert not isinstance(told.value, CapacityError)
    digitalocean.answer = before
    assert launched(cloud, "one").id == str(digitalocean.things[0]["id"])
    assert len(digitalocean.things) == 1


def test_a_droplet_with_some_of_its_tags_is_not_launched_again(digitalocean: DigitalOcean) -> None:
    """They may be applied one after the other, and nothing but the tags keeps a second one away."""
    digitalocean.add(1000, name=name_of("one"), tags=["keepapart:role:candidate"], status="new")
    digitalocean.steps = 99
    cloud = at_digitalocean(digitalocean)
    wanted = replace(request(cloud, "one"), sent=1000.0)
    with pytest.raises(UnsettledError):
        cloud.launch(wanted)
    digitalocean.things[0]["status"] = "active"
    assert cloud.launch(wanted).id == "1000"
    assert sorted(digitalocean.things[0]["tags"]) == ["keepapart:cluster:orders", "keepapart:role:candidate"]


def test_a_stranger_of_the_name_is_left_alone(hetzner: Hetzner, linode: Linode) -> None:
    """Its launch is refused, so that the next token is tried; nothing happens to the stranger."""
    hetzner.add(101, name=name_of("one"), labels={"keepapart/cluster": "orders-2"})
    linode.add(101, label=name_of("one"), tags=["keepapart:cluster=orders-2"])
    for cloud, account in ((at_hetzner(hetzner), hetzner), (at_linode(linode), linode)):
        before = account.shown()
        with pytest.raises(RefusedError, match="isn't ours"):
            launched(cloud, "one")
        assert account.shown() == before


def test_of_two_droplets_of_one_token_the_older_one_is_taken(digitalocean: DigitalOcean) -> None:
    """Names may be had twice; the other has the tags of the attempt too, and is released as a stray."""
    tags = ["keepapart:cluster:orders", "keepapart:role:candidate"]
    for number in (1000, 999):
        digitalocean.add(number, name=name_of("one"), tags=tags)
    assert launched(at_digitalocean(digitalocean), "one").id == "999"


def test_a_droplet_that_could_not_be_made_is_deleted_and_is_no_room(digitalocean: DigitalOcean) -> None:
    """Its action says so, where it doesn't vanish."""
    digitalocean.errored = True
    cloud = at_digitalocean(digitalocean)
    with digitalocean.no_room(late=True), pytest.raises(CapacityError, match="couldn't be made"):
        launched(cloud, "one")
    assert digitalocean.left == []


def test_a_launch_is_settled_once_neighbours_are_told(digitalocean: DigitalOcean) -> None:
    """What the report says of a new droplet isn't believed, so nothing is judged before."""
    digitalocean.age = 0.0
    digitalocean.steps = 0
    with pytest.raises(UnsettledError, match=r"who is beside .* isn't told of a new droplet") as waits:
        at_digitalocean(digitalocean).launch(request(at_digitalocean(digitalocean), "one"))
    assert waits.value.seconds and 290 < waits.value.seconds <= 300


def test_a_tag_takes_the_place_of_the_one_before(digitalocean: DigitalOcean, linode: Linode) -> None:
    """Of flat tags there may be two for one word: a member has one, and others' words stay."""
    for cloud, account in ((at_digitalocean(digitalocean), digitalocean), (at_linode(linode), linode)):
        one = account.add(101)
        between = "=" if cloud.name == "linode" else ":"
        one["tags"] = [f"keepapart:cluster{between}orders", f"keepapart:role{between}candidate", "web"]
        digitalocean.tags |= set(one["tags"])
        cloud.tag("101", {ROLE_TAG: MEMBER})
        wanted = [f"keepapart:cluster{between}orders", f"keepapart:role{between}member", "web"]
        assert sorted(one["tags"]) == wanted
    digitalocean.things[0]["tags"] = ["keepapart:role:member", "keepapart:role:candidate"]
    assert at_digitalocean(digitalocean).describe(["101"])["101"].tags[ROLE_TAG] == MEMBER


def test_what_is_busy_is_asked_again_and_not_given_up(digitalocean: DigitalOcean, linode: Linode) -> None:
    """A job that runs is no refusal."""
    digitalocean.add(101, status="off", locked=True)
    linode.steps = 99
    linode.add(101, status="provisioning")
    for cloud in (at_digitalocean(digitalocean), at_linode(linode)):
        call = cloud.start if cloud.name == "digitalocean" else cloud.stop
        with pytest.raises(CloudError, match=r"pending event|busy") as told:
            call("101")
        assert not isinstance(told.value, RefusedError)


def test_a_region_without_placement_groups_is_launched_in_all_the_same(linode: Linode) -> None:
    """The launch says so; launch, check, release decide alone there."""
    cloud = at_linode(linode, region="us-east")
    assert cloud.parameters(ORDERS)[NOTE] == "without a placement group: us-east has none"
    launched(cloud, "one")
    assert linode.groups == []


def test_what_separates_is_not_left_out_because_a_call_was_lost(linode: Linode) -> None:
    """A group that can't be made now is an error, to be tried again; one that may not be is done without."""
    cloud = at_linode(linode)
    linode.answer = linode.answer_or_lose
    linode.lose("POST", "before", 1)
    with pytest.raises(CloudError, match="by order of a test"):
        cloud.parameters(ORDERS)
    linode.lose("POST", "after", 1)
    assert cloud.parameters(ORDERS)[NOTE] == "in spread group keepapart-orders-eu-west"
    linode.groups.clear()
    linode.deny()
    assert "without a placement group: Linode: Your OAuth token" in cloud.parameters(ORDERS)[NOTE]


@pytest.mark.parametrize("name", ["digitalocean", "linode"])
def test_where_nothing_moves_moving_is_refused_with_the_reason(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """So is starting rejects again: nobody is stopped in vain."""
    account = request.getfixturevalue(name)
    account.add(101)
    path = configured(tmp_path / "keepapart.toml", name, account.endpoint)
    code, document = ran(path, "move", "--yes", "101")
    assert code == 2
    assert "replace it" in document["error"]["mend"]
    text = path.read_text(encoding="utf-8").replace("[launch]\n", "").replace("max_attempts = 20\n", "")
    path.write_text(f'{text}[launch]\non_reject = "restart"\n', encoding="utf-8")
    code, document = ran(path, "admit")
    assert (code, account.things[0]["status"]) == (2, "active" if name == "digitalocean" else "running")
    assert "on_reject" in document["error"]["text"]


def test_ids_that_are_no_numbers_are_asked_of_nobody(hetzner: Hetzner) -> None:
    """They would be part of an address."""
    cloud = at_hetzner(hetzner)
    for wrong in ("i-0123", "101/actions/poweroff", "", "²"):
        with pytest.raises(NotFoundError):
            cloud.stop(wrong)
    assert hetzner.calls == []


WRONG = [
    ("hetzner", {"server_type": ""}, "[cloud] server_type: none is set; name one: `hcloud server-type list`"),
    ("hetzner", {"server_type": "cx222"}, "[cloud] server_type: there is no 'cx222'; did you mean 'cx22'"),
    ("hetzner", {"location": "fsn2"}, "[cloud] location: there is no cx22 in 'fsn2'; did you mean 'fsn1'?"),
    ("hetzner", {"image": ""}, "[cloud] image: none is set; name one: `hcloud image list`"),
    ("hetzner", {"networks": ["one"]}, "[cloud] networks: a list of ids such as [4711] is wanted"),
    ("hetzner", {"servertype": "cx22"}, "[cloud] servertype: no such key; did you mean 'server_type'?"),
    ("digitalocean", {"size": "s-1vcpu-1g"}, "[cloud] size: there is no 's-1vcpu-1g'; did you mean"),
    ("digitalocean", {"region": "fra2"}, "[cloud] region: there is no 'fra2'; did you mean 'fra1'?"),
    ("digitalocean", {"image": ""}, "[cloud] image: none is set"),
    ("linode", {"type": "g6-nano-1"}, "[cloud] type: there is no 'g6-nano-1'; did you mean 'g6-nanode-1'?"),
    ("linode", {"region": "eu-wst"}, "[cloud] region: there is no 'eu-wst'; did you mean 'eu-west'?"),
    ("linode", {"authorized_users": []}, "[cloud] authorized_users: nobody could log in"),
    ("linode", {"firewall_id": "x"}, "[cloud] firewall_id: a whole number is wanted, not 'x'"),
]


@pytest.mark.parametrize(("name", "settings", "says"), WRONG)
def test_a_wrong_key_names_the_mend(
    name: str, settings: dict[str, Any], says: str, request: pytest.FixtureRequest
) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    account = request.getfixturevalue(name)
    what = {"hetzner": hetzner_stub, "digitalocean": digitalocean_stub, "linode": linode_stub}[name].WHAT
    with pytest.raises(ConfigError) as wrong:
        account.open(**{**what, **settings}).parameters(ORDERS)
    assert str(wrong.value).startswith(says)


@pytest.mark.parametrize(
    ("name", "cluster"), [("hetzner", "a b"), ("digitalocean", "Orders"), ("linode", "o" * 33)]
)
def test_a_cluster_that_no_tag_can_hold_is_refused(
    name: str, cluster: str, request: pytest.FixtureRequest
) -> None:
    """Names aren't mangled."""
    account = request.getfixturevalue(name)
    what = {"hetzner": hetzner_stub, "digitalocean": digitalocean_stub, "linode": linode_stub}[name].WHAT
    with pytest.raises(ConfigError, match=r"\[cluster\] name: .*no (tag|label)"):
        account.open(**what).parameters({CLUSTER_TAG: cluster})


def test_prices_are_those_that_the_platform_states(
    hetzner: Hetzner, digitalocean: DigitalOcean, linode: Linode
) -> None:
    """Of the place where it would be, and of the dearest where that isn't said."""
    assert at_hetzner(hetzner).price_per_hour() == 0.00714
    assert at_hetzner(hetzner, location="").price_per_hour() == 0.00833
    assert at_digitalocean(digitalocean).price_per_hour() == 0.00893
    assert at_linode(linode).price_per_hour() == 0.0075
    assert at_linode(linode, region="us-east").price_per_hour() == 0.009
