"""What ends a command early: a sentence for the person who typed it, and an exit status."""

from __future__ import annotations

import sys
from typing import Final

ROLES_ARE_IN: Final = "docs/database.md names the roles that it needs"


class CommandError(Exception):
    """The command cannot be carried out; says why and what helps."""

    def __init__(self, message: str, status: int = 1) -> None:
        """Take the sentence and the exit status."""
        super().__init__(message)
        self.status = status


class UsageError(CommandError):
    """The command was asked for in a way that cannot work; trying again is of no use."""

    def __init__(self, message: str) -> None:
        """Take the sentence."""
        super().__init__(message, 2)


def explained(error: Exception) -> str | None:
    """Return a sentence for an error that is nobody's bug; None for all others.

    Looks only at libraries that are loaded already: an error of one that is not cannot be.
    """
    if isinstance(error, CommandError):
        return str(error)
    if _is(error, "sqlalchemy.exc", "DBAPIError"):
        # Around what the driver raised, which says it better.
        error = getattr(error, "orig", None) or error
    if _is(error, "storage.errors", "StorageError"):
        return str(error)
    if _is(error, "psycopg", "OperationalError") or _is(
        error, "psycopg_pool", "PoolTimeout"
    ):
        return f"the database cannot be reached: {str(error).strip()}"
    if _is(error, "psycopg.errors", "UndefinedTable"):
        return "this database has no Stepwell tables yet: run `stepwell migrate`"
    if _is(error, "psycopg.errors", "InsufficientPrivilege"):
        reason = str(error).strip()
        return f"the login to the database may not do this: {reason} ({ROLES_ARE_IN})"
    return None


def _is(error: Exception, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    kind = getattr(loaded, name, None)
    return isinstance(kind, type) and isinstance(error, kind)
