"""Launching by REST, whatever goes wrong: one token is one instance, and nothing is left behind."""

from __future__ import annotations

import pytest

from keepapart.clouds import RUNNING, launching
from keepapart.errors import CapacityError, CloudError, DeniedError
from tests.platforms import wrong
from tests.platforms.launched import Platform


@pytest.mark.parametrize("fault", [wrong.lost_before, wrong.lost_after, wrong.expired])
def test_a_launch_that_failed_on_the_way_is_one_instance_in_the_end(
    anywhere: Platform, fault: wrong.Wrong
) -> None:
    """Whether the call or its answer was lost, or the credentials had ended: the same call goes on."""
    with anywhere.under_test() as it:
        request = it.request()
        with fault(anywhere.account), pytest.raises(CloudError):
            it.launch(request)
        one = it.launch(request, it.connect()).id
        it.until(one, RUNNING)
        assert it.ids() == [one]
        it.cloud.terminate(one)
        it.eventually(lambda: it.ended(one), "it doesn't end")
    assert anywhere.account.left == []


def test_credentials_that_have_ended_are_told_and_not_tried_again(anywhere: Platform) -> None:
    """The mend is named."""
    with anywhere.under_test() as it:
        request = it.request()
        with wrong.expired(anywhere.account), pytest.raises(CloudError, match=r"; .*look at "):
            it.launch(request)


def test_too_many_calls_are_waited_out(anywhere: Platform) -> None:
    """Nothing was launched then: it is as where there is no room, and later there is; no domain is full."""
    with anywhere.under_test(**anywhere.apart) as it:
        request = it.request()
        with wrong.busy(anywhere.account), pytest.raises(CapacityError):
            it.launch(request)
        assert anywhere.account.left == []
        it.launch(request)


def test_an_endpoint_that_hangs_is_given_up_on_and_what_it_did_is_found(anywhere: Platform) -> None:
    """The call is bounded; what came of it is found by the same token."""
    with anywhere.under_test(timeout=1) as it:
        request = it.request()
        it.ids()  # whoever gives tokens has given one
        with wrong.hanging(anywhere.account), pytest.raises(CloudError, match="doesn't answer within 1 s"):
            it.launch(request)
        one = it.launch(request).id
        it.until(one, RUNNING)
        assert it.ids() == [one]


def test_lists_that_are_behind_double_nothing(anywhere: Platform) -> None:
    """What was launched isn't listed yet, what was ended still is: neither is launched again nor lost."""
    with anywhere.under_test() as it:
        it.ids()
        with wrong.late(anywhere.account.is_list)(anywhere.account):
            it.ids()
            request = it.request()
            one = it.launch(request).id
            again = it.launch(request, it.connect()).id
            assert again == one
            it.until(one, RUNNING)
            it.cloud.terminate(one)
            it.eventually(lambda: it.ended(one), "it doesn't end")
    assert anywhere.account.left == []


@pytest.mark.parametrize("late", [False, True])
def test_no_room_is_told_whenever_it_shows_and_leaves_nothing(anywhere: Platform, late: bool) -> None:
    """At once, or after the launch was accepted; then the same token finds room."""
    with anywhere.under_test() as it:
        request = it.request()
        with anywhere.account.no_room(late=late):
            for _ in range(2):
                with pytest.raises(CapacityError):
                    it.launch(request)
                assert anywhere.account.left == []
        one = it.launch(request).id
        it.until(one, RUNNING)
        assert it.ids() == [one]


@pytest.mark.parametrize("late", [False, True])
def test_a_quota_is_no_room_that_is_waited_for(anywhere: Platform, late: bool) -> None:
    """It is denied, whenever that shows; the mend is to ask for more."""
    with anywhere.under_test() as it:
        request = it.request()
        with anywhere.account.no_quota(late=late):
            with pytest.raises(DeniedError, match="ask for a higher quota"):
                it.launch(request)
            assert anywhere.account.left == []


def test_a_missing_right_is_told(anywhere: Platform) -> None:
    """The page with the rights is named."""
    anywhere.account.deny()
    with anywhere.under_test() as it:
        request = it.request()
        page = rf"docs/platforms/{launching(it.listing).name}\.md"
        with pytest.raises(DeniedError, match=page):
            it.launch(request)
