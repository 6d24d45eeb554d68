"""Arrays in PostgreSQL's binary form: the same bytes that psycopg would send, or the truth.

Where psycopg has a binary dumper of its own for lists, it is the judge; texts and times are
judged by psycopg's binary loader.
"""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from psycopg.adapt import Transformer
from psycopg.pq import Format

from storage.arrays import (
    PgArray,
    int2_array,
    int4_array,
    int8_array,
    text_array,
    timestamptz_array,
    uuid_array,
)


def read(array: PgArray) -> Any:
    """Read an array as psycopg reads one that the server has sent."""
    loader = Transformer().get_loader(array.array_oid, Format.BINARY)
    return loader.load(array.data)


def integers(bits: int) -> some.SearchStrategy[int]:
    return some.integers(min_value=-(2 ** (bits - 1)), max_value=2 ** (bits - 1) - 1)


@given(some.lists(integers(16)))
def test_small_integers_are_read_as_they_were(values: list[int]) -> None:
    assert read(int2_array(values)) == values


@given(some.lists(some.none() | integers(32)))
def test_integers_are_read_as_they_were(values: list[int | None]) -> None:
    assert read(int4_array(values)) == values


@given(some.lists(some.none() | integers(64)))
def test_big_integers_are_read_as_they_were(values: list[int | None]) -> None:
    assert read(int8_array(values)) == values


@given(some.lists(some.none() | some.text()))
def test_texts_are_read_as_they_were(values: list[str | None]) -> None:
    assert read(text_array(values)) == values


@given(some.lists(some.uuids()))
def test_uuids_are_read_as_they_were(values: list[uuid.UUID]) -> None:
    assert read(uuid_array(value.bytes for value in values)) == values


@given(some.lists(some.none() | some.datetimes(timezones=some.just(UTC))))
def test_times_are_read_to_the_microsecond(values: list[datetime | None]) -> None:
    assert read(timestamptz_array(values)) == values


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert read(timestamptz_array([moment])) == [moment.astimezone(UTC)]


def test_a_time_that_repeats_is_written_each_time() -> None:
    moment = datetime(2026, 3, 1, 9, tzinfo=UTC)
    later = moment + timedelta(microseconds=1)

    assert read(timestamptz_array([moment, moment, None, moment, later])) == [
        moment,
        moment,
        None,
        moment,
        later,
    ]


@pytest.mark.parametrize(
    "make",
    [int2_array, int4_array, int8_array, text_array, uuid_array, timestamptz_array],
)
def test_an_empty_array_is_empty(make: Any) -> None:
    assert read(make([])) == []


def test_a_lone_surrogate_is_left_for_the_server_to_refuse() -> None:
    assert text_array(["a\ud800"]).data.endswith(b"a\xed\xa0\x80")


@pytest.mark.parametrize(
    ("make", "value"), [(int2_array, 2**15), (int4_array, 2**31), (int8_array, 2**63)]
)
def test_an_integer_out_of_range_is_an_error(make: Any, value: int) -> None:
    with pytest.raises(struct.error):
        make([value])
