"""What clouds share that are read as a whole (clouds/listed.py)."""

from __future__ import annotations

import pytest

from keepapart.clouds.listed import Listed, ListedCloud, ListedSettings
from keepapart.errors import UnsettledError
from keepapart.model import Instance


class Launching(ListedCloud):
    """A cloud whose launch was answered with an id; `there` is what it lists then."""

    def __init__(self, there: list[Listed]) -> None:
        super().__init__("double", ListedSettings(), lambda: there, lambda: None)

    def launch(self) -> Instance:
        """Show what was launched."""
        return self._as_listed("one")


def test_what_was_launched_and_is_not_listed_is_unsettled() -> None:
    """The same call tells later whether it is only late, or gone again; it is no fault of anybody's."""
    with pytest.raises(UnsettledError, match="double doesn't list one"):
        Launching([]).launch()
    one = Listed("one", "", "running", {}, {}, {})
    assert Launching([one]).launch().id == "one"
