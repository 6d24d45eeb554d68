"""Free slots of the workers that poll here, lent to the engines that have tasks for them.

An engine says which functions its tasks wait for, and how many; the answer is slots, good for
a second. A slot that is not used by then is free here again, half a second later: by that
time what was started in it has arrived. The slot of an attempt that has ended goes to the
engine that used it, which will most likely have the next task of that execution; while tasks
wait on both sides, every other slot stays here.

A worker that takes nothing more (it leaves, or its poll broke off) is called back from the
others, and its last poll is answered only when nothing that was lent can still be used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from engine.post import Post
from engine.sessions import Loan, Session
from scheduler.clock import Clock

LENT: Final = timedelta(seconds=1)
_GRACE: Final = timedelta(seconds=0.5)
_WANTED_SECONDS: Final = 1.5


@dataclass(slots=True)
class _Wants:
    """How many attempts of each function one engine would start."""

    until: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


class Lending:
    """What other engines want of the workers here, and what they have got."""

    def __init__(self, post: Post, clock: Clock) -> None:
        """Take how to write to other engines."""
        self._post = post
        self._clock = clock
        self._wants: dict[str, _Wants] = {}
        self._is_odd = False

    def want(self, engine: str, function: str, count: int) -> None:
        """Know how many tasks for a function wait at another engine."""
        self._renew(engine).counts[function] = count

    def want_again(self, engine: str, function: str) -> None:
        """Expect another task where one has just ended."""
        counts = self._renew(engine).counts
        counts[function] = counts.get(function, 0) + 1

    def _renew(self, engine: str) -> _Wants:
        wants = self._wants.setdefault(engine, _Wants())
        wants.until = self._clock.monotonic() + _WANTED_SECONDS
        return wants

    def share(self, session: Session) -> None:
        """Lend half of the free slots: tasks may wait here, too."""
        if self._wants:
            self._is_odd = not self._is_odd
            self.lend(session, (max(0, session.free) + self._is_odd) // 2)

    def lend(self, session: Session, most: int) -> None:
        """Lend up to so many slots of a session, to each engine what it wants."""
        for engine in list(self._wants):
            if most <= 0:
                return
            most -= self._lend_to(engine, session, most)

    def _lend_to(self, engine: str, session: Session, most: int) -> int:
        wants = self._wants.pop(engine)
        if wants.until < self._clock.monotonic():
            return 0
        lent = 0
        functions = [name for name in wants.counts if name in session.functions]
        for name in functions:
            taken = min(wants.counts[name], most - lent)
            lent += taken
            wants.counts[name] -= taken
        wants.counts = {name: n for name, n in wants.counts.items() if n > 0}
        if wants.counts:
            self._wants[engine] = wants  # behind the others, next time
        if lent:
            self._send(engine, session, functions, lent)
        return lent

    def _send(
        self, engine: str, session: Session, functions: list[str], count: int
    ) -> None:
        until = self._clock.now() + LENT
        session.loans.append(Loan(engine, until + _GRACE, count))
        self._post.tell(
            engine, ["slots", session.id, functions, count, until.isoformat()]
        )

    def arrived(self, engine: str, session: Session) -> None:
        """Know that an engine has used a slot: what it started is assigned by now."""
        for loan in session.loans:
            if loan.engine == engine and loan.count:
                loan.count -= 1
                return

    def lapse(self, session: Session) -> None:
        """Forget loans that nobody can use any more."""
        now = self._clock.now()
        session.loans = [it for it in session.loans if it.count and it.until > now]

    def call_back(self, session: Session) -> None:
        """Ask for what was lent of a session that takes nothing more."""
        self.lapse(session)
        if session.loans:
            self._post.tell_all(["void", session.id])
