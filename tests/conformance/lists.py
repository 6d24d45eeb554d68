"""The lists of cases that do not count as they stand, each with its reason.

`known_failures.txt`: cases that do not pass yet. `undecidable.txt`: cases whose data leave open
what is right. One line each, `KIND/NAME: reason`; `#` begins a comment.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from tests.conformance.cases import HERE, Case

FILES: Final = ("known_failures.txt", "undecidable.txt")


@cache
def listed(file: str) -> dict[str, str]:
    """Read a list: reasons by case."""
    found: dict[str, str] = {}
    for line in (HERE / file).read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            found[name.strip()] = reason.strip()
    return found


def key(case: Case) -> str:
    """Return how the lists name a case."""
    return f"{case.kind}/{case.name}"


def is_known_failure(case: Case) -> bool:
    """Tell whether a case is listed as failing."""
    return key(case) in listed("known_failures.txt")


def is_undecidable(case: Case) -> bool:
    """Tell whether a case is listed as undecidable."""
    return key(case) in listed("undecidable.txt")
