"""Labellings: what one signal knows of each instance by itself, and whom that tells apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Labels, Mask, in_groups
from keepapart.signals import UNKNOWN, LabelTestimony

HIGHEST = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Labelling:
    """What one signal knows: `labels` [n], and the scope of each label, `scope_of` [number of labels]."""

    labels: Labels
    scope_of: Labels

    @classmethod
    def of(cls, testimony: LabelTestimony) -> Labelling:
        """Return what a testimony knows by itself."""
        known = testimony.labels != UNKNOWN
        scope_of: Labels = np.zeros(int(testimony.labels.max(initial=-1)) + 1, np.int32)
        scope_of[testimony.labels[known]] = testimony.scopes[known]
        return cls(testimony.labels, scope_of)

    def differs(self, i: int, j: int) -> bool:
        """Whether it tells two instances apart."""
        a, b = int(self.labels[i]), int(self.labels[j])
        return UNKNOWN not in (a, b) and a != b and bool(self.scope_of[a] == self.scope_of[b])

    def differs_from(self, i: int) -> Mask:
        """Say whom it tells apart from one instance, [n]."""
        label = int(self.labels[i])
        if label == UNKNOWN:
            return np.zeros(len(self.labels), np.bool_)
        elsewhere: Mask = (self.labels != UNKNOWN) & (self.labels != label)
        elsewhere[elsewhere] = self.scope_of[self.labels[elsewhere]] == self.scope_of[label]
        return elsewhere

    def carried_over(self, groups: Labels) -> Labelling:
        """Give all of a group the label of those of it that have one, where it is the same one (rule 4)."""
        order, starts = in_groups(groups)
        if not len(starts):
            return self
        labels = self.labels[order]
        highest = np.maximum.reduceat(labels, starts)
        lowest = np.minimum.reduceat(np.where(labels == UNKNOWN, HIGHEST, labels), starts)
        common = np.where(highest == lowest, highest, UNKNOWN)[groups]
        return Labelling(np.where(common == UNKNOWN, self.labels, common), self.scope_of)
