"""What is wrong with a text that is no JSON, in the words of the service's own parser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

_SHOWN: Final = 500
_TOKEN: Final = re.compile(r"[\w$]+")
_EXPECTED: Final = (
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
)
_DELIMITERS: Final = {
    "Expecting property name enclosed in double quotes": (
        "was expecting double-quote to start field name"
    ),
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate Object or Array entries",
}
# From version 3.13 on Python names the comma before an end, and not what should follow it.
_TRAILING: Final = {
    "Illegal trailing comma before end of object": (
        "Expecting property name enclosed in double quotes"
    ),
    "Illegal trailing comma before end of array": "Expecting value",
}
_COMMA: Final = re.compile(r",[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class JsonFault:
    """The message, and the place in the text: as the service writes it, and where it begins."""

    message: str
    source: str
    line: int
    column: int


def find_fault(text: str, otherwise: str) -> JsonFault:
    """Say where and why a text is no JSON; `otherwise` when the reason is not its syntax."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _fault(text, error)
    except (RecursionError, ValueError):
        pass
    return _placed(text, 0, 0, otherwise)


def _fault(text: str, error: json.JSONDecodeError) -> JsonFault:
    position, wanted = error.pos, _TRAILING.get(error.msg, error.msg)
    if wanted != error.msg and (comma := _COMMA.match(text, position)):
        position = comma.end()
    if position >= len(text.rstrip()):
        return _placed(text, len(text), position, "Unexpected end-of-input")
    token = _TOKEN.match(text, position)
    if wanted == "Expecting value" and token is not None:
        message = f"Unrecognized token '{token[0]}': was expecting {_EXPECTED}"
        return _placed(text, token.end(), position, message)
    character = text[position]
    expected = _DELIMITERS.get(wanted, f"expected a valid value {_EXPECTED}")
    message = (
        f"Unexpected character ('{character}' (code {ord(character)})): {expected}"
    )
    return _placed(text, position + 1, position, message)


def _placed(text: str, end: int, begin: int, message: str) -> JsonFault:
    line, column = _line_and_column(text, end)
    source = f"[Source: (String){_excerpt(text)}; line: {line}, column: {column}]"
    return JsonFault(f"{message}\n at {source}", source, *_line_and_column(text, begin))


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    line = text.count("\n", 0, position) + 1
    return line, position - text.rfind("\n", 0, position)


def _excerpt(text: str) -> str:
    if len(text) <= _SHOWN:
        return f'"{text}"'
    return f'"{text[:_SHOWN]}"[truncated {len(text) - _SHOWN} chars]'
