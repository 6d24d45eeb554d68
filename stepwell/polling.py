"""Asks the server for tasks: one poll after the other, at most one in flight.

Every poll carries the inventory, and only the answer to the latest poll is ever read:
that is what makes the promises of `inventory.py` hold. A worker without room does not
wait on the server but for room, and polls now and then to show that it lives.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from stepwell.crew import Crew
from stepwell.inventory import Inventory
from stepwell.session import TROUBLE, Backoff, RefusedError, Session
from stepwell.transport import Channel

WAIT_SECONDS = 5.0  # of a poll, on the server; well below the time to be given up
BUSY_SECONDS = 1.0  # between the polls of a worker without room
LAST_WAIT_SECONDS = 0.5  # of the last poll: what was on its way may still arrive
DENIALS = 2  # in a row end the worker
_AT_ONCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The variable part of a poll."""

    free: int
    wait: float
    is_last: bool = False


class Poller:
    """Polls until it is drained."""

    def __init__(
        self,
        session: Session,
        inventory: Inventory,
        crew: Crew,
        *,
        room: asyncio.Event,
        concurrency: int,
        backoff: Backoff,
    ) -> None:
        self._session = session
        self._inventory = inventory
        self._crew = crew
        self._concurrency = concurrency
        self._backoff = backoff
        self._channel = Channel(session.endpoint)
        self._room_made = room
        self._is_draining = False
        self._in_haste = False
        self._denials = 0

    async def run(self) -> None:
        """Poll; returns after a drain, when nothing is in hand or on its way.

        ApiError when the server denies it.
        """
        while True:
            if not self._room() and not self._is_done():
                await self._rest(BUSY_SECONDS)
            self._in_haste = False
            ask = self._next()
            if await self._poll(ask) and ask.is_last:
                return

    def drain(self) -> None:
        """Claim nothing more, and say so to the server at once."""
        self._is_draining = True
        self._in_haste = True
        self.close()
        self._room_made.set()

    def close(self) -> None:
        """Drop the connection, and with it a poll that waits."""
        self._channel.close()

    def _room(self) -> int:
        """Slots to offer: a result that is not answered yet keeps its slot.

        The server adds what it knows to be in the inventory, and frees a slot as soon as
        it takes a result. To count that slot here as well would offer it twice.
        """
        if self._is_draining:
            return 0
        return max(0, self._concurrency - len(self._inventory))

    def _is_done(self) -> bool:
        return self._is_draining and self._inventory.is_empty

    def _next(self) -> Ask:
        if self._is_done():
            return Ask(free=0, wait=LAST_WAIT_SECONDS, is_last=True)
        free = self._room()
        return Ask(free=free, wait=WAIT_SECONDS if free else 0.0)

    async def _poll(self, ask: Ask) -> bool:
        """Make one poll; returns whether nothing more may come."""
        asked_at = time.monotonic()
        try:
            answer = await self._session.poll(
                self._channel,
                free=ask.free,
                wait=ask.wait,
                inventory=self._inventory.tokens(),
            )
        except TROUBLE as error:
            self._end_where_denied(error)
            if not ask.is_last:
                await self._rest(self._backoff.next())
            return True
        self._denials = 0
        began = self._crew.accept(answer.get("tasks") or [])
        news = began + self._crew.cancel(answer.get("cancelled") or [])
        if news:
            self._backoff.reset()
        elif ask.wait and time.monotonic() - asked_at < _AT_ONCE_SECONDS:
            await self._rest(self._backoff.next())  # it should have waited
        return not began

    def _end_where_denied(self, error: Exception) -> None:
        """Raise ApiError once the server has denied two polls, one after the other.

        One may be denied because its key was being looked up anew.
        """
        denial = error.denial() if isinstance(error, RefusedError) else None
        self._denials = 0 if denial is None else self._denials + 1
        if denial is not None and self._denials >= DENIALS:
            raise denial

    async def _rest(self, seconds: float) -> None:
        """Wait for room; what came before this call is known already."""
        self._room_made.clear()
        if self._in_haste:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room_made.wait(), seconds)
