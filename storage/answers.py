"""What became of calls that got no answer: kept in the inbox for a minute, and in the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runtime.identity import ExecutionId
from storage.connections import Connections
from storage.statements import statements

_SQL: Final = statements("answers")
# How long after its verdict an asker that still lives has surely answered.
_MARGIN: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as the inbox knows it: equal calls, by the same caller, are equal here."""

    shard: int
    execution_id: ExecutionId
    kind: str
    body: str
    caller: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the values as parameters of a statement."""
        return {
            "shard": self.shard,
            "execution_id": self.execution_id,
            "kind": self.kind,
            "body": self.body,
            "caller": self.caller,
        }


@dataclass(frozen=True, slots=True)
class Ending:
    """The event that closed an attempt, as it is stored."""

    type: int
    data: str | None
    details: str | None
    memo: str | None


class Answers:
    """Looks up the verdicts of earlier calls."""

    def __init__(self, connections: Connections, *, asker: str, lease: float) -> None:
        """Take the engine that asks, and for how many seconds one is believed to live."""
        self._connections = connections
        self._asker = asker
        self._lease = timedelta(seconds=lease)

    async def take_over(self, call: Call) -> bool:
        """Answer in place of an asker who has not; tell whether there was one."""
        parameters = call.parameters() | {"asker": self._asker}
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["take_over"], parameters)
            return cursor.rowcount > 0

    async def are_answered(self, call: Call) -> bool | None:
        """Tell whether equal calls that were accepted are surely answered; None: there is none."""
        parameters = call.parameters() | {
            "asker": self._asker,
            "lease": self._lease,
            "margin": _MARGIN,
        }
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["askers"], parameters)
            found = [row[0] for row in await cursor.fetchall()]
        return all(found) if found else None

    async def ending(
        self, call: Call, scheduled_id: int, types: list[int], after: datetime
    ) -> Ending | None:
        """Return how an attempt was closed lately, under a holder that is gone."""
        async with self._connections() as connection:
            cursor = await connection.execute(
                _SQL["ending"],
                {
                    "shard": call.shard,
                    "execution_id": call.execution_id,
                    "event_id": scheduled_id,
                    "types": types,
                    "after": after,
                },
            )
            row = await cursor.fetchone()
        return None if row is None else Ending(*row)

    async def keep(self, call: Call, now: datetime) -> None:
        """Keep the verdict of an accepted call for whoever makes it again."""
        async with self._connections() as connection:
            await connection.execute(_SQL["keep"], call.parameters() | {"now": now})
