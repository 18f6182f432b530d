"""The way in to a platform's instance: its own tag, else the template of `[cloud] reach`, else `[reach]`.

The tag `keepapart:reach` holds a way in as `[[instances]]` would write it (`ssh://user@address`,
`netns:NAME`, …): for the one instance behind a jump host of its own, and how the lab's instances say that
they are namespaces. Whoever may tag an instance may thus say how it is entered; `reach_tag = ""` forbids it.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

from keepapart.errors import ConfigError
from keepapart.tables import nearest

REACH_TAG = "keepapart:reach"
FIELDS = ("id", "address", "private", "public", "ipv6")


def way_in(template: str, tag: str, tags: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return the way in; empty for the default one. `names` fill in the template."""
    return (tags.get(tag, "") if tag else "") or template.format_map(names)


def check_template(reach: str) -> None:
    """Check `[cloud] reach`, a template of these `FIELDS`. Raises `ConfigError`."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(reach) if name is not None]
    except ValueError as error:
        raise ConfigError(f"[cloud] reach: {reach!r}: {error}") from None
    for name in names:
        if name not in FIELDS:
            raise ConfigError(f"[cloud] reach: no {{{name}}} to fill in", nearest(name, FIELDS))
