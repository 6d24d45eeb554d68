"""The settings file: what it sets, and what it refuses."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from api.throttle import Rate
from cli.errors import UsageError
from cli.settings import Settings, read_settings
from runtime.limits import DEFAULTS, Limits

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
RATE = 'operations = ["StartExecution"]\nper_second = 300\nburst = 1300'


def read(folder: Path, text: str) -> Settings:
    file = folder / "stepwell.toml"
    file.write_text(text)
    return read_settings(str(file))


def test_without_a_file_everything_has_its_default() -> None:
    assert read_settings(None) == Settings(limits=DEFAULTS, rates=())


def test_what_is_named_is_set_and_the_rest_stays(tmp_path: Path) -> None:
    found = read(tmp_path, f"[limits]\nhistory_events = 50000\n[[rates]]\n{RATE}\n")

    assert found.limits == Limits(history_events=50_000)
    rate = Rate(operations=("StartExecution",), per_second=300.0, burst=1_300)
    assert found.rates == (rate,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("limits = [", "cannot be read"),
        ("[limit]", "no table 'limit'; there is limits, rates"),
        ("[limits]\nevents = 5", "no limit 'events'"),
        ("[limits]\nhistory_events = 0", "history_events must be a whole number"),
        ("[limits]\nhistory_events = true", "history_events must be a whole number"),
        ("limits = 5", "must stand in a table"),
        ("rates = 5", r"\[\[rates\]\]"),
        ("[[rates]]\nburst = 5", "needs operations, per_second"),
        (f"[[rates]]\n{RATE}\nper_minute = 1", "no member"),
        (f"[[rates]]\n{RATE}".replace("= 300", "= -1"), "above 0"),
        (f"[[rates]]\n{RATE}".replace("= 300", "= inf"), "above 0"),
        (f"[[rates]]\n{RATE}".replace("= 300", "= true"), "above 0"),
        (f"[[rates]]\n{RATE}".replace("Execution", ""), "no operation 'Start'"),
        (f"[[rates]]\n{RATE}".replace("Start", "start*"), "no operation 'start"),
        (f"[[rates]]\n{RATE}".replace("1300", "0.5"), "burst must be"),
        (f"[[rates]]\n{RATE}".replace("[", '"').replace("]", '"'), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(str(tmp_path / "none.toml"))


def test_the_document_shows_every_limit_with_its_default() -> None:
    example = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example is not None

    shown = tomllib.loads(example[1])["limits"]

    assert shown == {field.name: field.default for field in fields(Limits)}
