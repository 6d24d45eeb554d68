"""docs/asl.md tells what the cases prove."""

from __future__ import annotations

from tests.conformance.documentation import DOCUMENT, document


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), (
        "run `python -m tests.conformance.documentation`"
    )
