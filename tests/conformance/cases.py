"""The cases: where they are found, how one is read, and which of them count.

Recorded cases live outside the repository: in the folder STEPWELL_CONFORMANCE_DIR names, else
in `shared/conformance` beside the project. The project's own ones are in `own/`, in the same
format. Some recorded values stand for whatever the service generated; those that a definition
or an input carries get one made-up value, on both sides. Of a time only the form matters, or
how many days off it is: the parameter in the name of the case tells.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
OWN: Final = HERE / "own"
BESIDE: Final = HERE.parents[2] / "shared" / "conformance"
DIRECTORY_VARIABLE: Final = "STEPWELL_CONFORMANCE_DIR"
REQUIRED_VARIABLE: Final = "STEPWELL_REQUIRE_CONFORMANCE"
ACCOUNT: Final = "111111111111"
REGION: Final = "us-east-1"
ACTIVITIES: Final = f"arn:aws:states:{REGION}:{ACCOUNT}:activity:"
CALLS: Final = ("api", "api_error")
EXECUTIONS: Final = ("execution", "express_sync", "express_async")
BEGINNING: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

_KNOWN: Final = {"<partition>": "aws", "<region>": REGION}
_PLACEHOLDER: Final = re.compile(r"<[A-Za-z][\w:.-]*>")
_FUNCTIONS: Final = re.compile(
    r"arn:[^:]*:lambda:.*|arn:[^:]*:states:::lambda:invoke(\..*)?|.*activity.*"
)
_TIME: Final = "<timestamp>"
_PARAMETER: Final = re.compile(r"\[(?P<days>\d+)\]$|\[(?P<ending>(?:\.\d+)?Z?)\]$")
_INNOCENT_SETUP: Final = frozenset({"logs"})


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its file's name and kind, and its data with placeholders filled in."""

    name: str
    kind: str
    data: dict[str, Any]
    has_own_time: bool = False

    @property
    def expected(self) -> dict[str, Any]:
        """What was recorded."""
        expected: dict[str, Any] = self.data["expected"]
        return expected

    @property
    def unverified(self) -> tuple[str, ...]:
        """The paths that a lenient comparison leaves out."""
        return tuple(self.data.get("upstream_unverified_paths") or ())

    @property
    def runs_a_map_run(self) -> bool:
        """Whether a distributed Map runs in it."""
        history = self.data.get("expected", {}).get("history") or ()
        return any(event["type"] == "MapRunStarted" for event in history)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stops it."""
        return bool(self.data.get("expected", {}).get("status") == "ABORTED")

    @property
    def services(self) -> list[str]:
        """The other services that the case needs: set up for it, or called by its tasks."""
        prepared = {step["service"] for step in self.data.get("setup") or ()}
        resources = () if self.kind in CALLS else self.data.get("resources") or ()
        called = [name for name in resources if not _FUNCTIONS.fullmatch(name)]
        return sorted(prepared - _INNOCENT_SETUP) + called


@cache
def recorded_directory() -> Path | None:
    """Find the recorded cases; None where there are none."""
    given = os.environ.get(DIRECTORY_VARIABLE)
    directory = Path(given) if given else BESIDE
    return directory if (directory / "cases").is_dir() else None


def is_required() -> bool:
    """Tell whether recorded cases that are missing are a failure."""
    return os.environ.get(REQUIRED_VARIABLE, "") not in ("", "0")


def recorded_cases(*kinds: str) -> list[Case]:
    """Read the recorded cases of some kinds."""
    directory = recorded_directory()
    return [] if directory is None else list(_read(directory / "cases", kinds))


def own_cases(*kinds: str) -> list[Case]:
    """Read the project's own cases of some kinds."""
    return list(_read(OWN, kinds))


def _read(directory: Path, kinds: tuple[str, ...]) -> Iterator[Case]:
    for kind in kinds:
        for path in sorted((directory / kind).glob("*.json")):
            yield read_case(path)


def read_case(path: Path) -> Case:
    """Read one case."""
    text = path.read_text("utf-8")
    data = json.loads(text)
    return Case(path.stem, data["kind"], filled(data), has_own_time=_TIME in text)


def filled(data: dict[str, Any]) -> dict[str, Any]:
    """Give every placeholder that is part of a definition, input or request its value."""
    given = json.dumps([data.get(name) for name in ("definition", "input", "request")])
    values = dict(_KNOWN)
    if _TIME in given:
        values[_TIME] = _time_of(data["name"])
    for placeholder in _PLACEHOLDER.findall(given):
        values.setdefault(placeholder, re.sub(r"\W", "-", placeholder.strip("<>")))
    filled_in: dict[str, Any] = _filled(data, values)
    if "activity_arn" in (data.get("resources") or ()):
        name = f"{ACTIVITIES}{sha256(data['name'].encode()).hexdigest()[:12]}"
        filled_in = json.loads(json.dumps(filled_in).replace("activity_arn", name))
    return filled_in


def _time_of(name: str) -> str:
    """Make up the time in the input of a case whose name tells what matters about it."""
    found = _PARAMETER.search(name)
    days, ending = (None, "Z") if found is None else found.group("days", "ending")
    time = BEGINNING + timedelta(days=int(days or 0))
    return f"{time:%Y-%m-%dT%H:%M:%S}{'Z' if ending is None else ending}"


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            _filled(name, values): _filled(inner, values)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    if isinstance(value, str) and "<" in value:
        return _PLACEHOLDER.sub(lambda found: values.get(found[0], found[0]), value)
    return value
