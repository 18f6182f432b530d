"""What `admit`, `replace` and `gc` share: opening the context, showing progress, printing the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from keepapart.cli._open import naming

if TYPE_CHECKING:
    from keepapart.admit import AdmissionContext, Checker, Outcome
    from keepapart.clouds import Cloud
    from keepapart.config import Config, LaunchSettings
    from keepapart.model import Instance, Pair
    from keepapart.store import Store


@contextmanager
def opened(
    config: Config, *, checks: bool = True, spends: bool = True, wait: float = 0.0
) -> Iterator[tuple[AdmissionContext, Checker]]:
    """Connect the cloud, open the store and make the checker, where this verb checks anything.

    `wait` are seconds to wait where another admission of the cluster is running; `spends` says whether the
    verb may cost money, so that a budget of it needs a price.

    Raises `UsageError` for a provider that can't launch, `ConfigError` for money without a price.
    """
    from keepapart import clouds
    from keepapart.admit import AdmissionContext
    from keepapart.errors import UsageError
    from keepapart.store import Store

    if config.cloud.provider == "static":
        raise UsageError(
            f'{config.path}: [cloud] provider: "static" launches and releases nothing; name a cloud that can'
        )
    with naming(config):
        cloud = clouds.connect(config.cloud.provider, config.cloud.settings, config.instances)
        policy = _priced(config, cloud) if spends else config.launch
        with (
            Store(config.store.url) as store,
            _progress() as told,
            _checker(config, cloud, store, checks) as checker,
        ):
            yield (
                AdmissionContext(cloud, store, config.cluster.name, policy, progress=told, wait=wait),
                checker,
            )


def show(outcome: Outcome, *, as_json: bool) -> int:
    """Print what became of an admission, and return its exit code."""
    write(outcome.document(), outcome.lines(), as_json=as_json)
    return outcome.code


def write(document: Mapping[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the one JSON document, or the lines for people."""
    sys.stdout.write(json.dumps(document) + "\n" if as_json else "".join(f"{line}\n" for line in lines))


def _priced(config: Config, cloud: Cloud) -> LaunchSettings:
    """Return the policy with the price that its budget of money needs; the cloud is asked only for that."""
    from dataclasses import replace

    from keepapart.clouds import Priced
    from keepapart.errors import ConfigError

    policy = config.launch
    if not policy.max_money or policy.price_per_hour:
        return policy
    if not isinstance(cloud, Priced):
        raise ConfigError(f"{config.path}: [launch] max_money: needs price_per_hour, what one instance costs")
    return replace(policy, price_per_hour=cloud.price_per_hour())


@contextmanager
def _progress() -> Iterator[Any]:
    """Show one line for each thing that happened, on stderr; on a terminal, also that work goes on."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: sys.stderr.write(f"{line}\n")
        return
    with console.status("looking at the cluster") as status:

        def told(line: str) -> None:
            console.print(line, markup=False, highlight=False)
            status.update(line.replace("[", "\\["))

        yield told


def _checker(config: Config, cloud: Cloud, store: Store, checks: bool) -> AbstractContextManager[Checker]:
    from keepapart.auditing.survey import checker

    return checker(config, cloud=cloud, store=store) if checks else nullcontext(_no_checker)


def _no_checker(*asked: Sequence[Instance]) -> Sequence[Pair]:
    raise AssertionError(f"this verb checks nobody, not {len(asked)}")
