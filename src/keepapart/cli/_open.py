"""What verbs work on: the configuration with its store, and the place where an admission happens."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from keepapart.cli._output import news_lines
from keepapart.cli._signals import each_heard, left_unheard

if TYPE_CHECKING:
    from keepapart.admit import AdmissionContext, Checker
    from keepapart.clouds import Cloud
    from keepapart.config import Config
    from keepapart.settings import LaunchSettings
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
    from keepapart.config import load

    with flagged(args, load(args.config)) as config:
        yield config


@contextmanager
def flagged(args: argparse.Namespace, config: Config) -> Iterator[Config]:
    """Have flags overrule a configuration, and errors name it."""
    from msgspec.structs import replace

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

    with opened_config(args) as config, left_unheard(Store(config.store.url)) as store, each_heard():
        yield config, store


@contextmanager
def opened_admission(
    args: argparse.Namespace, *, checks: bool = True, spends: bool = True, wait: float = 0.0
) -> Iterator[tuple[AdmissionContext, Checker]]:
    """Connect the cloud, open the store and make the checker, where this verb `checks` anything.

    `spends` says whether the verb may cost money, so that a budget of it needs a price; `wait` are seconds to
    wait where another admission of the cluster is running. Raises `UsageError` for a provider that can't
    launch, `ConfigError` for money without a price. Once the verb is done, an interruption is none: what was
    done is told.
    """
    from keepapart import clouds
    from keepapart.admit import AdmissionContext, Hooks
    from keepapart.admit.hooks import command
    from keepapart.config import load

    config = load(args.config)
    with (
        errors_naming(config),
        closing(clouds.connect(config.cloud.provider, config.cloud.settings, config.instances)) as opened,
    ):
        cloud = clouds.launching(opened)
        policy = _priced(config, cloud) if spends else config.launch
        handed = _user_data(config, cloud) if spends else b""
        began = time.monotonic()
        hooks = Hooks(
            command("[hooks] on_join", config.hooks.on_join),
            command("[hooks] before_release", config.hooks.before_release),
            command("--health", getattr(args, "health", "")),
        )
        done = False
        try:
            with (
                news_lines() as tell,
                left_unheard(_opened_in_time(config.store.url, wait, tell)) as store,
                _checker(config, cloud, store, checks) as checker,
                each_heard(),
            ):
                yield (
                    AdmissionContext(
                        cloud,
                        store,
                        config.cluster.name,
                        policy,
                        tell=tell,
                        wait=max(0.0, began + wait - time.monotonic()),
                        hooks=hooks,
                        elsewhere=args.elsewhere,
                        survive=config.cluster.survive,
                        user_data=handed,
                    ),
                    checker,
                )
                done = True
        except KeyboardInterrupt:
            if not done:
                raise


def _opened_in_time(url: str, wait: float, tell: Callable[[str], None]) -> Store:
    """Open the store; where another process keeps it locked, wait for that as for another admission."""
    from keepapart.errors import BusyError
    from keepapart.store import BUSY_SECONDS, Store

    deadline = time.monotonic() + wait
    while True:
        within = max(deadline - time.monotonic(), 0.0) if wait else BUSY_SECONDS
        try:
            return Store(url, within)
        except BusyError as busy:
            if time.monotonic() >= deadline:
                raise
            tell(f"waiting: {busy}")


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


def _user_data(config: Config, cloud: Cloud) -> bytes:
    """Return what new instances are to be handed. Raises `ConfigError` for what can't be."""
    from pathlib import Path

    from keepapart.clouds import Booting
    from keepapart.errors import ConfigError

    if not (name := config.launch.user_data):
        return b""
    if not isinstance(cloud, Booting):
        raise ConfigError(
            f"[launch] user_data: {cloud.name!r} hands none to its instances", "put it into the image"
        )
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"[launch] user_data: {name}: {error.strerror}") from None
    cloud.user_data.check(data)
    return data


def _checker(config: Config, cloud: Cloud, store: Store, checks: bool) -> AbstractContextManager[Checker]:
    if not checks:
        from keepapart.admit.check import no_checker

        return nullcontext(no_checker)
    from keepapart.auditing.survey import checker

    return checker(config, cloud=cloud, store=store)
