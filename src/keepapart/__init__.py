"""Which of my cloud instances share a physical host, and how to get a cluster nodes that don't.

    config = keepapart.load("keepapart.toml")
    found = keepapart.audit(config)
    print(found.counts, found.pair("web-1", "web-2").because)

`keepapart.admit` is the package that brings new nodes in. Every public name is in docs/api.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepapart.auditing.assess import Audit
    from keepapart.auditing.assessment import Assessment, Odds
    from keepapart.auditing.survey import audit, audit_async, check, check_async, checker, stated_audit
    from keepapart.config import Config, load
    from keepapart.domains.fault_domains import Domain, Domains
    from keepapart.domains.risk import Risk
    from keepapart.errors import KeepapartError
    from keepapart.judging.judge import PairJudgement
    from keepapart.judging.judgement import Contradiction, Judgement
    from keepapart.model import Controls, Evidence, Instance, Pair, Says, Source, Statement, Strength, Verdict
    from keepapart.probe.measured import Extras, Round, Route, Tally, Trace
    from keepapart.signals.network import NetworkFinding, NetworkPrior, NetworkStatus, Voucher
    from keepapart.signals.path_confidence import PathConfidence, Variation
    from keepapart.signals.sources import Difference, Said
    from keepapart.signals.trials import Scatter, Trial
    from keepapart.store import Store

__version__ = "0.1.0"
__all__ = [
    "Assessment",
    "Audit",
    "Config",
    "Contradiction",
    "Controls",
    "Difference",
    "Domain",
    "Domains",
    "Evidence",
    "Extras",
    "Instance",
    "Judgement",
    "KeepapartError",
    "NetworkFinding",
    "NetworkPrior",
    "NetworkStatus",
    "Odds",
    "Pair",
    "PairJudgement",
    "PathConfidence",
    "Risk",
    "Round",
    "Route",
    "Said",
    "Says",
    "Scatter",
    "Source",
    "Statement",
    "Store",
    "Strength",
    "Tally",
    "Trace",
    "Trial",
    "Variation",
    "Verdict",
    "Voucher",
    "__version__",
    "audit",
    "audit_async",
    "check",
    "check_async",
    "checker",
    "load",
    "stated_audit",
]

_HOME = {
    name: module
    for module, names in {
        "auditing.assess": ("Audit",),
        "auditing.assessment": ("Assessment", "Odds"),
        "auditing.survey": ("audit", "audit_async", "check", "check_async", "checker", "stated_audit"),
        "config": ("Config", "load"),
        "domains.fault_domains": ("Domain", "Domains"),
        "domains.risk": ("Risk",),
        "errors": ("KeepapartError",),
        "judging.judge": ("PairJudgement",),
        "judging.judgement": ("Contradiction", "Judgement"),
        "model": (
            "Controls",
            "Evidence",
            "Instance",
            "Pair",
            "Says",
            "Source",
            "Statement",
            "Strength",
            "Verdict",
        ),
        "probe.measured": ("Extras", "Round", "Route", "Tally", "Trace"),
        "signals.network": ("NetworkFinding", "NetworkPrior", "NetworkStatus", "Voucher"),
        "signals.path_confidence": ("PathConfidence", "Variation"),
        "signals.sources": ("Difference", "Said"),
        "signals.trials": ("Scatter", "Trial"),
        "store": ("Store",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `keepapart --version` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'keepapart' has no attribute {name!r}")
    return getattr(import_module(f"keepapart.{_HOME[name]}"), name)
