"""The [[filters]] of a world file: instances of which one hears nothing of another, whatever it sends.

A filter stands where the receiver is and knows senders by their addresses, as security groups do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta

from keepapart.tables import Table

Id = Annotated[
    str, Meta(pattern=r"^i-[0-9]{4,7}\Z", description="the id of an instance such as 'i-0001' is wanted")
]


class PairFilter(Table, frozen=True, rename={"from_": "from"}):
    """Nothing `from` one instance arrives at another, nor, with `both`, the other way."""

    from_: Id
    to: Id
    both: bool = False


def ways(filters: Sequence[PairFilter]) -> Iterator[tuple[str, str]]:
    """Yield each sender and receiver between whom nothing passes."""
    for one in filters:
        yield one.from_, one.to
        if one.both:
            yield one.to, one.from_
