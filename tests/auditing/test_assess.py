"""What an audit says of the year: the odds as members are placed, and if they were spread."""

from __future__ import annotations

import pytest

from keepapart.auditing.document import audit_document
from keepapart.domains.yearly import yearly
from tests.report.audits import APART, SHARED, audit_of


def test_the_odds_are_those_of_the_hosts_there_are() -> None:
    """Who shares hosts has the odds of these hosts; spread, those of a host each."""
    found = audit_of([(0, 0), (0, 0), (0, 1)])
    assert found.odds.now == pytest.approx(yearly([2, 1], 2, 0.08, 24))
    assert found.odds.spread == pytest.approx(yearly([1, 1, 1], 2, 0.08, 24))
    assert (found.odds.now or 0) > 100 * found.odds.spread


def test_the_odds_are_not_known_while_somebody_is_on_no_known_host() -> None:
    """An unknown pair leaves the odds open: nobody is counted as alone who may not be."""
    found = audit_of([(0, 0), (0, 1), (0, 2)], missing=[(0, 1)])
    assert found.odds.now is None


@pytest.mark.parametrize("where", [APART, SHARED])
def test_every_domain_says_what_its_failure_takes(where: list[tuple[int, int]]) -> None:
    """Each host and rack is listed with the members that it takes and whether the rest is enough."""
    found = audit_of(where)
    need = found.risk.need
    losses = audit_document(found).risk.domains
    for loss in losses:
        assert loss.survives == (len(where) - loss.lost >= need)
    names = {loss.name for loss in losses}
    assert names == {*found.members("host"), *found.members("rack")}
