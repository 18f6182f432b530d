"""The [platform] section of a world file: what real platforms do to whoever believes their first answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from keepapart.tables import Table, Text

Seconds = Annotated[float, Meta(ge=0, le=3_600)]
RUNNING: Final = "running"
AFTER: Final = "after"


class Platform(Table, frozen=True):
    """How long instances boot, how far what is shown lags behind, and which of them nobody may end.

    `boot` is from a launch or a start until there is a way in; with `ready = "after"` the platform says
    `running` when that begins, else when it is over. `list_lag` is of lists, `describe_lag` of what is
    asked for by id; tags show `tag_lag` seconds after they were set, in either. What is `protected` can't
    be stopped or terminated.
    """

    boot: Seconds = 0.0
    ready: Literal["running", "after"] = RUNNING
    list_lag: Seconds = 0.0
    describe_lag: Seconds = 0.0
    tag_lag: Seconds = 0.0
    protected: tuple[Text, ...] = ()

    def complaint(self, given: Mapping[str, Any]) -> str:
        """Say which key says nothing, as "KEY: why", or nothing."""
        return "ready: says nothing without boot" if "ready" in given and not self.boot else ""
