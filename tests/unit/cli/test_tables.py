"""Tables of text, and how times are written."""

import pytest

from cli.tables import shortened, table
from cli.times import moment, span


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    drawn = table(("id", "state"), [(1, "CheckInventory"), (22, None)])

    assert drawn.splitlines() == [
        "id  state",
        "--  --------------",
        "1   CheckInventory",
        "22",
    ]


def test_a_cell_stays_on_its_line() -> None:
    assert "one two" in table(("text",), [("one\n two",)])


def test_a_cell_keeps_its_indentation() -> None:
    assert table(("plan",), [("  ->  Seq  Scan",)]).endswith("\n  -> Seq Scan")


def test_a_long_text_is_cut_with_a_sign() -> None:
    assert shortened("abcdefgh", 5) == "abcd…"
    assert shortened("abcde", 5) == "abcde"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0123, "0.012 s"),
        (12.34, "12.3 s"),
        (75, "1 min 15 s"),
        (7260, "2 h 1 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_a_duration_is_written_in_the_unit_that_suits_it(
    seconds: float, written: str
) -> None:
    assert span(seconds) == written


def test_a_moment_is_written_in_utc() -> None:
    assert moment(0) == "1970-01-01 00:00:00"
    assert moment(None) == ""
