"""The comparison itself: what a lenient one leaves out."""

from __future__ import annotations

import pytest

from tests.conformance.matching import Matcher


@pytest.mark.parametrize(
    ("path", "is_left_out"),
    [
        (".diagnostics", True),
        (".diagnostics[1].message", True),
        (".result", False),
        (".Error.Message", True),
        (".Error.Code", False),
        ("", False),
    ],
)
def test_what_an_unverified_path_covers(path: str, is_left_out: bool) -> None:
    matcher = Matcher(["$..diagnostics", "$..Error.Message"])

    assert matcher.covers(path) is is_left_out
