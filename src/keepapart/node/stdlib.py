"""The little of the standard library that a node needs, without what it takes to import the rest of it.

Handed over to every instance together with node.py. A node lives for seconds, and starting is most of what it
costs. These modules of C are what socket, json and hmac hand on, and are there in every CPython from
3.6 on. Another Python takes the long way.
"""

from __future__ import annotations

try:
    import _socket as socket
    from _json import encode_basestring_ascii as quoted
    from _operator import _compare_digest as compare_digest
except ImportError:
    import socket  # type: ignore[no-redef]
    from hmac import compare_digest  # type: ignore[no-redef]
    from json import dumps as quoted

__all__ = ["compare_digest", "quoted", "socket"]
