"""Make the table of README.md from platforms.toml: `make platforms`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE = FOLDER / "README.md"
BEGIN, END = "<!-- made of platforms.toml by `make platforms` -->\n", "<!-- end -->\n"
HEAD = (
    "platform",
    "host",
    "fault domain",
    "zone",
    "from inside, without an account",
    "needs",
    "what keepapart adds",
)


def platforms() -> list[Mapping[str, Any]]:
    """Return the rows, in the order of their names, "anything else" last."""
    rows: list[Mapping[str, Any]] = tomllib.loads((FOLDER / "platforms.toml").read_text("utf-8"))["platform"]
    return sorted(rows, key=lambda row: (row["name"] == "anything else", row["name"].lower()))


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    for row in platforms():
        provider = row["provider"]
        pages = (f"{provider}.md", f"../{provider}.md") if provider else ()
        page = next((page for page in pages if (FOLDER / page).exists()), "")
        name = f"[{row['name']}]({page})" if page else row["name"]
        kind = f" `{provider}`" if provider else ""
        told = [
            row["host"],
            row["fault_domain"],
            "yes" if row["zone"] else "",
            row["inside"],
            row["right"],
            row["adds"],
        ]
        lines.append("| " + " | ".join([name + kind, *(text or "–" for text in told)]) + " |")
    return "\n".join(lines) + "\n"


def rendered(page: str) -> str:
    """Return the page with the table as it should be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")
