"""What letters from other engines change here: slots wanted and lent, attempts begun and closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.hall import Hall
from engine.handover import TaskAssignment
from engine.post import Post
from engine.sessions import Session
from engine.work import TaskKey
from runtime.tokens import TokenSigner


class Correspondence:
    """Opens the letters that are about workers."""

    def __init__(
        self,
        post: Post,
        hall: Hall,
        *,
        signer: TokenSigner,
        deliver: Callable[[Session, TaskKey], None],
    ) -> None:
        """Take the hall, and who delivers an attempt of which only the key has come."""
        self._hall = hall
        self._signer = signer
        self._deliver = deliver
        post.readers |= {
            "want": hall.wanted,
            "slots": hall.borrow,
            "void": self._void,
            "task": self._task,
            "started": self._started,
            "closed": self._closed,
        }

    def _void(self, _engine: str, session: str) -> None:
        self._hall.abroad.give_up(session)

    def _task(self, engine: str, session_id: str, task: dict[str, Any]) -> None:
        """Hand an attempt over that another engine has started at a worker of ours."""
        session = self._arrived(engine, session_id, task["token"], task["function"])
        if session is not None:
            key = self._key(task["token"])
            session.assign(TaskAssignment(**task), key)

    def _started(self, engine: str, session_id: str, token: str, function: str) -> None:
        """Deliver an attempt that was too large for a letter."""
        session = self._arrived(engine, session_id, token, function)
        if session is not None:
            session.assigned[token] = key = self._key(token)
            self._deliver(session, key)

    def _arrived(
        self, engine: str, session_id: str, token: str, function: str
    ) -> Session | None:
        """Settle the loan; None where the session is not here, or has the attempt already."""
        session = self._hall.sessions.get(session_id)
        if session is None:
            return None
        self._hall.lending.arrived(engine, session)
        if token in session.assigned:
            return None
        session.started_by[token] = (engine, function)
        return session

    def _key(self, token: str) -> TaskKey:
        parts = self._signer.verify(token)
        assert parts is not None, "engines of one installation share their keys"
        return parts.shard, parts.execution_id, parts.scheduled_id

    def _closed(self, _engine: str, session_id: str, token: str) -> None:
        """Cancel an attempt that was closed elsewhere."""
        session = self._hall.sessions.get(session_id)
        if session is not None:
            session.cancel(token)
