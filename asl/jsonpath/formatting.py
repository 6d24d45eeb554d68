"""`States.Format`, and values as the public service (a Java program) writes them in text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from asl.payload import Json

_ESCAPE: Final = re.compile(r"\\(['{}\\])")
_PLACEHOLDER: Final = re.compile(r"\\[{}]|\{\}|[{}]")
_LEAST_PLAIN: Final = 1e-3
_LEAST_LARGE: Final = 1e7


def unescape(text: str) -> str:
    """Resolve the escapes of a quoted text."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


@dataclass(frozen=True, slots=True)
class FormatTemplate:
    """The fixed parts of a format text; a value stands between each two of them."""

    parts: tuple[str, ...]

    def fill(self, values: list[Json]) -> str:
        """Put the values between the parts."""
        pieces = [self.parts[0]]
        for value, part in zip(values, self.parts[1:], strict=True):
            pieces.append(java_text(value))
            pieces.append(part)
        return "".join(pieces)


@lru_cache(maxsize=1024)
def parse_format(template: str) -> FormatTemplate:
    """Split a template at each `{}`; raise ValueError at a brace that is not escaped."""
    parts: list[str] = []
    position = 0
    for match in _PLACEHOLDER.finditer(template):
        if match[0] == "{}":
            parts.append(unescape(template[position : match.start()]))
            position = match.end()
        elif len(match[0]) == 1:
            raise ValueError("Matching '{' or '}' must be escaped with a backslash")
    parts.append(unescape(template[position:]))
    return FormatTemplate(tuple(parts))


def java_text(value: Json) -> str:
    """Write a value as Java's toString does: `{Id=1, Names=[a, b]}`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={java_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return _java_double(value) if isinstance(value, float) else str(value)


def _java_double(value: float) -> str:
    """Write a number as Java does: with an exponent below 0.001 and from ten million on."""
    if value == 0 or _LEAST_PLAIN <= abs(value) < _LEAST_LARGE:
        return f"{Decimal(repr(value)):f}"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = digits
    fraction = "".join(map(str, rest)) or "0"
    shown = int(exponent) + len(digits) - 1
    return f"{'-' if sign else ''}{first}.{fraction}E{shown}"
