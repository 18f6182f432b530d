"""Signals: sources of evidence. One file each; each says same, different or nothing of every pair.

A signal speaks for all pairs at once and never decides. What it may claim, and how strongly, is said in the
docstring of its file; `builtin.py` lists them all. Files of this folder import each other one by one, so that
a signal from outside needs no more than what stands here.
"""

from keepapart.signals.observed import Observed, Signal, Stage
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import UNKNOWN, LabelTestimony, PairTestimony, Testimony, Weights

__all__ = [
    "UNKNOWN",
    "LabelTestimony",
    "Observed",
    "PairTestimony",
    "Sight",
    "Signal",
    "Stage",
    "Testimony",
    "Weights",
]
