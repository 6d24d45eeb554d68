"""The lists name cases that exist, each once and with its reason."""

from __future__ import annotations

import pytest

from tests.conformance.cases import (
    CALLS,
    EXECUTIONS,
    HERE,
    is_required,
    own_cases,
    recorded_cases,
    recorded_directory,
)
from tests.conformance.lists import FILES, key, listed

KINDS = (*EXECUTIONS, *CALLS, "io_table", "test_state")
LEAST_OWN_CASES = 150


@pytest.mark.parametrize("file", FILES)
def test_every_listed_case_has_a_reason(file: str) -> None:
    assert [name for name, reason in listed(file).items() if not reason] == []


def test_no_case_is_listed_twice() -> None:
    lines = [
        line.partition(":")[0]
        for file in FILES
        for line in (HERE / file).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]

    assert sorted(set(lines)) == sorted(lines)


def test_every_listed_case_exists() -> None:
    if recorded_directory() is None and not is_required():
        pytest.skip("NO RECORDED CASES: see tests/conformance/cases.py")
    known = {key(case) for case in recorded_cases(*KINDS)}

    assert [name for file in FILES for name in listed(file) if name not in known] == []


def test_no_own_case_is_listed() -> None:
    own = {key(case) for case in own_cases(*KINDS)}

    assert own.isdisjoint({name for file in FILES for name in listed(file)})


def test_there_are_enough_own_cases() -> None:
    names = [case.name for case in own_cases(*KINDS)]

    assert len(set(names)) == len(names)
    assert len(names) >= LEAST_OWN_CASES
