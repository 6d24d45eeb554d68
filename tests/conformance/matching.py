"""Compare a recorded value with an actual one.

Texts that hold JSON are compared as JSON, on whichever side they are still texts. A word such
as `timestamp` stands for any value; `<uuid:1>` for one value throughout a case. Paths that a
lenient comparison leaves out are matched from the end, as in `$..stateEnteredEventDetails.input`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

# What stands for any value whatever, as a whole.
_ANYTHING: Final = re.compile(
    r"(?i)timestamp|date|datetime|(start|stop|entered)-(date|time)|s[nf]{2}_role_arn\w*"
    r"|<[\w-]*(date|time|timestamp)>|(x-amzn-)?request-?id|x-amzn-trace-id"
    r"|RandomNumberGenerated"
)
_PLACEHOLDER: Final = re.compile(r"<[A-Za-z][\w:.-]*>")
_STEP: Final = re.compile(r"(\.\.|\.)([\w*-]+)|\[(\d+|\*)\]|\['([^']*)'\]")
_WRITTEN_STEP: Final = re.compile(r"\.[^.\[]+|\[\d+\]")
_MISSING: Final = object()


class Matcher:
    """What the placeholders of one case stand for, and what is not compared."""

    def __init__(self, unverified: Iterable[str] = ()) -> None:
        """Take the paths to leave out."""
        self.bound: dict[str, str] = {}
        self._unverified = [_pattern(path) for path in unverified]

    def trial(self) -> Matcher:
        """Return a copy, to try a comparison that may be dropped."""
        copy = Matcher()
        copy.bound = dict(self.bound)
        copy._unverified = self._unverified
        return copy

    def adopt(self, trial: Matcher) -> None:
        """Keep what a trial has bound."""
        self.bound = trial.bound

    def ignores(self, path: Path) -> bool:
        """Tell whether what stands at a path is left out."""
        text = rendered(path)
        return any(pattern.search(text) for pattern in self._unverified)

    def covers(self, text: str) -> bool:
        """Tell whether what stands at a written path, or around it, is left out."""
        ends = [step.end() for step in _WRITTEN_STEP.finditer(text)]
        return any(
            pattern.search(text[:end]) for pattern in self._unverified for end in ends
        )

    def differences(self, recorded: Any, actual: Any, path: Path = ()) -> list[str]:
        """Return every difference, each with its path."""
        if self.ignores(path):
            return []
        if isinstance(recorded, dict | list) and isinstance(actual, str):
            actual = parsed(actual)
        if isinstance(recorded, dict) and isinstance(actual, dict):
            return self._in_members(recorded, actual, path)
        if isinstance(recorded, list) and isinstance(actual, list):
            return self._in_items(recorded, actual, path)
        if isinstance(recorded, str) and isinstance(actual, str):
            return self._in_texts(recorded, actual, path)
        if isinstance(recorded, str) and _ANYTHING.fullmatch(recorded):
            return [] if actual is not _MISSING else [_told(path, recorded, actual)]
        same = type(recorded) is type(actual) and recorded == actual
        return [] if same else [_told(path, recorded, actual)]

    def _in_members(
        self, recorded: dict[str, Any], actual: dict[str, Any], path: Path
    ) -> list[str]:
        found: list[str] = []
        for name in [*recorded, *(name for name in actual if name not in recorded)]:
            inner = (*path, name)
            if self.ignores(inner):
                continue
            if name not in actual:
                found.append(f"{rendered(inner)} is missing: {_short(recorded[name])}")
            elif name not in recorded:
                found.append(f"{rendered(inner)} is new: {_short(actual[name])}")
            else:
                found += self.differences(recorded[name], actual[name], inner)
        return found

    def _in_items(
        self, recorded: Sequence[Any], actual: Sequence[Any], path: Path
    ) -> list[str]:
        if len(recorded) != len(actual):
            counts = f"{len(actual)} items instead of {len(recorded)}"
            return [f"{rendered(path)} has {counts}: {_short(actual)}"]
        return [
            difference
            for index, (wanted, given) in enumerate(zip(recorded, actual, strict=True))
            for difference in self.differences(wanted, given, (*path, index))
        ]

    def _in_texts(self, recorded: str, actual: str, path: Path) -> list[str]:
        if recorded == actual or _ANYTHING.fullmatch(recorded):
            return []
        if self._binds(recorded, actual):
            return []
        wanted, given = parsed(recorded), parsed(actual)
        if (wanted, given) == (recorded, actual):
            return [_told(path, recorded, actual)]
        return self.differences(wanted, given, path)

    def _binds(self, recorded: str, actual: str) -> bool:
        """Match a text with placeholders; bind those that are met for the first time."""
        pattern, groups = self._expression(recorded)
        if not groups and "<" not in recorded:
            return False
        found = re.fullmatch(pattern, actual, re.DOTALL)
        if found is None:
            return False
        for placeholder, group in groups.items():
            self.bound.setdefault(placeholder, found[group])
        return True

    def _expression(self, recorded: str) -> tuple[str, dict[str, str]]:
        parts: list[str] = []
        groups: dict[str, str] = {}
        position = 0
        for placeholder in _PLACEHOLDER.finditer(recorded):
            parts.append(re.escape(recorded[position : placeholder.start()]))
            position, name = placeholder.end(), placeholder[0]
            if _ANYTHING.fullmatch(name):
                parts.append(".*?")
            elif name in self.bound:
                parts.append(re.escape(self.bound[name]))
            elif name in groups:
                parts.append(f"(?P={groups[name]})")
            else:
                groups[name] = f"g{len(groups)}"
                parts.append(f"(?P<{groups[name]}>.+?)")
        return "".join(parts) + re.escape(recorded[position:]), groups


def parsed(text: str) -> Any:
    """Return the value of a JSON text, or the text where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def rendered(path: Path) -> str:
    """Write a path down."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path
    )


def _pattern(path: str) -> re.Pattern[str]:
    """Compile `$..a.b[2]` into an expression over written-down paths."""
    parts: list[str] = []
    for dots, name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if dots == ".." and parts:
            parts.append(r"(?:\.[^.\[]+|\[\d+\])*")
        if index:
            parts.append(r"\[\d+\]" if index == "*" else rf"\[{index}\]")
        else:
            parts.append(
                r"\.[^.\[]+" if name == "*" else rf"\.{re.escape(name or quoted)}"
            )
    return re.compile("".join(parts) + "$")


def _told(path: Path, recorded: Any, actual: Any) -> str:
    return f"{rendered(path)}: {_short(recorded)} became {_short(actual)}"


def _short(value: Any) -> str:
    text = json.dumps(value) if value is not _MISSING else "nothing"
    return text if len(text) <= 400 else f"{text[:400]}..."
