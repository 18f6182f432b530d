"""What each way of launching costs, from where its launches landed: launches, time, money, instances at once.

==========  ========================================================================================
hold        one after another; rejects are held until the run is done
terminate   one after another; a reject is terminated before the next launch
stop        as `terminate`, but a reject is stopped and kept
restart     one stopped instance is started again until it lands apart; then the next one
batch       as many at once as are still missing (or `batch` of them); the best set stays, rejects are held
spares      all stopped spares are started at once; what is then still missing is launched as in `batch`
==========  ========================================================================================

Every launch or start takes one *turn*: `boot` seconds until it can be reached and `check` seconds to measure
it. Giving back a reject before the next launch takes `release` seconds. Money is what runs, from launch until
it is let go or, for members and what is held, until the last member is in; a platform's least charge, storage
of what is stopped and the members' lives thereafter are left out.

With r = the launches, n = the members wanted, t = a turn: `hold` takes r·t seconds and runs t·r(r+1)/2
instance-seconds; `terminate` takes r·t + (r−n)·release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.simulate.landing import Found

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rates:
    """What a launch costs: `price` of an instance-hour, in any currency; times in seconds.

    `batch` is the number launched at once (0: as many as are still missing); `spares` how many there are.
    """

    price: float
    boot: float
    check: float
    release: float
    batch: int = 0
    spares: int = 0

    @property
    def turn(self) -> float:
        """Seconds from a launch to the verdict on it."""
        return self.boot + self.check


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """What each trial took: one value a trial, infinite where the strategy never ends.

    `peak` counts the most instances of the run at once, new members and stopped ones included.
    """

    launches: Values
    seconds: Values
    money: Values
    peak: Values


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way of launching: what it does in words, whether it holds its rejects, and its cost."""

    does: str
    holding: bool
    cost: Callable[[Found, Rates], Cost]


def _hold(found: Found, rates: Rates) -> Cost:
    launches = found[:, -1]
    running = rates.turn * launches * (launches + 1) / 2
    return Cost(launches, launches * rates.turn, _money(running, rates), launches)


def _free(found: Found, rates: Rates) -> Cost:
    need = found.shape[1]
    launches = found[:, -1]
    rejects = launches - need
    seconds = launches * rates.turn + rejects * rates.release
    nth = np.arange(1, need + 1)
    begun = (found - 1) * rates.turn + (found - nth) * rates.release  # when each member was launched
    with np.errstate(invalid="ignore"):  # endless trials: infinity less infinity, put right below
        running = rejects * rates.turn + (seconds[:, None] - begun).sum(axis=1)
    running[np.isinf(launches)] = np.inf
    return Cost(launches, seconds, _money(running, rates), np.full(len(found), float(need)))


def _stop(found: Found, rates: Rates) -> Cost:
    freed = _free(found, rates)
    return Cost(freed.launches, freed.seconds, freed.money, freed.launches)


def _batch(found: Found, rates: Rates, first: int = 0) -> Cost:
    need = found.shape[1]
    ends = np.isfinite(found[:, -1])
    launched, running, turns = (np.zeros(len(found)) for _ in range(3))
    missing = np.where(ends, need, 0)
    size = first or rates.batch
    while missing.any():
        active = missing > 0
        launched += np.where(active, size or missing, 0)
        turns += active
        running += np.where(active, launched, 0.0)
        missing = np.where(active, need - (found <= launched[:, None]).sum(axis=1), 0)
        size = rates.batch
    for value in (launched, turns, running):
        value[~ends] = np.inf
    return Cost(launched, turns * rates.turn, _money(running * rates.turn, rates), launched)


def _spares(found: Found, rates: Rates) -> Cost:
    return _batch(found, rates, rates.spares)


def _money(instance_seconds: Values, rates: Rates) -> Values:
    with np.errstate(invalid="ignore"):  # for nothing, endless times nothing
        return np.nan_to_num(instance_seconds * (rates.price / 3600), nan=0.0, posinf=np.inf)


STRATEGIES: Mapping[str, Strategy] = {
    "hold": Strategy("one by one, rejects held until done", True, _hold),
    "terminate": Strategy("one by one, rejects terminated at once", False, _free),
    "stop": Strategy("one by one, rejects stopped at once", False, _stop),
    "restart": Strategy("the same stopped instance started again", False, _free),
    "batch": Strategy("all that are missing at once, the best set kept", True, _batch),
    "spares": Strategy("all stopped spares at once, then as batch", True, _spares),
}


def best_possible(need: int, rates: Rates) -> Cost:
    """Return the bound: an oracle knows where each launch would land, so it makes none in vain.

    Every member takes a launch and every launch a turn, so nothing gets below `need` launches, all at once,
    in one turn. It is a bound and no strategy: only luck, or a platform that places apart, attains it.
    """
    return _batch(np.arange(1.0, need + 1)[None], Rates(rates.price, rates.boot, rates.check, rates.release))
