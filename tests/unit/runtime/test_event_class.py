"""What builds events where it is hot builds what the class would."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from runtime.event_class import builder
from runtime.events import EVENT_CLASSES, HistoryEvent

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("event_class", EVENT_CLASSES)
def test_a_builder_builds_what_the_class_does(event_class: type[HistoryEvent]) -> None:
    named = {field.name: field.name for field in dataclasses.fields(event_class)}

    assert builder(event_class)(time=NOW) == event_class(time=NOW)
    assert builder(event_class)(**named) == event_class(**named)  # type: ignore[arg-type]


def test_a_builder_wants_what_the_class_wants() -> None:
    with pytest.raises(TypeError, match="time"):
        builder(HistoryEvent)(id=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unknown"):
        builder(HistoryEvent)(time=NOW, unknown=1)  # type: ignore[call-arg]
