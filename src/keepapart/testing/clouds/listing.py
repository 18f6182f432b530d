"""What any cloud keeps, also one that only lists what others launch."""

from __future__ import annotations

from keepapart.clouds import PENDING, RUNNING, STOPPED, STOPPING, TERMINATED
from keepapart.errors import CloudError
from keepapart.model import FACTS
from keepapart.testing.clouds.under_test import CloudRule, CloudUnderTest, expect

STATES = (PENDING, RUNNING, STOPPING, STOPPED, TERMINATED)
OWNERS = frozenset({"platform", "project", "group"})  # facts of whose an instance is, not of where
PLACES = frozenset(FACTS) - OWNERS


def lists_every_instance_once(it: CloudUnderTest) -> None:
    """A list has every instance that carries the tags, however many pages that takes, and each once."""
    ids = it.running(it.several)
    assert it.ids() == ids, f"instances: {ids} are wanted, not {it.ids()}"


def describes_what_it_lists(it: CloudUnderTest) -> None:
    """What is described is what is listed: the same address, way in, state, tags and facts."""
    ids = it.running(it.several)
    listed = {each.id: each for each in it.listing.instances(it.tags)}
    described = dict(it.listing.describe(ids))
    assert described == listed, f"describe: {listed} are wanted, not {described}"


def leaves_out_what_it_does_not_know(it: CloudUnderTest) -> None:
    """An id that the platform doesn't know is left out of a description and disturbs no other."""
    ids = it.running()
    described = sorted(it.listing.describe([*ids, it.unknown]))
    assert described == ids, f"describe: {ids} are wanted, not {described}"
    assert not it.listing.describe([it.unknown]), "describe: nothing is wanted of an unknown id"
    assert not it.listing.describe([]), "describe: nothing is wanted of no ids"


def names_states_as_the_protocol_does(it: CloudUnderTest) -> None:
    """The platform's states are spelt as `keepapart.clouds` spells them."""
    for instance_id, found in it.listing.describe(it.running()).items():
        assert found.state in STATES, (
            f"{instance_id}: one of {', '.join(STATES)} is wanted, not {found.state}"
        )


def states_facts_of_the_vocabulary(it: CloudUnderTest) -> None:
    """Facts are texts by the names that signals read; what isn't stated is left out."""
    for instance_id, found in it.listing.describe(it.running()).items():
        strange = sorted(found.facts.keys() - OWNERS - PLACES)
        assert not strange, f"{instance_id}: no signal reads {strange}; there is {sorted(OWNERS | PLACES)}"
        empty = [key for key, text in found.facts.items() if not isinstance(text, str) or not text.strip()]
        assert not empty, f"{instance_id}: texts are wanted of {empty}, or nothing at all"


def closes_one_connection_alone(it: CloudUnderTest) -> None:
    """`close` may be repeated; instances and other connections stay as they are."""
    ids = it.running()
    other = it.connect()
    found = sorted(each.id for each in other.instances(it.tags))
    assert found == ids, f"another connection lists {found}, not {ids}"
    other.close()
    other.close()
    assert it.ids() == ids, f"once another connection is closed, {it.ids()} are listed, not {ids}"


def says_that_it_can_not_be_asked(it: CloudUnderTest) -> None:
    """A platform that can't be asked is a `CloudError`: no other error, and no empty answer."""
    ids = it.running()
    with it.provoked("failing"):
        expect(CloudError, lambda: it.listing.instances(it.tags), "instances, while every call fails")
        expect(CloudError, lambda: it.listing.describe(ids), "describe, while every call fails")


def takes_no_part_of_a_list_for_all(it: CloudUnderTest) -> None:
    """A list that breaks off is a `CloudError`: what it leaves out would be taken for gone."""
    it.running(it.several)
    with it.provoked("cut_short"):
        expect(CloudError, lambda: it.listing.instances(it.tags), "instances, while lists break off")


LISTING_RULES: tuple[CloudRule, ...] = (
    lists_every_instance_once,
    describes_what_it_lists,
    leaves_out_what_it_does_not_know,
    names_states_as_the_protocol_does,
    states_facts_of_the_vocabulary,
    closes_one_connection_alone,
    says_that_it_can_not_be_asked,
    takes_no_part_of_a_list_for_all,
)
