"""Logs that were written once fold to the same state for ever."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runtime.evolve import fold
from storage.codec import EventRow, decode, encode
from tests.histories.recording import FOLDER, SCENARIOS, plain, recording
from tests.support.portraits import portrait
from tests.support.soundness import assert_sound

RECORDINGS = sorted(FOLDER.glob("*.json"))
_TIME = EventRow._fields.index("time")


def load(path: Path) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads(path.read_text())
    return recorded


def rows_of(recorded: dict[str, Any]) -> list[EventRow]:
    rows = []
    for columns in recorded["rows"]:
        columns[_TIME] = datetime.fromisoformat(columns[_TIME])
        rows.append(EventRow(*columns))
    return rows


def assert_contains(actual: Any, recorded: Any, where: str = "state") -> None:
    """Check that all that was recorded is there; a field may have been added since."""
    if isinstance(recorded, dict):
        for name, value in recorded.items():
            assert_contains(actual[name], value, f"{where}.{name}")
    elif isinstance(recorded, list):
        assert len(actual) == len(recorded), where
        for index, value in enumerate(recorded):
            assert_contains(actual[index], value, f"{where}[{index}]")
    else:
        assert actual == recorded, where


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_log_folds_to_the_recorded_state(path: Path) -> None:
    recorded = load(path)

    log = decode(rows_of(recorded))
    execution = fold(recorded["shard"], recorded["execution_id"], log)

    assert_contains(plain(portrait(execution)), recorded["state"])
    assert_sound(execution)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_log_is_written_as_it_was(path: Path) -> None:
    rows = rows_of(load(path))

    assert [encode(event) for event in decode(rows)] == rows


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_every_scenario_is_recorded(scenario: Any) -> None:
    assert (FOLDER / f"{scenario.__name__}.json").is_file()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_every_scenario_still_runs(scenario: Any) -> None:
    assert recording(scenario)["rows"]
