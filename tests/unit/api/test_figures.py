"""The table of figures, and its twin in docs/operations.md."""

from __future__ import annotations

import re
from pathlib import Path

from api.figures import COUNTERS, GAUGES, SPREADS
from api.metrics import PREFIX

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(stepwell_\w+)` \| (.*) \| (.*) \|$", re.MULTILINE)


def test_the_document_lists_every_figure_as_it_is() -> None:
    counters = {
        (f"{PREFIX}{f.name}_total", ", ".join(f.labels), f.about) for f in COUNTERS
    }
    gauges = {(PREFIX + f.name, ", ".join(f.labels), f.about) for f in GAUGES}
    spreads = {
        (PREFIX + f.name, ", ".join(f.labels), f"{f.about} (histogram)")
        for f in SPREADS
    }

    assert set(ROW.findall(DOCUMENT.read_text())) == counters | gauges | spreads


def test_no_name_stands_twice() -> None:
    names = [figure.name for figure in (*COUNTERS, *GAUGES)]
    names += [spread.name for spread in SPREADS]

    assert len(set(names)) == len(names)
