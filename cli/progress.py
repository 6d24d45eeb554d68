"""The progress of one execution, as it happens: which states were visited and how it went.

On a terminal it is a table that is drawn again with every event; elsewhere one line a
happening. Both go to stderr: stdout is for the output alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from cli.happenings import gist
from cli.tables import shortened
from cli.times import span

if TYPE_CHECKING:
    from rich.table import Table

    from storage.histories import EventRow

_SHOWN: Final = 40
_TROUBLE: Final = ("Failed", "TimedOut", "Aborted")
_LONGEST_NOTE: Final = 100


@dataclass(slots=True)
class Visit:
    """One visit of a state: since when, until when, and what is to be said of it."""

    state: str
    entered: datetime
    last: datetime
    is_over: bool = False
    attempts: int = 0
    note: str = ""

    @property
    def seconds(self) -> float:
        """How long it took, or has taken up to its last event."""
        return (self.last - self.entered).total_seconds()


class View(Protocol):
    """Where progress is shown."""

    def show(self, progress: Progress, said: Iterable[str]) -> None:
        """Show what has come about."""

    def close(self) -> None:
        """Leave what was shown as it is."""


class Progress:
    """The visits of an execution, made from the rows of its log."""

    def __init__(self) -> None:
        """Begin with none."""
        self.visits: dict[int, Visit] = {}
        self._began: datetime | None = None

    def take(self, row: EventRow) -> str | None:
        """Take the next event in; return what a person should hear of it."""
        self._began = self._began or row.time
        after = f"{(row.time - self._began).total_seconds():8.3f} s"
        said = self._tell(row)
        return None if said is None else f"{after}  {said}"

    def _tell(self, row: EventRow) -> str | None:
        if row.type.endswith("StateEntered"):
            state = row.state_name or ""
            self.visits[row.event_id] = Visit(state, row.time, row.time)
            return f"{state}: entered"
        visit = self.visits.get(row.visit or 0)
        if visit is None:
            return None
        visit.last = row.time
        if row.type.endswith("StateExited"):
            visit.is_over = True
            return f"{visit.state}: left after {span(visit.seconds)}"
        if row.type.endswith("Scheduled"):
            visit.attempts += 1
            again = f"attempt {visit.attempts}" if visit.attempts > 1 else ""
            return f"{visit.state}: {again}" if again else None
        if row.type.endswith(_TROUBLE) and row.details is not None:
            visit.note = shortened(gist(row.details), _LONGEST_NOTE)
            return f"{visit.state}: {visit.note}" if visit.note else None
        return None


def view() -> View:
    """Return the view that suits where stderr goes."""
    return _LiveView() if sys.stderr.isatty() else _Lines()


class _Lines:
    """One line a happening."""

    def show(self, progress: Progress, said: Iterable[str]) -> None:
        for line in said:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is held."""


class _LiveView:
    """A table that is drawn again and again."""

    def __init__(self) -> None:
        from rich.console import Console  # only a terminal needs it
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), auto_refresh=False)
        self._live.start()

    def show(self, progress: Progress, said: Iterable[str]) -> None:
        del said
        self._live.update(_drawn(progress), refresh=True)

    def close(self) -> None:
        self._live.stop()


def _drawn(progress: Progress) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, show_header=False, pad_edge=False)
    for visit in list(progress.visits.values())[-_SHOWN:]:
        mark = Text("✓", "green") if visit.is_over else Text("●", "yellow")
        note = visit.note
        if visit.attempts > 1:
            note = f"attempt {visit.attempts}  {note}".rstrip()
        drawn.add_row(mark, visit.state, span(visit.seconds), Text(note, "dim"))
    return drawn
