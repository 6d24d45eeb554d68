"""The settings file: limits and rates, in TOML.

    [limits]
    history_events = 50000

    [[rates]]
    operations = ["StartExecution"]
    per_second = 300
    burst = 1300

What is not named keeps its default; what is named wrongly is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Any, Final

from api.model import api_model
from api.throttle import Rate
from cli.errors import UsageError
from runtime.limits import DEFAULTS, Limits

_TABLES: Final = ("limits", "rates")
_RATE: Final = {"operations", "per_second", "burst"}


class _FaultError(Exception):
    """Something in the file is wrong; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a settings file says."""

    limits: Limits = DEFAULTS
    rates: tuple[Rate, ...] = ()


def read_settings(path: str | None) -> Settings:
    """Read a file; without one, everything has its default."""
    if path is None:
        return Settings()
    try:
        text = Path(path).read_text("utf-8")
        found = tomllib.loads(text)
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {error}"
        raise UsageError(msg) from None
    try:
        return _settings(found)
    except _FaultError as error:
        msg = f"{path}: {error}"
        raise UsageError(msg) from None


def _settings(found: Mapping[str, Any]) -> Settings:
    _refuse_others("table", found, _TABLES)
    rates = found.get("rates", [])
    if not isinstance(rates, list):
        raise _FaultError("rates is a list of tables: [[rates]]")
    return Settings(
        limits=_limits(found.get("limits", {})),
        rates=tuple(_rate(rate) for rate in rates),
    )


def _limits(found: Mapping[str, Any]) -> Limits:
    names = [field.name for field in fields(Limits)]
    _refuse_others("limit", found, names)
    for name, value in found.items():
        if not _is_count(value):
            msg = f"{name} must be a whole number, 1 or more"
            raise _FaultError(msg)
    return Limits(**found)


def _rate(found: Mapping[str, Any]) -> Rate:
    _refuse_others("member of [[rates]]", found, _RATE)
    if missing := _RATE - found.keys():
        msg = f"[[rates]] needs {', '.join(sorted(missing))}"
        raise _FaultError(msg)
    operations, speed = found["operations"], found["per_second"]
    if not isinstance(operations, list) or not all(
        isinstance(name, str) for name in operations
    ):
        raise _FaultError(
            "operations must be a list of names, which may have wildcards"
        )
    _refuse_unknown_operations(operations)
    if not _is_speed(speed):
        raise _FaultError("per_second must be a number above 0")
    if not _is_count(found["burst"]):
        raise _FaultError("burst must be a whole number, 1 or more")
    return Rate(
        operations=tuple(operations), per_second=float(speed), burst=found["burst"]
    )


def _refuse_unknown_operations(patterns: list[str]) -> None:
    """Refuse a name that throttles nothing: it is a slip of the pen."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in api_model().operations):
            msg = f"there is no operation {pattern!r} to have a rate"
            raise _FaultError(msg)


def _is_speed(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and value > 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _refuse_others(kind: str, found: Mapping[str, Any], known: Any) -> None:
    if not isinstance(found, Mapping):
        msg = f"a {kind} must stand in a table of its own"
        raise _FaultError(msg)
    if unknown := sorted(found.keys() - set(known)):
        msg = f"there is no {kind} {unknown[0]!r}; there is {', '.join(sorted(known))}"
        raise _FaultError(msg)
