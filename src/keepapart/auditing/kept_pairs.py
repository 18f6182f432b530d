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

from keepapart.auditing.pair_kinds import Kind, PairKinds
from keepapart.model import Strength, Verdict

Relations = npt.NDArray[np.int8]  # [n, n]: 1 co-resident, -1 separate, 0 unknown

WORTH = {Verdict.CO_RESIDENT: 1, Verdict.SEPARATE: -1, Verdict.UNKNOWN: 0}


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

    @property
    def relations(self) -> Relations:
        """The verdict on every pair, [n, n], symmetric."""
        worth = np.array([WORTH[kind.verdict] for kind in self.kinds], np.int8)
        above: Relations = np.triu(worth[self._matrix()], 1)
        return above + above.T

    def kind(self, a: str, b: str) -> Kind:
        """Return the kind of the pair of two ids."""
        i, j = sorted((self.ids.index(a), self.ids.index(b)))
        return self.kinds[int(self._matrix()[i, j])]

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
