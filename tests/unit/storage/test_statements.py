"""Files of SQL statements are divided by name."""

from __future__ import annotations

import pytest

from storage.statements import of_column, parse, statements


def test_a_file_is_divided_into_its_statements_without_comments() -> None:
    text = "-- name: one\n-- 100 % safe.\nSELECT 1;\n\n-- name: two\nSELECT\n  -- why\n  2;\n"

    found = parse(text)

    assert found == {"one": b"SELECT 1", "two": b"SELECT\n  2"}


def test_a_statement_without_a_name_is_an_error() -> None:
    with pytest.raises(AssertionError, match="before the first name"):
        parse("SELECT 1;\n-- name: one\nSELECT 1;")


def test_a_name_cannot_stand_twice() -> None:
    with pytest.raises(AssertionError, match="twice"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;")


def test_the_statements_of_timers_are_found() -> None:
    assert {"due_timers", "next_due"} <= set(statements("timers"))


def test_a_column_is_put_where_a_statement_leaves_it_open() -> None:
    found = of_column(b"SELECT {column} FROM t WHERE {column} = %(x)s", "a_b")

    assert found == b'SELECT "a_b" FROM t WHERE "a_b" = %(x)s'
