"""The leases of one engine, kept by a thread and a connection of their own.

A lease lasts three seconds of the database's clock and is renewed every second. Nothing that
the event loop does can delay a renewal, and the loop asks `is_certain` before it lets a side
effect go: once the monotonic deadline is near, it does not.

Stealing is always safe, because of the fence; expiry is politeness. Engines take their fair
share of the shards, only from the free and the expired; an engine above its share gives up
one shard at a time, after it has been above it for two rounds. After a start of the
database's server nobody steals for one lease time: its holders may still come back.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any, Final

import psycopg
import structlog

from engine.host import host_name, is_alive
from scheduler.clock import Clock
from storage.arrays import int4_array, register_arrays
from storage.database import connect
from storage.statements import statements

log = structlog.get_logger(__name__)

_SQL: Final = statements("leases")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """How long a lease lasts, how often it is renewed, and when it is no longer certain."""

    lease: float = 3.0
    renew: float = 1.0
    margin: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEvents:
    """Whom the keeper tells, on the event loop.

    Of shards won at epochs, lost, to be given up; and of an error that ended the keeper.
    """

    on_won: Callable[[dict[int, int]], None]
    on_lost: Callable[[set[int]], None]
    on_give_up: Callable[[int], None]
    on_failed: Callable[[BaseException], None]


class LeaseKeeper:
    """Holds, renews, acquires and releases leases."""

    def __init__(
        self,
        url: str,
        engine_id: str,
        *,
        clock: Clock,
        times: LeaseTimes,
        events: LeaseEvents,
        call_soon: Callable[..., object],
        capabilities: str = "{}",
    ) -> None:
        """Take whom to tell; `call_soon` is the loop's thread-safe one.

        `capabilities` is a JSON object that tells others what this process can do.
        """
        self._capabilities = capabilities
        self.id = engine_id
        self._url = url
        self._clock = clock
        self._times = times
        self._events = events
        self._call_soon = call_soon
        self._host = host_name()
        self._held: dict[int, int] = {}  # at the epochs at which they were won
        self._certain_until = 0.0
        self._live = 0
        self._rounds_above = 0
        self._asked: int | None = None
        self._wishes: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._is_retiring = False
        self._is_stopping = False
        self._lease = timedelta(seconds=times.lease)
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    # From the event loop

    def start(self) -> None:
        """Begin to acquire and renew."""
        self._thread.start()

    @property
    def is_certain(self) -> bool:
        """Whether the leases surely hold now."""
        return self._clock.monotonic() < self._certain_until - self._times.margin

    @property
    def is_alone(self) -> bool:
        """Whether no other engine lived when that was last asked."""
        return self._live == 1

    @property
    def living(self) -> int:
        """How many engines lived when that was last asked, this one included."""
        return max(1, self._live)

    def lost(self, epochs: dict[int, int]) -> None:
        """Know shards that a lane has found lost, at the epochs at which it held them."""
        self._wish(lambda: self._forget_unless_won_since(epochs))

    def given_up(self, shards: set[int]) -> None:
        """Release shards that the lanes have stopped working for."""
        self._wish(lambda: self._release(shards))

    def retire(self) -> None:
        """Take no more shards; keep those that are held until they are given up."""
        self._is_retiring = True

    def stop(self) -> None:
        """Release everything and end the thread; to be called off the loop."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join(timeout=self._times.lease * 2)

    def _wish(self, wish: Callable[[], None]) -> None:
        self._wishes.append(wish)
        self._wake.set()

    # On the thread

    def _run(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - the outermost loop of the thread
            self._call_soon(self._events.on_failed, error)

    def _keep(self) -> None:
        while not self._is_stopping:
            try:
                self._grant_wishes()
                self._round()
            except (psycopg.Error, OSError) as error:
                log.warning("leases not renewed", error=str(error))
                self._disconnect()
            self._wake.wait(self._times.renew)
            self._wake.clear()
        try:
            self._grant_wishes()
            self._release(set(self._held))
            self._execute("forget_engine", {"id": self.id})
        except (psycopg.Error, OSError) as error:
            log.warning("leases not released", error=str(error))
        self._disconnect()

    def _grant_wishes(self) -> None:
        """Do what was wished for, in order; what the database did not hear waits.

        A shard that is to be released and is not would be renewed, and worked for by nobody.
        """
        while self._wishes:
            self._wishes[0]()
            self._wishes.popleft()

    def _round(self) -> None:
        asked_at = self._clock.monotonic()
        self._prolong()
        self._call_soon(self._certify, asked_at + self._times.lease)
        live, shards, uptime = self._execute("census", {}).fetchone()
        self._live = live
        self._expire_the_dead()
        share = ceil(shards / max(1, live))
        if len(self._held) < share and not self._is_retiring:
            may_steal = uptime > self._lease
            self._acquire(share - len(self._held), may_steal=may_steal)
        self._mind_the_share(share)

    def _prolong(self) -> None:
        """Live on, and hold on, without waiting for the disk or a standby.

        A disk that is slow for seconds, as one is that many share, would cost all leases. What
        a crash of the database forgets of this is not missed: nobody steals within a lease
        of its start. An epoch that is bumped is another matter, and waits.
        """
        with self._connect().transaction():
            self._execute("prolong_lightly", {})
            self._beat()
            if self._held:
                self._renew()

    def _beat(self) -> None:
        self._execute(
            "beat",
            {
                "id": self.id,
                "lease": self._lease,
                "pid": os.getpid(),
                "host": self._host,
                "capabilities": self._capabilities,
            },
        )

    def _certify(self, until: float) -> None:
        """Trust the leases, on the loop: what was lost has been forgotten there by now."""
        self._certain_until = until

    def _renew(self) -> None:
        """Renew whatever names us as its holder, at any epoch: a lane may have raised it."""
        cursor = self._execute("renew", self._own(self._held) | {"lease": self._lease})
        lost = self._held.keys() - {row[0] for row in cursor.fetchall()}
        if lost:
            self._forget(lost)
            self._call_soon(self._events.on_lost, lost)

    def _expire_the_dead(self) -> None:
        """Free at once what a process of this machine held that is dead."""
        parameters = {"host": self._host, "id": self.id}
        for engine_id, pid in self._execute("holders_here", parameters).fetchall():
            if not is_alive(pid):
                log.info("leases of a dead engine freed", engine=engine_id, pid=pid)
                self._execute("expire", {"id": engine_id})
                self._execute("forget_engine", {"id": engine_id})

    def _acquire(self, most: int, *, may_steal: bool) -> None:
        cursor = self._execute(
            "acquire",
            {
                "id": self.id,
                "pid": os.getpid(),
                "lease": self._lease,
                "most": most,
                "may_steal": may_steal,
            },
        )
        won = dict(cursor.fetchall())
        if won:
            self._held |= won
            self._call_soon(self._events.on_won, won)

    def _mind_the_share(self, share: int) -> None:
        """Ask the lanes to give one shard up, when above the share for a while."""
        if len(self._held) <= share:
            self._rounds_above = 0
            self._asked = None
            return
        self._rounds_above += 1
        if self._rounds_above > 1 and self._asked not in self._held:
            self._asked = max(self._held)
            self._call_soon(self._events.on_give_up, self._asked)

    def _release(self, shards: set[int]) -> None:
        held = shards & self._held.keys()
        if held:
            self._execute("release", self._own(held))
            self._forget(held)

    def _forget_unless_won_since(self, epochs: dict[int, int]) -> None:
        """Forget what a lane has lost, unless it was won again before the lane noticed.

        A lease that was forgotten by mistake would not be renewed, and its shard would be
        nobody's until it expires.
        """
        self._forget({s for s, e in epochs.items() if self._held.get(s, e) <= e})

    def _forget(self, shards: set[int]) -> None:
        for shard in shards:
            self._held.pop(shard, None)

    def _own(self, shards: Iterable[int]) -> dict[str, Any]:
        return {"shards": int4_array(sorted(shards)), "id": self.id}

    def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        return self._connect().execute(_SQL[name], parameters)

    def _connect(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, autocommit=True)
            register_arrays(self._connection)
            milliseconds = int(self._times.lease * 1000)
            self._connection.execute(
                f"SET statement_timeout = {milliseconds:d}".encode()
            )
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
