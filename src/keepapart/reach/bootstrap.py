"""How a node comes to run at the far end of two pipes: handed over, and run from memory.

1. `LOADER` is what python3 is started with. It says `READY` and which bytecode it takes.
2. Then it reads the node, exactly that much, and becomes it: one pair of pipes serves both, so nothing may
   be read ahead.
3. It is packed by one thread at a time: in Python 3.11 two that parse at once may fail (SystemError, "AST
   constructor recursion depth mismatch", github.com/python/cpython/issues/106905).
4. Of the node's files only what runs is handed over. Types and docstrings are for readers here, and may be
   written in words that Python 3.6 doesn't know.
"""

from __future__ import annotations

import ast
import functools
import marshal
import threading
import zlib
from importlib.resources import files
from importlib.util import MAGIC_NUMBER
from typing import TypeVar

Documented = TypeVar("Documented", ast.FunctionDef, ast.ClassDef, ast.Module)

# What runs on an instance, each importing only those before it.
NODE = (
    "stdlib",
    "keyed",
    "rtt",
    "hardware",
    "metadata",
    "gateway",
    "routes",
    "ladder",
    "arrivals",
    "node",
    "commands",
)
READY = b"keepapart: ready"
_packing = threading.Lock()

# ssh quotes it for a shell: neither a double quote nor a backslash in it.
LOADER = (
    "import marshal,posix,sys,zlib\n"
    "def take(n,s=b''):\n"
    " while len(s)<n:\n"
    "  c=posix.read(0,n-len(s))\n"
    "  s+=c or sys.exit(0)\n"
    " return s\n"
    "m=sys.modules['_frozen_importlib_external'].MAGIC_NUMBER.hex()\n"
    f"posix.write(1,(chr(10)+'{READY.decode()} '+m+chr(10)).encode())\n"
    "h=take(9)\n"
    "s=zlib.decompress(take(int(h[1:])))\n"
    "exec(marshal.loads(s) if h[:1]==b'c' else compile(s,'node.py','exec'),{'__name__':'__main__'})"
)


def node_source() -> bytes:
    """Return the source of the node: its files as one text, bare of what doesn't run."""
    return ast.unparse(_node()).encode()


def handed_over(compiled: bool) -> bytes:
    """Return the node as `LOADER` takes it: what it is, its length, its source or code, packed.

    Compiling takes longer than all the rest of a node's start; the code is for the same Python only.
    """
    with _packing:
        return _packed(compiled)


@functools.cache
def _packed(compiled: bool) -> bytes:
    body = marshal.dumps(compile(_node(), "node.py", "exec")) if compiled else node_source()
    packed = zlib.compress(body)
    return (b"c" if compiled else b"s") + b"%08d" % len(packed) + packed


@functools.cache
def _node() -> ast.Module:
    """Return the node: its files as one module, bare of what doesn't run."""
    sources = [files("keepapart.node").joinpath(f"{name}.py").read_text("utf-8") for name in NODE]
    bare = [_Bare().visit(ast.parse(source)) for source in sources]
    return ast.Module([statement for module in bare for statement in module.body], type_ignores=[])


class _Bare(ast.NodeTransformer):
    """Leaves out types, docstrings and imports that only types need, or that stand above already."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        """Keep what is neither of this project nor for types."""
        module = node.module or ""
        unneeded = ("__future__", "typing", "collections.abc")
        return None if module in unneeded or module.startswith("keepapart.") else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        """Make it an assignment, if it is one."""
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else None

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Name the parameter only."""
        return ast.copy_location(ast.arg(node.arg), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """Say nothing of what it returns."""
        node.returns = None
        return self._undocumented(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt | None:
        """Keep those that are not for types alone."""
        protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        return None if protocol else self._undocumented(node)

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Begin with the code."""
        return self._undocumented(node)

    def _undocumented(self, node: Documented) -> Documented:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
        self.generic_visit(node)
        return node


__all__ = ["LOADER", "MAGIC_NUMBER", "NODE", "READY", "handed_over", "node_source"]
