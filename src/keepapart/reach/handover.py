"""How a node comes to run at the far end of two pipes: handed over, and run from memory.

1. `LOADER` is what python3 is started with. It says `READY` and which bytecode it takes.
2. Then it reads the node, exactly that much, and becomes it: one pair of pipes serves both, so nothing may
   be read ahead.
"""

from __future__ import annotations

import functools
import marshal
from importlib.resources import files
from importlib.util import MAGIC_NUMBER

# What runs on an instance, each importing only those before it.
NODE = ("echo", "guest", "ladder", "path", "node")
READY = b"keepapart: ready"

# ssh quotes it for a shell: neither a double quote nor a backslash in it.
LOADER = (
    "import marshal,os,sys\n"
    "def take(n,s=b''):\n"
    " while len(s)<n:\n"
    "  c=os.read(0,n-len(s))\n"
    "  s+=c or sys.exit(0)\n"
    " return s\n"
    "m=sys.modules['_frozen_importlib_external'].MAGIC_NUMBER.hex()\n"
    f"os.write(1,(chr(10)+'{READY.decode()} '+m+chr(10)).encode())\n"
    "h=take(9)\n"
    "s=take(int(h[1:]))\n"
    "exec(marshal.loads(s) if h[:1]==b'c' else compile(s,'node.py','exec'),{'__name__':'__main__'})"
)


def node_source() -> bytes:
    """Return the source of the node: its files as one text.

    What they import from each other then stands above already.
    """
    sources = (files("keepapart.probe").joinpath(f"{name}.py").read_text("utf-8") for name in NODE)
    lines = "".join(sources).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("from keepapart.")).encode()


@functools.cache
def handed_over(compiled: bool) -> bytes:
    """Return the node as `LOADER` takes it: what it is, its length, its source or the code made of it.

    Compiling takes longer than all the rest of a node's start; the code is for the same Python only.
    """
    source = node_source()
    body = marshal.dumps(compile(source, "node.py", "exec", optimize=2)) if compiled else source
    return (b"c" if compiled else b"s") + b"%08d" % len(body) + body


__all__ = ["LOADER", "MAGIC_NUMBER", "NODE", "READY", "handed_over", "node_source"]
