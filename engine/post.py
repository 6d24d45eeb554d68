"""Letters between engine processes: quick, small, and nobody's only word.

A letter is sent by NOTIFY, on the channel of one engine or on that of all, in transactions
of its own that write nothing. It may be lost at any moment; whatever it tells is in the
tables too, or runs out by itself, and is looked up a second later. What is too large for a
notification is not sent: its receiver finds it by that look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import orjson
import psycopg
import structlog
from psycopg import AsyncConnection

from storage.arrays import text_array
from storage.lane_store import connect_engine
from storage.statements import statements

log = structlog.get_logger(__name__)

Letter: TypeAlias = list[Any]
"""What it is about, and the rest."""

_SQL: Final = statements("post")
EVERYBODY: Final = "stepwell"
# PostgreSQL refuses payloads of 8,000 bytes.
_LARGEST: Final = 7_900
_ENVELOPE: Final = 80
_MOST_WAITING: Final = 20_000
_RETRY_SECONDS: Final = 0.5


def channel_of(engine: str) -> str:
    """Name the channel that one engine listens on."""
    return f"stepwell_{engine}"


class Post:
    """Sends the letters of one engine, and opens those that come to it."""

    def __init__(self, url: str, *, engine: str, lease_seconds: float) -> None:
        """Take how to connect, and who writes."""
        self.engine = engine
        self.readers: dict[str, Callable[..., None]] = {}
        self._url = url
        self._lease_seconds = lease_seconds
        self._outgoing: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()
        self._sent = 0
        self._connection: AsyncConnection[Any] | None = None

    def tell(self, engine: str, letter: Letter) -> bool:
        """Send a letter to one engine; False where it is too large."""
        return self._put(channel_of(engine), letter)

    def tell_all(self, letter: Letter) -> bool:
        """Send a letter to all engines; False where it is too large."""
        return self._put(EVERYBODY, letter)

    def _put(self, channel: str, letter: Letter) -> bool:
        written = orjson.dumps(letter)
        if len(written) + _ENVELOPE > _LARGEST or len(self._outgoing) >= _MOST_WAITING:
            return False
        self._outgoing.append((channel, written))
        self._wake.set()
        return True

    def open(self, payload: str) -> None:
        """Read what has come; what this engine has written itself is none of its news."""
        try:
            sender, _, *letters = orjson.loads(payload)
        except ValueError:
            log.warning("letter not read", payload=payload[:80])
            return
        if sender == self.engine:
            return
        for kind, *rest in letters:
            reader = self.readers.get(kind)
            if reader is not None:
                reader(sender, *rest)

    async def run(self) -> None:
        """Send until cancelled; what cannot be sent is dropped."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                outgoing, self._outgoing = self._outgoing, []
                try:
                    await self._send(outgoing)
                except (psycopg.Error, OSError) as error:
                    log.warning("letters lost", count=len(outgoing), error=str(error))
                    await self._disconnect()
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await self._disconnect()

    async def _send(self, outgoing: list[tuple[str, bytes]]) -> None:
        parcels = list(self._parcels(outgoing))
        connection = await self._connect()
        await connection.execute(
            _SQL["send"],
            {
                "channels": text_array(channel for channel, _ in parcels),
                "payloads": text_array(payload for _, payload in parcels),
            },
        )

    def _parcels(self, outgoing: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
        """Put letters together, channel by channel; numbered, as equal ones would be one."""
        by_channel: dict[str, list[bytes]] = {}
        for channel, letter in outgoing:
            by_channel.setdefault(channel, []).append(letter)
        for channel, letters in by_channel.items():
            for fitting in _fitting(letters):
                self._sent += 1
                head = orjson.dumps([self.engine, self._sent])[:-1]
                yield channel, b",".join([head, *fitting]).decode() + "]"

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_engine(
                self._url, lease_seconds=self._lease_seconds, name="stepwell post"
            )
            await self._connection.execute(b"SET synchronous_commit = off")
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _fitting(letters: list[bytes]) -> Iterator[list[bytes]]:
    """Divide letters into lots that fit into a notification each."""
    lot: list[bytes] = []
    size = _ENVELOPE
    for letter in letters:
        if lot and size + len(letter) + 1 > _LARGEST:
            yield lot
            lot, size = [], _ENVELOPE
        lot.append(letter)
        size += len(letter) + 1
    if lot:
        yield lot
