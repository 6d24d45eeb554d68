"""Pages: one way to cut every list, and to go on where the last page ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from api.pages import PageTokens
from asl.payload import Json
from runtime.limits import DEFAULT_PAGE_SIZE

T = TypeVar("T")
# What may differ between the request that made a token and the one that brings it.
_FREE = frozenset({"next_token", "max_results"})


class Page:
    """One request for a page: where it begins, how many it may have."""

    def __init__(self, tokens: PageTokens, request: Any) -> None:
        """Take a request that has `next_token` and `max_results`; open its token."""
        self._tokens = tokens
        self._operation = type(request).__name__
        self._arguments = {
            name: value for name, value in asdict(request).items() if name not in _FREE
        }
        self.size: int = request.max_results or DEFAULT_PAGE_SIZE
        self.position: Json = None
        if request.next_token is not None:
            self.position = tokens.open(
                request.next_token, self._operation, self._arguments
            )

    @property
    def wanted(self) -> int:
        """How many rows to read: one more than are shown tells whether there are more."""
        return self.size + 1

    def cut(
        self,
        rows: Sequence[T],
        position_of: Callable[[T], Json],
        *,
        most: int | None = None,
    ) -> tuple[Sequence[T], dict[str, str]]:
        """Return the rows of this page, and the member that leads to the next one."""
        size = self.size if most is None else min(self.size, most)
        if len(rows) <= size:
            return rows, {}
        shown = rows[:size]
        position = position_of(shown[-1])
        token = self._tokens.issue(self._operation, self._arguments, position)
        return shown, {"nextToken": token}
