"""The plot of docs/accuracy.md: a small bar for each network and rule, as SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Shares = tuple[float, float, float]  # right, open, wrong

LABEL, BAR, GAP, ROW, TOP = 150, 120, 22, 26, 84
COLOURS = ("#4c9f70", "#d5d8dc", "#c0392b")
WORDS = ("right", "open (unknown)", "wrong")
STYLE = "font-family:system-ui,sans-serif;font-size:13px;fill:#222"


def svg(rules: Sequence[str], shares: Mapping[str, Sequence[Shares]]) -> str:
    """Draw the shares of every network (a row) and rule (a column)."""
    width = LABEL + len(rules) * (BAR + GAP) + 20
    height = TOP + len(shares) * ROW + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" style="{STYLE}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, (colour, word) in enumerate(zip(COLOURS, WORDS, strict=True)):
        x = LABEL + number * (BAR + GAP)
        parts.append(f'<rect x="{x}" y="16" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 20}" y="28">{word}</text>')
    for number, rule in enumerate(rules):
        bold = ' font-weight="bold"' if rule == rules[-1] else ""
        parts.append(f'<text x="{_x(number)}" y="{TOP - 16}"{bold}>{escape(rule)}</text>')
    for row, (network, found) in enumerate(shares.items()):
        y = TOP + row * ROW
        parts.append(f'<text x="{LABEL - 12}" y="{y + 13}" text-anchor="end">{escape(network)}</text>')
        for number, one in enumerate(found):
            parts += _bar(_x(number), y, one)
    return "\n".join([*parts, "</svg>", ""])


def _x(column: int) -> int:
    return LABEL + column * (BAR + GAP)


def _bar(x: float, y: int, shares: Shares) -> list[str]:
    parts = []
    title = ", ".join(f"{share:.1%} {word}" for share, word in zip(shares, WORDS, strict=True))
    widths = [share * BAR for share in shares]
    if 0 < widths[2] < 2:  # a mistake is to be seen, however rare
        widths[widths.index(max(widths))] -= 2 - widths[2]
        widths[2] = 2.0
    for colour, width in zip(COLOURS, widths, strict=True):
        if width:
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="17" fill="{colour}"/>')
        x += width
    return [f"<g><title>{title}</title>", *parts, "</g>"]
