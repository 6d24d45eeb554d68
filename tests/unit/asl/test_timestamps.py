from datetime import UTC, datetime
from typing import Any

import pytest

from asl.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-03-14T01:59:00Z", datetime(2016, 3, 14, 1, 59, tzinfo=UTC)),
        (
            "2016-03-14T01:59:00.5Z",
            datetime(2016, 3, 14, 1, 59, 0, 500_000, tzinfo=UTC),
        ),
        ("2016-03-14T01:59:00+02:00", datetime(2016, 3, 13, 23, 59, tzinfo=UTC)),
        ("2016-03-14T01:59:00-02:30", datetime(2016, 3, 14, 4, 29, tzinfo=UTC)),
    ],
)
def test_timestamps(text: str, expected: Any) -> None:
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-05",
        "2016-12-05T21:29:29",
        "2016-12-05 21:29:29Z",
        "2016-12-05t21:29:29z",
        "2016-13-05T21:29:29Z",
        "2016-12-05T25:29:29Z",
        "05-12-2016T21:29:29Z",
        "0001-01-01T00:00:00+23:59",
        "٢٠١٦-12-05T21:29:29Z",
        "",
    ],
)
def test_what_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None
