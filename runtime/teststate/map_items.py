"""What a tested Map would iterate over: from its input, or from the data of its reader."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from typing import Final

from asl.errors import PayloadError, StatesError
from asl.jsontext import loads
from asl.payload import Json, Payload
from runtime.teststate.errors import RefusedTrialError
from runtime.teststate.inspection import Inspection
from runtime.teststate.subject import Subject

_DELIMITERS: Final = {
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "SPACE": " ",
    "TAB": "\t",
}


def read_items(
    subject: Subject, data: str, inspection: Inspection
) -> list[Json] | None:
    """Return the items in the data of an ItemReader; None for a format that is not text."""
    reader = subject.fields.get("ItemReader")
    config = reader.get("ReaderConfig") if isinstance(reader, dict) else None
    config = config if isinstance(config, dict) else {}
    read = _READERS.get(str(config.get("InputType", "JSON")))
    if read is None:
        return None
    found = read(data, config, inspection)
    most = config.get("MaxItems")
    return found[:most] if isinstance(most, int) else found


def _read_json(
    data: str, config: dict[str, Json], inspection: Inspection
) -> list[Json]:
    value = _parsed(data)
    pointer = config.get("ItemsPointer")
    if isinstance(pointer, str):
        value = _pointed(value, pointer)
        inspection.show("afterItemsPointer", Payload.of_value(value))
    if isinstance(value, dict):
        return [{"Key": key, "Value": item} for key, item in value.items()]
    if not isinstance(value, list):
        cause = "Attempting to map over non-iterable node."
        raise StatesError("States.ItemReaderFailed", cause, prefixed=False)
    return value


def _read_lines(
    data: str, _config: dict[str, Json], _inspection: Inspection
) -> list[Json]:
    return [_parsed(line) for line in data.splitlines() if line.strip()]


def _read_rows(
    data: str, config: dict[str, Json], _inspection: Inspection
) -> list[Json]:
    delimiter = _DELIMITERS.get(str(config.get("CSVDelimiter")), ",")
    rows: Iterator[list[str]] = csv.reader(data.splitlines(), delimiter=delimiter)
    given = config.get("CSVHeaders")
    if isinstance(given, list):
        headers = [str(name) for name in given]
    else:
        headers = next(islice(rows, 1), [])
    if len({*headers}) < len(headers):
        cause = "CSV headers cannot contain duplicates."
        raise StatesError("States.ItemReaderFailed", cause, prefixed=False)
    return [_record(headers, row) for row in rows]


def _record(headers: list[str], row: list[str]) -> Json:
    """Name the fields of a row; what has no name is dropped, what is missing is empty."""
    return dict(zip_longest(headers, row[: len(headers)], fillvalue=""))


_READERS: Final[dict[str, Callable[[str, dict[str, Json], Inspection], list[Json]]]] = {
    "JSON": _read_json,
    "JSONL": _read_lines,
    "CSV": _read_rows,
}


def _parsed(text: str) -> Json:
    try:
        return loads(text)
    except PayloadError as error:
        msg = f"The data of the ItemReader must be valid JSON: {error}"
        raise RefusedTrialError(msg) from None


def _pointed(value: Json, pointer: str) -> Json:
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            cause = f"The ItemsPointer '{pointer}' leads to nothing in the data."
            raise StatesError("States.ItemReaderFailed", cause, prefixed=False)
    return value
