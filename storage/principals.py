"""Principals as JSON: in the memo of an event, and beside a stimulus in the inbox."""

from __future__ import annotations

from typing import Any

from asl.jsontext import dumps, loads
from asl.payload import Json
from runtime.principal import Principal


def plain_principal(principal: Principal) -> dict[str, Json]:
    """Make an object of a principal."""
    return {"key": principal.key_id, "name": principal.name}


def principal_of(plain: Any) -> Principal:
    """Read such an object."""
    return Principal(plain["key"], plain["name"])


def principal_text(principal: Principal | None) -> str | None:
    """Write a principal as JSON text; nobody stays None."""
    return None if principal is None else dumps(plain_principal(principal))


def principal_of_text(text: str | None) -> Principal | None:
    """Read such a text."""
    return None if text is None else principal_of(loads(text))
