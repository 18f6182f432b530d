"""Fault domains are asked for first, wherever a platform has them and lets them be chosen."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, MEMBER, NOTE, ROLE_TAG, RUNNING, STOPPED, Chooser, Placer
from keepapart.errors import CapacityError, RefusedError
from keepapart.testing.clouds import CloudUnderTest
from tests.platforms.google_stub import Google
from tests.platforms.launched import WHAT, Platform

ORDERS = {CLUSTER_TAG: "orders"}


def orders(platform: Platform) -> CloudUnderTest:
    """Return the cloud, as cluster "orders" launches there into fault domains."""
    found = platform.under_test(**platform.apart)
    found.tags = ORDERS
    return found


def member(it: CloudUnderTest) -> str:
    """Launch an instance that is a member from the beginning, and return its id."""
    found = it.launch(it.request(**{ROLE_TAG: MEMBER})).id
    it.until(found, RUNNING)
    return found


def note(it: CloudUnderTest) -> str:
    """Return what is said of the next launch."""
    assert isinstance(it.listing, Chooser)
    return it.listing.parameters(it.tags)[NOTE]


def test_each_member_has_a_domain_of_its_own_as_long_as_there_are_enough(platform: Platform) -> None:
    """Then one is shared, and that is said before."""
    with orders(platform) as it:
        for _ in platform.account.domains:
            assert "which has no other member" in note(it)
            member(it)
        assert sorted(platform.account.placed.values()) == platform.account.domains
        assert "since each has a member" in note(it)


def test_several_at_once_are_asked_into_different_domains(platform: Platform) -> None:
    """Also before any of them shows."""
    with orders(platform) as it:
        notes = {note(it) for _ in platform.account.domains}
    assert len(notes) == len(platform.account.domains)


def test_what_is_foreseen_is_not_made(platform: Platform) -> None:
    """It says what would be, and changes nothing."""
    with orders(platform) as it:
        assert isinstance(it.listing, Chooser)
        assert "in " in it.listing.foresee(it.tags)
        assert all(call.method == "GET" or call.path == "/token" for call in platform.account.calls)


def test_a_domain_without_room_is_passed_over_until_all_were_tried(platform: Platform) -> None:
    """The next try is elsewhere; where nothing is left, room is waited for."""
    with orders(platform) as it:
        platform.account.full = set(platform.account.domain_numbers)
        for _ in platform.account.domains[1:]:
            with pytest.raises(RefusedError, match="the next try is in another fault domain"):
                it.launch(it.request())
        last = it.request()
        with pytest.raises(CapacityError):
            it.launch(last)
        assert platform.account.left == []
        platform.account.full = set()
        it.launch(last)


def test_a_domain_without_room_is_no_place_for_the_next(platform: Platform) -> None:
    """Of the others the emptiest is taken."""
    with orders(platform) as it:
        platform.account.full = {platform.account.domain_numbers[0]}
        with pytest.raises(RefusedError):
            it.launch(it.request())
        it.launch(it.request(**{ROLE_TAG: MEMBER}))
        assert list(platform.account.placed.values()) == [platform.account.domains[1]]


def ran(path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb of keepapart's, and return its exit code and document."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words, "--json"])
    return int(code), json.loads(out.getvalue())


@pytest.mark.parametrize("platform", ["google", "oci"], indirect=True)
def test_a_stopped_member_can_be_told_to_start_in_a_domain_of_its_own(platform: Platform) -> None:
    """It keeps its id, and surely leaves the hardware that it was on. Hosts have no names there."""
    account = platform.account
    with orders(platform) as it:
        one, two = member(it), member(it)
        cloud = it.listing
        assert isinstance(cloud, Placer)
        account.put(two, account.placed[one])
        it.cloud.stop(two)
        it.until(two, STOPPED)
        foreseen = cloud.placement(two, it.tags, make=False)
        chosen = cloud.placement(two, it.tags)
        assert chosen == foreseen and "which has no other member" in chosen[NOTE]
        cloud.place(two, {name: text for name, text in chosen.items() if name != NOTE})
        it.cloud.start(two)
        it.until(two, RUNNING)
        assert account.placed[one] != account.placed[two]
        with pytest.raises(RefusedError, match="'h-1' can't be chosen"):
            cloud.placement(two, it.tags, "h-1")


@pytest.mark.parametrize("platform", ["google", "oci"], indirect=True)
def test_a_member_whose_new_domain_has_no_room_is_told_another(platform: Platform) -> None:
    """The start says so, and the next choice is another one."""
    account = platform.account
    with orders(platform) as it:
        one, two = member(it), member(it)
        account.put(two, account.placed[one])
        it.cloud.stop(two)
        it.until(two, STOPPED)
        cloud = it.listing
        assert isinstance(cloud, Placer)
        full = cloud.placement(two, it.tags)
        account.full = {number for number in account.domain_numbers if str(number) in full.values()}
        cloud.place(two, full)
        with pytest.raises(RefusedError, match="the next try is in another fault domain"):
            it.cloud.start(two)
        cloud.place(two, cloud.placement(two, it.tags))
        it.cloud.start(two)
        it.until(two, RUNNING)
        assert account.placed[two] != account.placed[one]


@pytest.mark.parametrize("late", [False, True])
def test_a_start_that_finds_no_room_says_so(platform: Platform, late: bool) -> None:
    """At once, or after it was accepted: the instance stays stopped, and can be started later."""
    with platform.under_test() as it:
        (one,) = it.running()
        it.cloud.stop(one)
        it.until(one, STOPPED)
        with platform.account.no_room(late=late), pytest.raises(CapacityError):
            it.cloud.start(one)
        it.until(one, STOPPED)
        it.cloud.start(one)
        it.until(one, RUNNING)


def test_a_member_on_the_host_of_another_is_moved(google: Google, tmp_path: Path) -> None:
    """By `move`, where Google states hosts: it is stopped, told where to start, and is apart then."""
    path = Platform(google, *WHAT["google"]).configured(tmp_path)
    assert ran(path, "admit", "--count", "3")[0] == 0
    one, two, _ = google.placed
    google.put(two, google.placed[one])
    google.beside(one, two)
    assert ran(path, "audit", "--stated")[0] == 1
    code, document = ran(path, "move", two, "--yes")
    assert (code, document["moved"]) == (0, [two])
    assert len(set(google.placed.values())) == 3
