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
_NAMES: Final = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """Where a database stands (None: it is empty), and the newest revision there is."""

    current: str | None
    newest: str

    @property
    def is_present(self) -> bool:
        """Whether nothing is to be migrated."""
        return self.current == self.newest


def schema_state(url: str) -> SchemaState:
    """Tell how far a database is migrated; changes nothing."""
    with connect(url) as connection:
        current = current_revision(connection)
    return SchemaState(current=current, newest=newest_revision())


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
