"""The public API, written as its users write it. mypy checks this file (`make lint`); nothing runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

import keepapart
from keepapart import Audit, Controls, Instance, Pair, Store, Strength, Verdict, clouds, exports
from keepapart.admit import AdmissionContext, Checker, Collected, Outcome, Plan, admit, collect, plan, replace
from keepapart.clouds import Chooser, Cloud, LaunchRequest, Priced
from keepapart.config import Config
from keepapart.errors import ConfigError, KeepapartError, NotFoundError
from keepapart.reach import NodeGroup, Transport
from keepapart.reach.local import child
from keepapart.reach.pipe import Pipe, PipedNodes
from keepapart.settings import ClusterSettings, LaunchSettings, ReachSettings
from keepapart.signals import LabelTestimony, Observed, Signal, Stage, Testimony
from keepapart.watch import NewsDocument, Watched, follow, follow_async


def an_audit() -> None:
    """An operator's script: audit a cluster, and say what is wrong with it."""
    config = keepapart.load("keepapart.toml")
    known = Controls(same=[("web-1", "web-2")], separate=[("web-1", "web-3")])
    with Store(config.store.url) as store:
        found = keepapart.audit(config, only=["web-1", "web-2"], known=known, store=store, progress=shown)
        assert_type(keepapart.check(config, "web-1", "web-2", clock=lambda: 0.0), Audit)
    assert_type(found.counts, dict[str, int])
    assert_type(keepapart.stated_audit(config, only=["web-1", "web-2"]), keepapart.Assessment)
    assert_type(found.members("host"), dict[str, list[str]])
    assert_type(found.risk.survives, bool | None)
    assert_type(found.odds.now, float | None)
    assert_type(found.network, keepapart.NetworkFinding)
    assert_type(found.domains.hosts, Sequence[keepapart.Domain])
    pair = found.pair("web-1", "web-2")
    assert_type(pair, Pair)
    if pair.verdict is Verdict.CO_RESIDENT and pair.strength is Strength.STRONG:
        for evidence in pair.evidence:
            assert_type(evidence.says, keepapart.Says)
            print(evidence.signal, evidence.because)


async def on_an_event_loop(config: Config) -> None:
    """A service that does other things meanwhile."""
    found = await keepapart.audit_async(config, only=["web-1", "web-2"])
    assert_type(found, Audit)
    assert_type(await keepapart.check_async(config, "web-1", "web-2"), Audit)
    assert_type(await asyncio.to_thread(exports.write_labels, exports.map_of(found), "example.org/host"), str)
    async for seen in follow_async("keepapart.toml"):
        assert_type(seen, Watched)
        assert_type(seen.survives, bool | None)
        assert_type(seen.news, Sequence[NewsDocument])


def a_map(config: Config) -> None:
    """An operator who feeds other systems."""
    found = exports.map_of(keepapart.audit(config), "rack", "merge")
    assert_type(found, exports.DomainsDocument)
    kafka = exports.named("kafka", exports.formats(Path("own.toml")))
    assert_type(exports.write_files(kafka, found, kafka.render(found), Path("racks")), str)
    with Store(config.store.url) as store:
        known = exports.read_racks("racks.txt")
        racks = exports.give_racks(store, "cassandra", found, "3", known=known, anew=True)
        assert_type(racks, exports.DomainsDocument)
    for each in exports.findings(found, exports.read_sets("etcd: a b c")):
        assert_type(each.survives, bool)
    for seen in follow(config.path):
        assert_type(seen.audit, Mapping[str, Any] | None)


def shown(what: str, share: float) -> None:
    """Show how far a round is."""
    print(what, share)


def a_configuration_without_a_file() -> Config:
    """A program that holds its inventory elsewhere."""
    return Config(
        path=Path("inventory"),
        cluster=ClusterSettings(name="orders", survive=2),
        reach=ReachSettings(user="ubuntu"),
        instances=(Instance("web-1", "10.0.0.1"), Instance("web-2", "10.0.0.2", reach="local")),
    )


def an_admission(config: Config) -> int:
    """A controller: admit, replace and collect by the same context."""
    cloud = clouds.launching(clouds.connect(config.cloud.provider, config.cloud.settings, config.instances))
    policy = LaunchSettings(max_attempts=3)
    with Store(config.store.url) as store, keepapart.checker(config, store=store) as checker:
        assert_type(checker, Checker)
        context = AdmissionContext(cloud, store, config.cluster.name, policy, tell=print)
        assert_type(plan(context, 2), Plan)
        assert_type(admit(context, checker, 2, excuse=["web-9"]), Outcome)
        try:
            outcome = replace(context, checker, ["web-1"])
        except ConfigError as error:
            print(error)
        except KeepapartError as error:
            return error.exit_code
        assert_type(collect(context, dry_run=True), Collected)
    return outcome.code


class AuthorsCloud:
    """What the author of a cloud writes; the protocol needs no base class."""

    name = "authors"

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List those that carry the tags."""
        return [Instance("i-1", "10.0.0.1", tags=tags, facts={"host": "pve-3"})]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Describe those that there are."""
        return {name: Instance(name) for name in ids}

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one."""
        return Instance("i-2", tags=request.tags)

    def start(self, instance_id: str) -> None:
        """Start it."""

    def stop(self, instance_id: str) -> None:
        """Stop it."""

    def terminate(self, instance_id: str) -> None:
        """End it."""
        raise NotFoundError(f"no instance {instance_id}")

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Tag it."""

    def close(self) -> None:
        """Close nothing."""

    def price_per_hour(self) -> float:
        """Tell its price."""
        return 0.04


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Cloud:
    """The entry point of a cloud."""
    cloud = AuthorsCloud()
    assert not isinstance(cloud, Chooser)
    assert isinstance(cloud, Priced)
    return cloud


class AuthorsNodes(PipedNodes):
    """What the author of a way in writes."""

    async def connect(self, name: str) -> Pipe:
        """Start the loader by a command."""
        return await child(["podman", "exec", "-i", name, "python3"])


class AuthorsTransport:
    """What the entry point of a way in returns."""

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return the nodes of these instances."""
        return AuthorsNodes(addresses)

    async def close(self) -> None:
        """Close nothing."""


def open_transport(settings: ReachSettings) -> Transport:
    """The entry point of a way in."""
    return AuthorsTransport()


class AuthorsSignal:
    """What the author of a signal writes."""

    name = "rack label"
    stage = Stage.FACTS

    def testify(self, seen: Observed) -> Sequence[Testimony]:
        """Say what equal labels mean."""
        labels = [instance.tags.get("rack") for instance in seen.instances]
        weak = -Strength.WEAK
        return [LabelTestimony.of(self.name, labels, lambda i, j: "by its label", if_different=weak)]


SIGNAL: Signal = AuthorsSignal()  # the entry point of a signal
