from __future__ import annotations

from pathlib import Path

from ordercast.commerce.diagram import page

DOCUMENT = Path(__file__).parents[2] / "docs" / "status-flow.md"


def test_the_docs_draw_the_table_that_is_enforced() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == page()
