"""docs/exports.md has what the table says."""

from __future__ import annotations

import re

from keepapart.exports.formats import builtin
from keepapart.exports.page import PAGE, page


def test_the_page_is_what_the_table_says() -> None:
    """`make exports` would change nothing, and every format has a section."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert re.findall(r"^### (.*)$", text, re.M) == list(builtin())


def test_every_row_says_what_is_to_be_known() -> None:
    """What a missing value means, how it is applied and what a later change does is said of each."""
    for form in builtin().values():
        row = form.row
        assert "not said" not in (row.no_value, row.apply, row.later), form.name
        assert row.names_are and (
            row.names == type(row)(title="x").names or row.names_are != "any text on one line"
        )
