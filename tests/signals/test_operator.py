"""The operator's word: conclusive, and a control that counts are held against."""

from __future__ import annotations

import pytest

from keepapart.errors import UsageError
from keepapart.model import Controls, Says, Strength
from keepapart.signals.operator import testimony


def test_what_the_operator_knows_is_conclusive() -> None:
    """Named pairs are said to be the same or different, conclusively; of others nothing is said."""
    said = testimony("abc", Controls(same=[("a", "b")], separate=[("c", "a")]))
    same, different = said.evidence(0, 1), said.evidence(0, 2)
    assert same is not None
    assert different is not None
    assert (same.says, same.strength) == (Says.SAME, Strength.CONCLUSIVE)
    assert (different.says, different.strength) == (Says.DIFFERENT, Strength.CONCLUSIVE)
    assert said.evidence(1, 2) is None


@pytest.mark.parametrize(
    "known",
    [
        Controls(same=[("a", "x")]),
        Controls(same=[("a", "a")]),
        Controls(same=[("a", "b")], separate=[("b", "a")]),
    ],
    ids=["unknown id", "with itself", "both"],
)
def test_what_cannot_be_known_is_refused(known: Controls) -> None:
    """Ids that take no part, an instance with itself, and a pair said to be both are mistakes of use."""
    with pytest.raises(UsageError):
        testimony("abc", known)
