"""The ledger: what the journals of all runs say of a cluster's instances, which no list that lags can unsay.

Rules:
1. Whoever a run journalled as joined is a member, until a run released it by the operator's word, or saw that
   it is a member no more.
2. What a run launched or started, and never journalled as joined or gone, is still to be settled: asked for
   by id, whatever its tags show.
3. A member whose stand-in is in, and that is still there, needs no other. One that was released is replaced.
4. All of it holds at one place. A run at another place (`clouds.Located`) is refused, as ids mean nothing
   there, and an empty list would be taken for an empty cluster. So is going on with a run that isn't
   finished: nobody knows what its calls brought. What took place before a cloud began anew is over with it.
5. A member that a move stopped and couldn't start again is down until a run saw it run.
6. Members that a run left beside each other, or maybe so, count as that until one of them is gone, or a move
   found it apart from the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keepapart.admit import events as e
from keepapart.admit.context import AdmissionContext
from keepapart.clouds import BOOT, where
from keepapart.errors import UsageError

KINDS = (
    "placed",
    "asked",
    "move",
    "excused",
    "intended",
    "judged",
    "launched",
    "joined",
    "welcomed",
    "released",
    "lost",
    "up",
    "down",
    "moved",
    "finished",
)
SETTLED_AFTER = 600.0  # seconds after its journalling; what the platform doesn't know then, it never will

Row = tuple[str, float, e.Event]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An instance that `run` launched (or started: `spare`) at the time `at`, and whose end nobody saw."""

    run: str
    at: float
    spare: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known by the journals: see the rules.

    `members` have the time at which each joined. `stand_ins` say by member who stands in for it, `replaced`
    by member which run released it. `spares` were stopped before a run started them. `not_apart` may name
    some that are no members any more.
    """

    members: Mapping[str, float] = field(default_factory=dict)
    unsettled: Mapping[str, Unsettled] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    welcomed: frozenset[str] = frozenset()
    spares: frozenset[str] = frozenset()
    not_apart: tuple[e.NotApart, ...] = ()
    down: Mapping[str, str] = field(default_factory=dict)  # by member, the move that stopped it
    over: frozenset[str] = frozenset()  # runs of a cloud that has begun anew since
    place: Mapping[str, str] = field(default_factory=dict)


NOTHING = Ledger()


def read(context: AdmissionContext) -> Ledger:
    """Return the ledger of the context's cluster. Raises `UsageError` where its place is another one."""
    here = where(context.cloud)
    rows = context.store.journals.of_cluster(context.cluster, KINDS)
    ledger = fold(((run, at, e.decode(kind, data)) for run, at, kind, data in rows), here)
    other = [key for key in here if key != BOOT and ledger.place.get(key, here[key]) != here[key]]
    held = ledger.members or ledger.unsettled or context.store.journals.unfinished(context.cluster)
    if other and held and not context.elsewhere:
        was = ", ".join(f"{key} {ledger.place[key]}" for key in other)
        now = ", ".join(f"{key} {here[key]}" for key in other)
        raise UsageError(
            f"the journal of {context.cluster!r} is of {was}, and this is {now}",
            "go back there, give this one another [store] url, or say --elsewhere if it is the same cluster",
        )
    return ledger


def fold(rows: Iterable[Row], here: Mapping[str, str]) -> Ledger:
    """Return the ledger that these events of all runs lead to, each with its run and its time; pure."""
    book = _Book()
    over: set[str] = set()
    place: Mapping[str, str] = {}
    for run, at, event in rows:
        if isinstance(event, e.Placed):
            place = {key: text for key, text in event.where.items() if key != BOOT}
            if event.where.get(BOOT, "") != here.get(BOOT, ""):
                over.add(run)
        if run not in over:
            book.note(run, at, event)
    stand_ins = {old: new for old, new in book.stand_ins.items() if new in book.members}
    return Ledger(
        book.members,
        book.unsettled,
        {old: new for old, new in stand_ins.items() if old not in book.replaced},
        book.replaced,
        frozenset(book.welcomed),
        frozenset(book.spares - book.launched),
        tuple(book.not_apart),
        book.down,
        frozenset(over),
        place,
    )


class _Book:
    """The fold's own notes; `ids` and `fors` are by run and attempt."""

    def __init__(self) -> None:
        self.members: dict[str, float] = {}
        self.unsettled: dict[str, Unsettled] = {}
        self.stand_ins: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.welcomed: set[str] = set()
        self.spares: set[str] = set()
        self.launched: set[str] = set()
        self.not_apart: list[e.NotApart] = []
        self.down: dict[str, str] = {}
        self._unproven: dict[str, tuple[str, ...]] = {}  # of whom a move needn't tell its members apart
        self._leaving: dict[str, tuple[str, ...]] = {}
        self._sources: dict[tuple[str, int], str] = {}
        self._ids: dict[tuple[str, int], str] = {}
        self._fors: dict[tuple[str, int], str] = {}

    def note(self, run: str, at: float, event: e.Event) -> None:
        match event:
            case e.Requested(replaces=replaces):
                self._leaving[run] = replaces
            case e.MoveRequested(ids=ids) | e.Excused(ids):
                self._unproven[run] = (*self._unproven.get(run, ()), *ids)
            case e.Intended(number, source=source):
                self._sources[run, number] = source
            case e.Launched(number, instance_id):
                self._launched(run, at, number, instance_id)
            case e.Judged(rulings):
                self._fors.update({(run, r.attempt): r.replaces for r in rulings})
            case e.Joined(number):
                self._joined(run, at, number)
            case e.Welcomed(instance_id):
                self.welcomed.add(instance_id)
            case e.Released(instance_id):
                self._gone(instance_id)
                if instance_id in self._leaving.get(run, ()):
                    self.replaced[instance_id] = run
            case e.Up(instance_id):
                self.down.pop(instance_id, None)
            case e.Down(instance_id):
                self.down[instance_id] = run
            case e.Lost(ids):
                for instance_id in ids:
                    self._gone(instance_id)
            case e.Moved(instance_id):
                self._moved(run, instance_id)
            case e.Finished(not_apart):
                self.not_apart += [pair for pair in not_apart or () if pair not in self.not_apart]

    def _launched(self, run: str, at: float, number: int, instance_id: str) -> None:
        source = self._sources.get((run, number), "")
        (self.spares if source else self.launched).add(instance_id)
        self._ids[run, number] = instance_id
        self.replaced.pop(instance_id, None)
        self.unsettled[instance_id] = Unsettled(run, at, instance_id not in self.launched)

    def _joined(self, run: str, at: float, number: int) -> None:
        instance_id = self._ids[run, number]
        self.unsettled.pop(instance_id, None)
        self.members[instance_id] = at
        if old := self._fors.get((run, number)):
            self.stand_ins[old] = instance_id

    def _moved(self, run: str, instance_id: str) -> None:
        later = [i for i in self._unproven.get(run, ()) if i != instance_id]
        self._unproven[run] = tuple(later)
        self.not_apart = [p for p in self.not_apart if instance_id not in (p.a, p.b) or {p.a, p.b} & {*later}]

    def _gone(self, instance_id: str) -> None:
        self.not_apart = [p for p in self.not_apart if instance_id not in (p.a, p.b)]
        self.members.pop(instance_id, None)
        self.unsettled.pop(instance_id, None)
        self.down.pop(instance_id, None)
        self.welcomed.discard(instance_id)
