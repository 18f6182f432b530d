"""Hosts drawn by Graphviz: a box for each host, with its instances in it.

keepapart export dot | dot -Tsvg > hosts.svg
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keepapart.exports import DomainsDocument, Format, Row


def write(found: DomainsDocument, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return the drawing, as the one text that there is."""
    return {"": "\n".join(_lines(found, settings["shape"])) + "\n"}


def _lines(found: DomainsDocument, shape: str) -> Iterator[str]:
    yield "graph hosts {"
    yield f"  node [shape={shape}];"
    for number, domain in enumerate(found.domains):
        yield f'  subgraph cluster_{number} {{ label="{domain.name}";'
        for name in domain.instances:
            yield f'    "{name}";'
        yield "  }"
    yield "}"


QUOTABLE = r'[^"\\\x00-\x1f]+'

FORMAT = Format(
    "dot",
    Row(
        title="Graphviz, a box for each host",
        file="hosts.dot",
        names=QUOTABLE,
        names_are="text without quotes and backslashes",
        ids=QUOTABLE,
        ids_are="text without quotes and backslashes",
        settings={"shape": "ellipse"},
        no_value="the instance isn't drawn",
        safe=True,
        apply="dot -Tsvg",
        later="draw it again",
        comment="// ",
    ),
    write,
)
