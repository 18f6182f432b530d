"""Where an admission takes place, and the world as it sees it: all that is not pure is handed in here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keepapart.admit.holder import holder_id
from keepapart.admit.hooks import Hooks
from keepapart.clock import SteadyClock
from keepapart.clouds import Cloud
from keepapart.model import silent
from keepapart.settings import LaunchSettings
from keepapart.store import Store

LEASE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AdmissionContext:
    """The cloud, the store, the policy and the outside world of an admission.

    `policy` is the configuration's `[launch]`; `parameters` go into every launch call as they are.
    `clock` gives seconds since the epoch that nobody sets: budgets and waits are measured by it.
    `time_of_day` is what leases are held by, since other machines compare it with their own; None: the
    machine's own clock where `clock` is a `SteadyClock`, else `clock`. `tokens` gives a new token of at most
    64 ASCII characters each time; `tell` hears one line for each thing that happened; `on_arrow` is called
    before and after each effect and each journal write. `wait` are seconds to wait for another admission of
    the cluster to end; `lease_seconds` is how long a lease outlives its holder where nobody can tell that it
    is dead, and `holder` names this process so that others can. `hooks` are the operator's own commands.
    `elsewhere` says that the cluster's journal holds here too, although it is of another region, account or
    endpoint. `survive` is what must run at any time, as `[cluster]` says it. `user_data` is what each
    instance that is launched is handed at its first boot; throwaways of a move are handed none.
    """

    cloud: Cloud
    store: Store
    cluster: str
    policy: LaunchSettings = field(default_factory=LaunchSettings)
    parameters: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=SteadyClock)
    time_of_day: Callable[[], float] | None = None
    sleep: Callable[[float], None] = time.sleep
    tokens: Callable[[], str] = lambda: secrets.token_hex(16)
    tell: Callable[[str], None] = silent
    on_arrow: Callable[[str], None] = silent
    wait: float = 0.0
    lease_seconds: float = LEASE_SECONDS
    holder: Callable[[], str] = holder_id
    hooks: Hooks = field(default_factory=Hooks)
    elsewhere: bool = False
    survive: str | int = "majority"
    user_data: bytes = field(default=b"", repr=False)

    def of_day(self) -> float:
        """Tell the time of day, in seconds since the epoch."""
        if self.time_of_day:
            return self.time_of_day()
        return time.time() if isinstance(self.clock, SteadyClock) else self.clock()
