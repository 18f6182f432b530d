"""Where libvirt's Python binding is: in this environment, else where the distribution's package put it.

The binding is of the libvirt that it was built for, so distributions ship it, and PyPI only has its source.
Virtual environments don't see the distribution's packages: of those, these two modules are loaded, no others.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

from keepapart.errors import ConfigError

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
FOLDERS = (
    "/usr/lib/python3/dist-packages",  # Debian and its kin
    f"/usr/lib64/python{VERSION}/site-packages",  # Fedora and its kin, SUSE
    f"/usr/lib/python{VERSION}/site-packages",  # Arch, Alpine
)
_MEND = (
    "apt-get install python3-libvirt (dnf: python3-libvirt), for this Python; or pip install libvirt-python,"
    " which needs libvirt's headers and a compiler"
)


def load() -> ModuleType:
    """Return the module `libvirt`, imported. Raises `ConfigError` naming how to get it."""
    try:
        import libvirt
    except ModuleNotFoundError as error:
        if error.name not in ("libvirt", "libvirtmod"):
            raise
        return _from_distribution()
    found: ModuleType = libvirt
    return found


def _from_distribution() -> ModuleType:
    for folder in map(Path, FOLDERS):
        binding = next(
            (p for suffix in EXTENSION_SUFFIXES if (p := folder / f"libvirtmod{suffix}").exists()), None
        )
        if binding is None:
            continue
        try:
            _load("libvirtmod", binding)
            return _load("libvirt", folder / "libvirt.py")
        except (ImportError, OSError) as error:
            sys.modules.pop("libvirtmod", None)
            raise ConfigError(
                f'[cloud] provider: "libvirt": {folder} has a binding that fails: {error}'
            ) from None
    raise ConfigError(
        f'[cloud] provider: "libvirt" needs libvirt\'s Python binding, and Python {VERSION} has none', _MEND
    )


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
