"""The cloud that is only a list: the instances that the configuration names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keepapart.errors import ConfigError
from keepapart.model import Instance


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> StaticCloud:
    """Return the list as a cloud. It has no settings of its own."""
    for key in settings:
        raise ConfigError(f"[cloud] {key}: no such key", 'provider = "static" has none')
    return StaticCloud(instances)


class StaticCloud:
    """Instances that somebody else looks after; see `clouds.Listing`."""

    name = "static"

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._instances = {instance.id: instance for instance in instances}

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:  # noqa: ARG002  # a list has no tags
        """List them all: whoever wrote the list meant them."""
        return list(self._instances.values())

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell what the configuration says of these."""
        return {name: self._instances[name] for name in ids if name in self._instances}

    def close(self) -> None:
        """Nothing is open."""
