"""Which of my cloud instances share a physical host, and how to get a cluster nodes that don't.

    config = keepapart.load("keepapart.toml")
    found = keepapart.audit(config)
    print(found.counts, found.pair("web-1", "web-2").because)

`keepapart.admit` is the package that brings new nodes in.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keepapart.auditing.assess import Audit
    from keepapart.auditing.survey import audit, check
    from keepapart.config import Config, load
    from keepapart.errors import KeepapartError
    from keepapart.model import Evidence, Instance, Pair, Says, Strength, Verdict

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "Config",
    "Evidence",
    "Instance",
    "KeepapartError",
    "Pair",
    "Says",
    "Strength",
    "Verdict",
    "__version__",
    "audit",
    "check",
    "load",
]

_HOME = {"Audit": "auditing.assess", "Config": "config", "KeepapartError": "errors", "load": "config"}
_HOME |= dict.fromkeys(("audit", "check"), "auditing.survey")
_HOME |= dict.fromkeys(("Evidence", "Instance", "Pair", "Says", "Strength", "Verdict"), "model")


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `keepapart --version` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'keepapart' has no attribute {name!r}")
    return getattr(import_module(f"keepapart.{_HOME[name]}"), name)
