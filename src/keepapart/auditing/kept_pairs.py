"""The verdicts on all pairs as the history keeps them: of each pair the number of its kind, packed. Pure.

Of a small cluster the document itself lists every pair; of a larger one the kept entry has under `kinds` what
`packed` returns. Entries from before there were kinds list all pairs that aren't separate.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from keepapart.arrays import components, edges, sizes_of
from keepapart.auditing.pair_kinds import Kind, PairKinds
from keepapart.domains.apart import Ties
from keepapart.model import Strength, Verdict


@dataclass(frozen=True, slots=True)
class KeptPairs:
    """What one kept audit said of every pair of `ids`; `numbers` are the matrix `PairKinds.of`, packed."""

    ids: Sequence[str]
    kinds: Sequence[Kind]
    numbers: bytes

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> KeptPairs:
        """Read an entry of the history."""
        audit = entry["audit"]
        ids = [instance["id"] for instance in audit["instances"]]
        if kept := entry.get("kinds"):
            kinds = [_kind(kind) for kind in kept["kinds"]]
            return cls(ids, kinds, base64.b64decode(kept["of"]))
        place = {name: number for number, name in enumerate(ids)}
        numbers: dict[Kind, int] = {Kind(Verdict.SEPARATE, None, ""): 0}
        of = np.zeros((len(ids), len(ids)), np.uint16)
        for pair in audit["pairs"]:
            i, j = sorted((place[pair["a"]], place[pair["b"]]))
            of[i, j] = numbers.setdefault(_kind(pair | {"because": ""}), len(numbers))
        return cls(ids, list(numbers), _pressed(of))

    def kind(self, a: str, b: str) -> Kind:
        """Return the kind of the pair of two ids."""
        i, j = sorted((self.ids.index(a), self.ids.index(b)))
        return self.kinds[int(self._matrix()[i, j])]

    @property
    def ties(self) -> Ties:
        """Who may not be put apart."""
        upper = self._matrix()
        of = upper + upper.T  # below the diagonal there is nothing, nor on it
        same, near = (
            np.array([kind.verdict is verdict for kind in self.kinds])[of]
            for verdict in (Verdict.CO_RESIDENT, Verdict.SEPARATE)
        )
        np.logical_not(near, out=near)
        for mask, on in ((same, False), (near, True)):
            np.fill_diagonal(mask, on)
        size = len(self.ids)
        groups = components(size, edges(lambda rows: same[rows], size))
        return Ties(groups, near.sum(axis=1) - sizes_of(groups), lambda i: np.flatnonzero(near[i]))

    def _matrix(self) -> npt.NDArray[np.uint16]:
        return np.frombuffer(zlib.decompress(self.numbers), "<u2").reshape(len(self.ids), len(self.ids))


def packed(kinds: PairKinds) -> dict[str, Any]:
    """Return the kinds of all pairs as JSON, from which `KeptPairs` are made."""
    return {
        "kinds": [
            {"verdict": kind.verdict.value, "strength": kind.label, "because": kind.because}
            for kind in kinds.kinds
        ],
        "of": base64.b64encode(_pressed(kinds.of)).decode(),
    }


def _pressed(of: npt.NDArray[np.uint16]) -> bytes:
    """Press the upper half: what is below the diagonal is nothing, and takes no room."""
    return zlib.compress(np.triu(of, 1).astype("<u2").tobytes())


def _kind(said: Mapping[str, Any]) -> Kind:
    strength = Strength[said["strength"].upper()] if said["strength"] else None
    return Kind(Verdict(said["verdict"]), strength, said["because"])
