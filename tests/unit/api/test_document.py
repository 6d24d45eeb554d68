"""docs/api.md says what the table of operations says."""

from __future__ import annotations

import re
from pathlib import Path

from api.model import api_model
from api.operations import OPERATIONS

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


def test_document_lists_every_operation_as_it_is() -> None:
    rows = dict(re.findall(r"^\| (\w+) \| (yes|not yet)", DOCUMENT.read_text(), re.M))

    done = {operation.name for operation in OPERATIONS}
    assert set(rows) == set(api_model().operations)
    assert {name for name, state in rows.items() if state == "yes"} == done
