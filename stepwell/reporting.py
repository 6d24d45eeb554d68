"""Tells the server how attempts ended and which functions are alive, in batches.

One report is in flight at a time. What ends meanwhile goes into the next one. A result
stays in the inventory, and is sent again, until the server has answered it by token.
"""

import asyncio
import time
from dataclasses import dataclass

from stepwell.crew import Crew
from stepwell.inventory import Inventory
from stepwell.mailbox import Mailbox, log
from stepwell.session import (
    TROUBLE,
    Backoff,
    RefusedError,
    ReportAnswer,
    Session,
)
from stepwell.transport import Channel

LINGER_SECONDS = 0.001  # while others run: what ends together is reported together
BEAT_SECONDS = 0.25  # heartbeats alone are not sent more often
MAX_ITEMS = 1000
MAX_BYTES = 4 * 1024 * 1024
_UNACCEPTABLE = (400, 413, 422)  # the same request will never be taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The contents of one report."""

    items: dict[str, bytes]
    beats: list[str]


class Reporter:
    """Sends on what comes into the mailbox; sets `room` when results were answered."""

    def __init__(
        self,
        session: Session,
        inventory: Inventory,
        crew: Crew,
        *,
        mailbox: Mailbox,
        room: asyncio.Event,
        backoff: Backoff,
    ) -> None:
        self._session = session
        self._inventory = inventory
        self._crew = crew
        self._mailbox = mailbox
        self._room_made = room
        self._backoff = backoff
        self._channel = Channel(session.endpoint)
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        self._limit = MAX_ITEMS
        self._is_lingering = False
        self._beats: list[str] = []
        self._beats_sent_at = 0.0
        mailbox.listen(on_ended=self._collect, on_beats=self._schedule_beats)

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            batch = self._take()
            if batch.items or batch.beats:
                await self._deliver(batch)
            if self._inventory.ended:
                self._due.set()

    async def finish_up(self) -> None:
        """Report what has ended, until all of it is answered."""
        while self._inventory.ended:
            await self._deliver(self._take())

    def close(self) -> None:
        """Drop the connection."""
        self._channel.close()

    def _collect(self) -> None:
        for token, item in self._mailbox.take_ended():
            self._inventory.end(token, item)
        if not self._inventory.running:
            self._ready()
        elif not self._is_lingering:
            self._is_lingering = True
            self._loop.call_later(LINGER_SECONDS, self._ready)

    def _ready(self) -> None:
        self._is_lingering = False
        self._due.set()

    def _schedule_beats(self) -> None:
        pause = self._beats_sent_at + BEAT_SECONDS - time.monotonic()
        if pause <= 0:
            self._due.set()
        else:
            self._loop.call_later(pause, self._due.set)

    def _take(self) -> Batch:
        items: dict[str, bytes] = {}
        size = 0
        for token, item in self._inventory.ended.items():
            size += len(item)
            if items and (len(items) >= self._limit or size > MAX_BYTES):
                break
            items[token] = item
        return Batch(items=items, beats=self._take_beats())

    def _take_beats(self) -> list[str]:
        beats = [*self._beats, *self._mailbox.take_beats()]
        self._beats = []
        if beats:
            self._beats_sent_at = time.monotonic()
        return [token for token in beats if token in self._inventory.running]

    async def _deliver(self, batch: Batch) -> None:
        try:
            answer = await self._session.report(
                self._channel, batch.items.values(), batch.beats
            )
        except TROUBLE as error:
            if isinstance(error, RefusedError) and error.status in _UNACCEPTABLE:
                self._divide(batch, error)
                return
            self._beats = batch.beats
            await self._pause()
        else:
            self._note(answer)
            if batch.items and batch.items.keys() <= self._inventory.ended.keys():
                await self._pause()  # not one was answered
            else:
                self._backoff.reset()

    async def _pause(self) -> None:
        if self._inventory.ended or self._beats:
            await asyncio.sleep(self._backoff.next())
            self._due.set()

    def _divide(self, batch: Batch, error: RefusedError) -> None:
        """Find the one result that the server will not take, and give it up."""
        if len(batch.items) > 1:
            self._limit = len(batch.items) // 2
            return
        self._limit = MAX_ITEMS
        for token in batch.items:
            log.error("the result of %s was refused: %s", token, error)
        self._inventory.retire(batch.items)
        self._room_made.set()

    def _note(self, answer: ReportAnswer) -> None:
        results = answer.get("results") or []
        for result in results:
            if result["verdict"] not in {"accepted", "closed"}:
                log.warning("result %s: %s", result["verdict"], result["token"])
        self._inventory.retire(result["token"] for result in results)
        self._room_made.set()
        self._crew.cancel(answer.get("cancelled") or [])
