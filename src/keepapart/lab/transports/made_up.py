"""Where the files of machines are that are made up for guests, and what they tell of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from keepapart.lab.protocol import guests_folder
from keepapart.node.commands import ROOT
from keepapart.node.hardware import facts


def told(namespaces: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what is made up for each of these, by name, whose value is a namespace or ID@LAB."""
    found = roots(set(namespaces.values()))
    return {name: facts(found[where]) for name, where in namespaces.items() if where in found}


def roots(namespaces: Iterable[str]) -> dict[str, str]:
    """Return the folders of those that have one.

    A lab has a folder for each such guest beside its socket; for others `ROOT` names where such folders are.
    """
    elsewhere = os.environ.get(ROOT.decode(), "")
    made_up: dict[str, dict[str, Path]] = {}
    found = {}
    for namespace in namespaces:
        guest, at, lab = namespace.partition("@")
        if lab not in made_up:
            folder = guests_folder(lab) if at else Path(elsewhere or os.devnull)
            made_up[lab] = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        if guest in made_up[lab]:
            found[namespace] = str(made_up[lab][guest])
    return found
