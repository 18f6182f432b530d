"""How a platform's tags hold keepapart's own: labels with values, or mere words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

OWN = ("cluster", "run", "attempt", "role", "spare")  # the words of our own tags
OTHER = "tag"  # in flat tags, before the name and the value of another tag that we set


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a platform's tags hold ours: `prefix` and a word, and in flat ones `between` and the value."""

    prefix: str
    between: str = ""

    def of_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return tags that have values, ours by their own names."""
        ours = {f"{self.prefix}{word}": f"keepapart:{word}" for word in OWN}
        return {ours.get(name, name): value for name, value in labels.items()}

    def labels(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return tags as they have values, from which `of_labels` reads the same."""
        ours = {f"keepapart:{word}": f"{self.prefix}{word}" for word in OWN}
        return {ours.get(name, name): value for name, value in tags.items()}

    def of_flat(self, tags: Iterable[str]) -> dict[str, str]:
        """Return tags that are mere words, ours by their own names and with their values."""
        found = {}
        for text in tags:
            word, between, value = text.removeprefix(self.prefix).partition(self.between)
            ours = text.startswith(self.prefix) and between
            if ours and word == OTHER:
                name, _, value = value.partition(self.between)
                found[name] = value
            elif ours and word in OWN:
                found[f"keepapart:{word}"] = value
            else:
                found[text] = ""
        return found

    def flat(self, tags: Mapping[str, str]) -> list[str]:
        """Return tags as mere words, from which `of_flat` reads the same."""
        found = []
        for name, value in sorted(tags.items()):
            word = name.removeprefix("keepapart:")
            ours = word in OWN and word != name
            found.append(self.prefix + self.between.join((word, value) if ours else (OTHER, name, value)))
        return found

    def changed(self, words: Sequence[str], tags: Mapping[str, str]) -> list[str]:
        """Return mere words with these tags set among them, and others left as they are."""
        kept = [word for word in words if not self.of_flat([word]).keys() & tags.keys()]
        return [*kept, *self.flat(tags)]
