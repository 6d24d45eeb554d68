"""Write docs/asl.md: what of the language is supported, told by the cases that prove it.

`python -m tests.conformance.documentation` writes the file; a test says when it is out of date.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.conformance.cases import CALLS, EXECUTIONS, Case, own_cases
from tests.conformance.lists import listed

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "asl.md"
_KINDS: Final = (*EXECUTIONS, "io_table", "test_state", *CALLS)
_SECTIONS: Final = (
    "States in JSONPath",
    "Tasks",
    "Errors: Retry and Catch",
    "Choice rules in JSONPath",
    "Parallel",
    "Map",
    "Variables",
    "JSONPath",
    "Intrinsic functions",
    "JSONata",
    "Functions that JSONata has here",
    "Express executions",
    "TestState",
    "Definitions that are refused",
)
_INTRODUCTION: Final = """\
# The Amazon States Language, as Stepwell runs it

Definitions run unchanged: both query languages, JSONPath and JSONata, all eight types of states,
variables, and the error names, causes and history events of the public service. Each sentence
below is proved by a case: a definition, an input, and what must come of it, in
`tests/conformance/own/`. `make test` runs all of them in memory, and those that take no time once
more over HTTP on PostgreSQL. A Task calls functions and activities; of other services see
[integrations](api.md#what-to-know).

This file is written by `python -m tests.conformance.documentation` from those cases.
"""
_LIMITS: Final = """\
## What is not there yet

The cases recorded from the public service are not part of the project; where they are at hand
(`STEPWELL_CONFORMANCE_DIR`), the same runner runs them. Those that do not pass, with the reason, are in
`tests/conformance/known_failures.txt`:
"""


def document() -> str:
    """Return the text of the document."""
    sections: dict[str, list[Case]] = defaultdict(list)
    for case in own_cases(*_KINDS):
        sections[case.data["section"]].append(case)
    assert set(sections) == set(_SECTIONS), "every section has its place"
    parts = [_INTRODUCTION]
    parts += [_section(title, sections[title]) for title in _SECTIONS]
    parts.append(_missing())
    return "\n".join(parts)


def _section(title: str, cases: list[Case]) -> str:
    rows = [(case.data["says"], case.kind, case.name) for case in cases]
    lines = [f"## {title}", "", "| what | case |", "|---|---|"]
    lines += [f"| {_escaped(says)} | `{kind}/{name}` |" for says, kind, name in rows]
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _missing() -> str:
    reasons: dict[str, int] = defaultdict(int)
    for reason in listed("known_failures.txt").values():
        reasons[reason] += 1
    rows = [
        f"| {_escaped(reason)} | {count} |" for reason, count in sorted(reasons.items())
    ]
    return "\n".join([_LIMITS, "| why | cases |", "|---|---:|", *rows, ""])


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(), "utf-8")


if __name__ == "__main__":
    main()
