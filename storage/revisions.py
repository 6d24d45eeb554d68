"""Where a database's schema stands, and where it should: told without loading Alembic.

Every command asks when it starts, and the library takes longer to load than to answer.
Only who has revisions to run loads it (`storage/upgrading.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from storage.database import connect

VERSIONS: Final = Path(__file__).resolve().parent.parent / "alembic" / "versions"
# Code whose newest revision is this one, or a later one, runs on the present schema. To be
# raised by the revision that takes away what such code needs, and by no other.
OLDEST_CODE: Final = "0012"
OLDEST_CODE_SETTING: Final = "oldest_code"
_NAMES: Final = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """Where a database stands (None: it is empty), and the newest revision there is."""

    current: str | None
    newest: str
    oldest_code: str | None = None

    @property
    def is_present(self) -> bool:
        """Whether nothing is to be migrated."""
        return self.current == self.newest

    @property
    def is_newer(self) -> bool:
        """Whether a newer version has migrated it, and lets this one run on it."""
        oldest = self.oldest_code
        return oldest is not None and oldest <= self.newest

    @property
    def is_usable(self) -> bool:
        """Whether this version may work on it."""
        return self.is_present or self.is_newer


def schema_state(url: str) -> SchemaState:
    """Tell how far a database is migrated; changes nothing."""
    with connect(url) as connection:
        current = current_revision(connection)
        is_strange = current is not None and current not in known_revisions()
        oldest_code = _oldest_code(connection) if is_strange else None
    return SchemaState(
        current=current, newest=newest_revision(), oldest_code=oldest_code
    )


def _oldest_code(connection: Connection[Any]) -> str | None:
    """Return which versions a newer one has left able to work on its schema."""
    query = "SELECT value FROM settings WHERE key = %s"
    row = connection.execute(query, [OLDEST_CODE_SETTING]).fetchone()
    return None if row is None else str(row[0])


def current_revision(connection: Connection[Any]) -> str | None:
    """Return the revision that a database stands at; None for an empty one."""
    found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if found in (None, (None,)):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def known_revisions() -> dict[str, str | None]:
    """Return every revision with the one before it, as their files name them."""
    texts = (path.read_text() for path in VERSIONS.glob("*.py"))
    named = (dict(_names(text)) for text in texts)
    return {str(names["revision"]): names["down_revision"] for names in named}


def newest_revision() -> str:
    """Return the revision that no other comes after."""
    known = known_revisions()
    (newest,) = known.keys() - set(known.values())
    return newest


def _names(text: str) -> list[tuple[str, str | None]]:
    return [(name, revision or None) for name, revision in _NAMES.findall(text)]
