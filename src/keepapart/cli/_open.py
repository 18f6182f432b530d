"""What verbs work on: the configuration with its store, and the place where an admission happens."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from keepapart.cli._output import news_lines

if TYPE_CHECKING:
    from keepapart.admit import AdmissionContext, Checker
    from keepapart.clouds import Cloud
    from keepapart.config import Config, LaunchSettings
    from keepapart.store import Store


@contextmanager
def errors_naming(config: Config) -> Iterator[None]:
    """Have what is wrong with the configuration, wherever it is found out, name the file."""
    from keepapart.errors import ConfigError

    try:
        yield
    except ConfigError as error:
        if str(error).startswith(str(config.path)):
            raise
        raise ConfigError(f"{config.path}: {error.cause}", error.mend) from None


@contextmanager
def opened_config(args: argparse.Namespace) -> Iterator[Config]:
    """Load the configuration that `args` names; flags overrule the file."""
    from msgspec.structs import replace

    from keepapart.config import load

    config = load(args.config)
    if assurance := getattr(args, "assurance", None):
        config = replace(config, cluster=replace(config.cluster, assurance=assurance))
    if model := getattr(args, "model", None):
        config = replace(config, network=replace(config.network, model=model))
    with errors_naming(config):
        yield config


@contextmanager
def opened_store(args: argparse.Namespace) -> Iterator[tuple[Config, Store]]:
    """Load the configuration as `opened_config` does, and open its store."""
    from keepapart.store import Store

    with opened_config(args) as config, Store(config.store.url) as store:
        yield config, store


@contextmanager
def opened_admission(
    args: argparse.Namespace, *, checks: bool = True, spends: bool = True, wait: float = 0.0
) -> Iterator[tuple[AdmissionContext, Checker]]:
    """Connect the cloud, open the store and make the checker, where this verb `checks` anything.

    `spends` says whether the verb may cost money, so that a budget of it needs a price; `wait` are seconds to
    wait where another admission of the cluster is running. Raises `UsageError` for a provider that can't
    launch, `ConfigError` for money without a price.
    """
    from keepapart import clouds
    from keepapart.admit import AdmissionContext
    from keepapart.config import load
    from keepapart.errors import UsageError
    from keepapart.store import Store

    config = load(args.config)
    if config.cloud.provider == "static":
        raise UsageError(
            f'{config.path}: [cloud] provider: "static" launches and releases nothing',
            "name a cloud that can",
        )
    with (
        errors_naming(config),
        closing(clouds.connect(config.cloud.provider, config.cloud.settings, config.instances)) as cloud,
    ):
        policy = _priced(config, cloud) if spends else config.launch
        with (
            Store(config.store.url) as store,
            news_lines() as tell,
            _checker(config, cloud, store, checks) as checker,
        ):
            yield (
                AdmissionContext(cloud, store, config.cluster.name, policy, tell=tell, wait=wait),
                checker,
            )


def _priced(config: Config, cloud: Cloud) -> LaunchSettings:
    """Return the policy with the price that its budget of money needs; the cloud is asked only for that."""
    from msgspec.structs import replace

    from keepapart.clouds import Priced
    from keepapart.errors import ConfigError

    policy = config.launch
    if not policy.max_money or policy.price_per_hour:
        return policy
    if not isinstance(cloud, Priced):
        raise ConfigError(f"{config.path}: [launch] max_money: needs price_per_hour, what one instance costs")
    return replace(policy, price_per_hour=cloud.price_per_hour())


def _checker(config: Config, cloud: Cloud, store: Store, checks: bool) -> AbstractContextManager[Checker]:
    if not checks:
        from keepapart.admit.check import no_checker

        return nullcontext(no_checker)
    from keepapart.auditing.survey import checker

    return checker(config, cloud=cloud, store=store)
