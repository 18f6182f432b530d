"""`provider = "command"`: a program of the operator's is the cloud, over JSON on its standard streams.

It is run once for each question, which it reads from its standard input as one JSON object, and prints one as
its answer. docs/platforms/command.md has the protocol, with an example for Incus.

1. Asked to `hello`, it says what it `does`: "instances", and where it launches all of `LAUNCHES` too.
2. Asked for `instances`, with the `tags` or the `ids` of those wanted, it may tell of more: what isn't wanted
   is left out here. It tells of all that are wanted, or fails: a list that lacks some would be taken for them
   being gone. Ids are unique, whatever else is wrong with a list makes it none.
3. Facts of one that doesn't run are left out. Facts with a time (`at`) are as old as that.
4. Where it fails it prints `{"error": {"kind": …, "text": …}}`, the kind as in `KINDS`, or it ends with
   another code than 0 and a line on standard error.
5. Whoever launches launches once for each `token`, however often that is asked.
6. Where it only lists, an instance without a tag is a member like any other: whoever wrote the list meant it.
   Only another value of the tag says that it is another cluster's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from keepapart.clouds import RUNNING, TERMINATED, LaunchRequest, Listing
from keepapart.clouds.by_hand import FactsTable, time_of, without_nulls
from keepapart.clouds.program import Program
from keepapart.errors import CapacityError, CloudError, ConfigError, NotFoundError, RefusedError
from keepapart.model import Instance, Source, Statement
from keepapart.tables import Table, Text, checked, plain

NAME = "command"
PROTOCOL = 1
LAUNCHES = ("launch", "start", "stop", "terminate", "tag")
KINDS = {kind.kind: kind for kind in (CloudError, CapacityError, RefusedError, NotFoundError)}
OWNERS = ("platform", "project", "group")  # facts of whose it is, which hold though it doesn't run


class Settings(Table, frozen=True):
    """The keys of [cloud]: the program, as a line for `sh`, and how many seconds one answer of it may take.

    It runs in `folder`; `settings` are handed to it with every question.
    """

    command: Text
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    folder: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


class _Row(Table, frozen=True):
    """One instance, as a program tells of it."""

    id: Text
    address: str = ""
    public: str = ""
    reach: str = ""
    state: Text = RUNNING
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Ask the program what it does. Raises `ConfigError` for keys, `CloudError` where it can't be asked."""
    if instances:
        raise ConfigError("[[instances]]: the program lists its own", "leave them out")
    chosen = checked(settings, Settings, "[cloud]")
    program = Program("[cloud] command", chosen.command, Path(chosen.folder), chosen.seconds)
    listing = CommandListing(program, chosen.settings)
    return CommandCloud(program, chosen.settings) if listing.launches() else listing


class CommandListing:
    """The instances that a program lists; see `clouds.Listing`."""

    name = NAME

    def __init__(self, program: Program, settings: Mapping[str, Any]) -> None:
        self._program, self._settings = program, settings

    def launches(self) -> bool:
        """Whether it launches instances, too (rule 1)."""
        does = self._ask("hello").get("does")
        if not isinstance(does, list) or "instances" not in does:
            raise self._meaningless('"does" is no list with "instances" in it')
        lacking = [each for each in LAUNCHES if each not in does]
        if 0 < len(lacking) < len(LAUNCHES):
            raise self._meaningless(
                f"who launches does all of {', '.join(LAUNCHES)}; {lacking[0]} is lacking"
            )
        return not lacking

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance whose tags are these, terminated ones left out; see rule 6."""
        return [i for i in self._alive(tags) if all(i.tags.get(key, tags[key]) == tags[key] for key in tags)]

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the program doesn't know are left out."""
        wanted = dict.fromkeys(ids)
        found = self._rows(self._ask("instances", ids=list(wanted))) if wanted else []
        return {i.id: i for i in found if i.id in wanted}

    def close(self) -> None:
        """Nothing is open: the program runs only while it is asked."""

    def _alive(self, tags: Mapping[str, str]) -> Iterator[Instance]:
        found = self._rows(self._ask("instances", tags=dict(tags)))
        return (instance for instance in found if instance.state != TERMINATED)

    def _ask(self, do: str, **more: Any) -> Mapping[str, Any]:
        """Ask the program to do something. Raises the error that it tells of (rule 4)."""
        told = {"keepapart": PROTOCOL, "do": do, "settings": self._settings, **more}
        code, out, complaint = self._program.run(msgspec.json.encode(told))
        try:
            answer = msgspec.json.decode(out)
        except (msgspec.DecodeError, RecursionError) as error:
            why = f"it ended with {code}" if code else f"no JSON: {error}"
            raise self._failed(do, f"{why}: {complaint}" if complaint else why) from None
        told_error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(told_error, dict):
            kind = KINDS.get(str(told_error.get("kind")), CloudError)
            raise self._failed(do, plain(str(told_error.get("text") or kind.kind)), kind)
        if code:
            raise self._failed(do, f"it ended with {code}" + (f": {complaint}" if complaint else ""))
        if not isinstance(answer, dict):
            raise self._meaningless("no JSON object")
        return answer

    def _rows(self, answer: Mapping[str, Any]) -> list[Instance]:
        rows = answer.get("instances")
        if not isinstance(rows, list):
            raise self._meaningless('"instances" is no list')
        found = {i.id: i for i in map(self._instance, rows)}
        if len(found) < len(rows):
            raise self._meaningless("two instances have one id")
        return list(found.values())

    def _instance(self, told: object) -> Instance:
        """Read one instance; null is as if it weren't there."""
        if isinstance(told, dict):
            told = without_nulls(told)
        try:
            row = checked(told, _Row, "an instance:")
            if "," in row.id or not row.id.isprintable():
                raise ConfigError(f"{row.id!r} can't be an id")
            address = str(ipaddress.ip_address(row.address)) if row.address else ""
            public = str(ipaddress.IPv4Address(row.public)) if row.public else ""
            table = checked(without_nulls(row.facts), FactsTable, f"{row.id} facts")
            at = time_of(table.at, f"{row.id} facts at") if table.at else None
        except ConfigError as error:
            raise self._meaningless(str(error)) from None
        except ValueError:
            told_of = f"{row.address!r} is no IPv4 or IPv6 address, or {row.public!r} no public IPv4 address"
            raise self._meaningless(f"{row.id}: {told_of}") from None
        facts = {key: value for key, value in table.facts.items() if row.state == RUNNING or key in OWNERS}
        said = () if at is None else (Statement(Source.API, "the program", facts, at),)
        stated = {} if said else facts
        return Instance(row.id, address, row.reach, row.state, row.tags, stated, said, public)

    def _meaningless(self, why: str) -> CloudError:
        return CloudError(f"{self._program.name}: its answer can't be meant: {why}")

    def _failed(self, do: str, why: str, kind: type[CloudError] = CloudError) -> CloudError:
        return kind(f"{self._program.name}: {do}: {why}")


class CommandCloud(CommandListing):
    """A program that launches instances, too; see `clouds.Cloud`."""

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""
        return [i for i in self._alive(tags) if tags.items() <= i.tags.items()]

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before."""
        answer = self._ask(
            "launch", token=request.token, tags=dict(request.tags), parameters=dict(request.parameters)
        )
        return self._instance(answer.get("instance"))

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host."""
        self._ask("start", id=instance_id)

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its identity and loses its host."""
        self._ask("stop", id=instance_id)

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""
        self._ask("terminate", id=instance_id)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        self._ask("tag", id=instance_id, tags=dict(tags))
