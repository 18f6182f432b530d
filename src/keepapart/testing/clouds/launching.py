"""What a cloud keeps that launches: one token is one instance, and nothing that was launched is lost."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from math import isfinite

from keepapart.clouds import (
    CLUSTER_TAG,
    MEMBER,
    NOTE,
    PENDING,
    ROLE_TAG,
    RUNNING,
    STOPPED,
    Booting,
    Chooser,
    Located,
    Priced,
    Staying,
)
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError
from keepapart.testing.clouds.listing import PLACES
from keepapart.testing.clouds.under_test import CloudRule, CloudUnderTest, expect, skipped


def launches_with_its_tags(it: CloudUnderTest) -> None:
    """A new instance is pending or running, and has the tags of its launch without any further call."""
    request = it.request(purpose="conformance")
    one = it.launch(request)
    assert one.state in (PENDING, RUNNING), f"launch: {PENDING} or {RUNNING} is wanted, not {one.state}"
    it.until(one.id, RUNNING)
    it.eventually(
        lambda: request.tags.items() <= it.listing.describe([one.id])[one.id].tags.items(),
        f"{one.id} has not the tags {dict(request.tags)}",
    )


def lists_only_what_carries_all_tags(it: CloudUnderTest) -> None:
    """An instance that lacks a tag, or has another value of it, is another's."""
    plain, tagged = it.launch(it.request()).id, it.launch(it.request(stage="two")).id
    for instance_id in (plain, tagged):
        it.until(instance_id, RUNNING)
    it.eventually(lambda: it.ids() == sorted([plain, tagged]), f"{plain} and {tagged} are not listed")
    assert it.ids({**it.tags, "stage": "two"}) == [tagged], "instances: all tags have to be there"
    assert not it.ids({**it.tags, "stage": "tw"}), "instances: a value that only begins so is another one"
    begins = it.tags[CLUSTER_TAG][:-1]
    assert not it.ids({CLUSTER_TAG: begins}), f"instances: {begins} is another cluster"


def returns_the_same_instance_for_the_same_token(it: CloudUnderTest) -> None:
    """A launch that is repeated word for word is one launch, also by a process that begins anew."""
    request = it.request()
    one = it.launch(request).id
    again = [it.launch(request).id, it.launch(request, it.connect()).id]
    assert again == [one, one], f"launch: the token means {one}, not {again}"
    it.until(one, RUNNING)
    assert it.launch(request).id == one, f"launch: the token means {one} once it runs, too"
    it.eventually(lambda: one in it.ids(), f"{one} is not listed")
    assert it.ids() == [one], f"one token launched {it.ids()}"


def launches_nothing_else_for_a_used_token(it: CloudUnderTest) -> None:
    """A token that comes with other tags launches nothing: it means the first, or it is an error."""
    request = it.request()
    one = it.launch(request).id
    try:
        other = it.launch(replace(request, tags={**request.tags, "other": "tag"})).id
    except CloudError:
        other = one
    assert other == one, f"launch: the token means {one}, not {other}"
    it.eventually(lambda: one in it.ids(), f"{one} is not listed")
    assert it.ids() == [one], f"one token launched {it.ids()}"


def finds_again_what_it_launched_unanswered(it: CloudUnderTest) -> None:
    """Where the answer of a launch is lost, the same token finds the instance."""
    request = it.request()
    with it.provoked("unanswered"):
        expect(CloudError, lambda: it.launch(request), "launch, while answers are lost")
    one = it.launch(request).id
    it.until(one, RUNNING)
    it.eventually(lambda: one in it.ids(), f"{one} is not listed")
    assert it.ids() == [one], f"one token launched {it.ids()}"


def stops_and_starts(it: CloudUnderTest) -> None:
    """Stop and start may be repeated; an instance keeps its id and its tags."""
    (one,) = it.running()
    before = it.until(one, RUNNING)
    for call, state in ((it.cloud.stop, STOPPED), (it.cloud.start, RUNNING)):
        call(one)
        it.until(one, state)
        call(one)
        found = it.until(one, state)
        lost = dict(before.tags.items() - found.tags.items())
        assert not lost, f"{one} is {state}, and has lost the tags {lost}"
        assert it.ids() == [one], f"{state}: {one} is wanted in the list, not {it.ids()}"


def states_no_place_of_what_does_not_run(it: CloudUnderTest) -> None:
    """A stopped instance is on no host: what was stated of its place is no fact any more."""
    (one,) = it.running()
    it.cloud.stop(one)
    stated = sorted(it.until(one, STOPPED).facts.keys() & PLACES)
    assert not stated, f"{one} is {STOPPED}, and has facts of a place: {stated}"


def keeps_the_host_where_it_says_so(it: CloudUnderTest) -> None:
    """Of a `Staying` cloud, what is stopped and started is on the host that it had."""
    if not isinstance(it.listing, Staying):
        skipped("it is not `Staying`")
    (one,) = it.running()
    before = it.until(one, RUNNING).facts.get("host")
    for call, state in ((it.cloud.stop, STOPPED), (it.cloud.start, RUNNING)):
        call(one)
        it.until(one, state)
    it.eventually(
        lambda: it.listing.describe([one])[one].facts.get("host") == before,
        f"{one} was on {before}, and is not there after it was stopped and started",
    )


def sets_tags_and_leaves_others(it: CloudUnderTest) -> None:
    """`tag` sets these tags, may be repeated, and leaves others as they are."""
    (one,) = it.running()
    wanted = {**it.until(one, RUNNING).tags, ROLE_TAG: MEMBER, "purpose": "conformance"}
    for _ in range(2):
        it.cloud.tag(one, {ROLE_TAG: MEMBER, "purpose": "conformance"})
    it.eventually(
        lambda: wanted.items() <= it.listing.describe([one])[one].tags.items(),
        f"{one} has not the tags {wanted}",
    )
    it.eventually(
        lambda: it.ids({**it.tags, "purpose": "conformance"}) == [one],
        f"{one} is not listed by a tag that it got",
    )


def ends_what_it_terminates(it: CloudUnderTest) -> None:
    """A terminated instance is in no list, is terminated or unknown, and never comes back."""
    one, other = it.running(2)
    it.cloud.terminate(one)
    it.eventually(lambda: it.ended(one), f"{one} does not end")
    it.eventually(lambda: one not in it.ids(), f"{one} has ended and is listed")
    assert it.ids() == [other], f"{other} is wanted in the list, not {it.ids()}"
    for call in (it.cloud.terminate, it.cloud.start):
        with suppress(CloudError):  # unknown by now, or refused
            call(one)
    assert it.ended(one), f"{one} has come back"
    assert it.ids() == [other], f"{other} is wanted in the list, not {it.ids()}"


def ends_what_is_stopped(it: CloudUnderTest) -> None:
    """A stopped instance can be terminated, too."""
    (one,) = it.running()
    it.cloud.stop(one)
    it.until(one, STOPPED)
    it.cloud.terminate(one)
    it.eventually(lambda: it.ended(one), f"{one} does not end")
    it.eventually(lambda: not it.ids(), f"{one} has ended and is listed")


def says_not_found_of_the_unknown(it: CloudUnderTest) -> None:
    """A call that names an instance which the platform doesn't know is a `NotFoundError`."""
    expect(NotFoundError, lambda: it.cloud.start(it.unknown), "start of an unknown id")
    expect(NotFoundError, lambda: it.cloud.stop(it.unknown), "stop of an unknown id")
    expect(NotFoundError, lambda: it.cloud.terminate(it.unknown), "terminate of an unknown id")
    expect(NotFoundError, lambda: it.cloud.tag(it.unknown, {"a": "b"}), "tag of an unknown id")


def says_that_there_is_no_room(it: CloudUnderTest) -> None:
    """No room is a `CapacityError`, launches nothing, and leaves the token to be tried again."""
    request = it.request()
    with it.provoked("full"):
        expect(CapacityError, lambda: it.launch(request), "launch, while there is no room")
        it.eventually(lambda: not it.ids(), "launched without room")
    one = it.launch(request).id
    it.until(one, RUNNING)


def says_what_will_never_be_granted(it: CloudUnderTest) -> None:
    """A launch that the platform will never grant as it is said is a `RefusedError`, and launches nothing."""
    request = it.request()
    with it.provoked("refused"):
        expect(RefusedError, lambda: it.launch(request), "launch, while it is never granted")
    assert not it.ids(), f"launched in spite of it: {it.ids()}"


def changes_nothing_that_it_can_not(it: CloudUnderTest) -> None:
    """A change that the platform doesn't take is a `CloudError`, and the change can be made later."""
    (one,) = it.running()
    request = it.request()
    with it.provoked("failing"):
        expect(CloudError, lambda: it.launch(request), "launch, while every call fails")
        expect(CloudError, lambda: it.cloud.stop(one), "stop, while every call fails")
        expect(CloudError, lambda: it.cloud.start(one), "start, while every call fails")
        expect(CloudError, lambda: it.cloud.terminate(one), "terminate, while every call fails")
        expect(CloudError, lambda: it.cloud.tag(one, {"a": "b"}), "tag, while every call fails")
    assert it.ids() == [one], f"{one} is wanted in the list, not {it.ids()}"
    it.until(it.launch(request).id, RUNNING)


def chooses_what_can_be_journalled(it: CloudUnderTest) -> None:
    """A `Chooser` decides in texts that outlast JSON, and launches by what it decided, note and all."""
    cloud = it.listing
    if not isinstance(cloud, Chooser):
        skipped("it is no `Chooser`")
    said = cloud.foresee(it.tags)
    assert isinstance(said, str), f"foresee: words are wanted, not {said!r}"
    chosen = dict(cloud.parameters(it.tags))
    odd = [key for key, text in chosen.items() if not isinstance(text, str)]
    assert not odd, f"parameters: texts are wanted of {odd}"
    kept = json.loads(json.dumps({**chosen, NOTE: "said to people only"}))
    assert not it.ids(), f"launched while it was only asked: {it.ids()}"
    it.until(it.launch(replace(it.request(), parameters=kept)).id, RUNNING)


def knows_a_price_per_hour(it: CloudUnderTest) -> None:
    """A `Priced` cloud has a price that can be paid."""
    if not isinstance(it.listing, Priced):
        skipped("it is not `Priced`")
    price = it.listing.price_per_hour()
    assert isfinite(price) and price > 0, f"price_per_hour: a positive number is wanted, not {price}"


def hands_on_user_data_as_it_is(it: CloudUnderTest) -> None:
    """A `Booting` cloud hands each instance its own launch's user data, byte by byte, up to its bound."""
    cloud = it.listing
    if not isinstance(cloud, Booting):
        skipped("it is not `Booting`")
    takes = cloud.user_data
    longest = b"#cloud-config\n" + ("é" if takes.text else "\0").encode() * takes.most
    data = longest[: takes.most].decode(errors="ignore").encode()
    takes.check(data)
    try:
        takes.check(longest)
    except ConfigError:
        pass
    else:
        raise AssertionError(f"user_data: {len(longest)} bytes are more than {takes.most}")
    if it.handed is None:
        skipped("`handed` is not given")
    one = it.launch(replace(it.request(), user_data=data)).id
    other = it.launch(it.request()).id
    it.eventually(lambda: len(it.ids()) == 2, f"{one} and {other} are not listed")
    got = it.handed(one)
    assert got == data, f"{one} was to be handed {len(data)} bytes, and other {len(got)} came"
    assert not it.handed(other), f"{other} was to be handed nothing"


def knows_which_one_it_is(it: CloudUnderTest) -> None:
    """A `Located` cloud says where it is in texts, and every connection to it says the same."""
    if not isinstance(it.cloud, Located):
        skipped("it is not `Located`")
    told, again = dict(it.cloud.where()), it.connect()
    odd = [key for key, text in told.items() if not isinstance(text, str) or not text]
    assert told and not odd, f"where: texts are wanted, not {told}"
    assert isinstance(again, Located) and dict(again.where()) == told, f"where: {told} is wanted twice"


LAUNCHING_RULES: tuple[CloudRule, ...] = (
    launches_with_its_tags,
    lists_only_what_carries_all_tags,
    returns_the_same_instance_for_the_same_token,
    launches_nothing_else_for_a_used_token,
    finds_again_what_it_launched_unanswered,
    stops_and_starts,
    states_no_place_of_what_does_not_run,
    keeps_the_host_where_it_says_so,
    sets_tags_and_leaves_others,
    ends_what_it_terminates,
    ends_what_is_stopped,
    says_not_found_of_the_unknown,
    says_that_there_is_no_room,
    says_what_will_never_be_granted,
    changes_nothing_that_it_can_not,
    chooses_what_can_be_journalled,
    knows_a_price_per_hour,
    hands_on_user_data_as_it_is,
    knows_which_one_it_is,
)
