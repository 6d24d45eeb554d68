"""Bring a database to the present schema: `stepwell migrate`, and what `dev` does first.

Revisions (in `alembic/`) make tables; views and functions are made anew from
`storage/views` whenever their text changed. Then come the rows that every installation has:
its settings, one lease per shard, the first server key and the names of the event types.

Any number of processes may migrate at once: they take turns under an advisory lock, and
whoever comes later finds nothing to do.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.rows import scalar_row

from runtime.events import EVENT_TYPES
from storage import roles
from storage.database import connect
from storage.errors import StorageError
from storage.revisions import (
    OLDEST_CODE,
    OLDEST_CODE_SETTING,
    current_revision,
    known_revisions,
    newest_revision,
)

DEFAULT_SHARDS: Final = 64
MAX_SHARDS: Final = 4096
LOCK_KEY: Final = 0x5374657077656C6C  # "Stepwell"
_LOOK_SECONDS: Final = 0.1
OLDEST_SERVER: Final = 150000

VIEWS: Final = Path(__file__).resolve().parent / "views"

# The library keeps the migration that runs in a global: one per process.
_ONE_AT_A_TIME: Final = threading.Lock()


class MigrationError(StorageError):
    """The database cannot be brought to the present schema; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport:
    """What `migrate` did. `before` is None for an empty database.

    `problems` are the steps that the login was not permitted to take; everything works
    without them, but less is enforced (`roles.enforcement` tells what).
    """

    before: str | None
    after: str
    shards: int
    changed: bool
    problems: tuple[str, ...] = ()


def migrate(url: str, *, shards: int | None = None) -> MigrationReport:
    """Bring the database at `url` to the newest revision and fill in its fixed rows.

    `shards` is fixed when the installation is made (64 where nothing is said); another
    number later is refused.
    """
    if shards is not None and not 1 <= shards <= MAX_SHARDS:
        reason = f"shards must be 1 to {MAX_SHARDS}, not {shards}"
        raise MigrationError(reason)
    with _ONE_AT_A_TIME, connect(url) as raw:
        _refuse_unfit_server(raw)
        _lock(raw)
        try:
            return _migrate(raw, shards)
        finally:
            raw.rollback()
            _execute(raw, "SELECT pg_advisory_unlock({})", LOCK_KEY)


def _lock(raw: Connection[Any]) -> None:
    """Wait until nobody else migrates.

    By asking again: a session that waits inside a statement holds up the indexes that
    others build concurrently, and so itself.
    """
    statement = sql.SQL("SELECT pg_try_advisory_lock({})").format(LOCK_KEY)
    pause = threading.Event()
    while raw.execute(statement).fetchone() != (True,):
        raw.commit()
        pause.wait(_LOOK_SECONDS)
    raw.commit()


def _migrate(raw: Connection[Any], shards: int | None) -> MigrationReport:
    before = current_revision(raw)
    raw.commit()
    head = newest_revision()
    if before != head:
        _upgrade(raw, before)
    views_changed = _make_views(raw)
    count = _fill(raw, shards)
    raw.commit()
    problems: tuple[str, ...] = ()
    changed = before != head or views_changed
    if changed or not all(fact.enforced for fact in roles.enforcement(raw)):
        problems = _set_up_roles(raw)
    raw.commit()
    return MigrationReport(
        before=before, after=head, shards=count, changed=changed, problems=problems
    )


def _set_up_roles(raw: Connection[Any]) -> tuple[str, ...]:
    raw.commit()
    raw.autocommit = True
    return roles.ensure_roles(raw) + roles.grant(raw)


def _refuse_unfit_server(raw: Connection[Any]) -> None:
    if raw.info.server_version < OLDEST_SERVER:
        reason = f"PostgreSQL 15 or newer is needed, not {raw.info.server_version}"
        raise MigrationError(reason)
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        reason = f"the database must be in UTF8, this one is in {encoding}"
        raise MigrationError(reason)


def _upgrade(raw: Connection[Any], before: str | None) -> None:
    """Run the missing revisions; loads Alembic, which is slow and seldom needed."""
    if before is not None and before not in known_revisions():
        reason = (
            f"the database stands at revision {before}, which this version of Stepwell "
            "does not know: it was migrated by a newer one"
        )
        raise MigrationError(reason)
    from storage.upgrading import upgrade

    upgrade(raw)


def _make_views(raw: Connection[Any]) -> bool:
    """Make functions and views anew if their text changed; tell whether it did."""
    texts = [path.read_bytes() for path in sorted(VIEWS.glob("*.sql"))]
    digest = hashlib.sha256(b"\0".join(texts)).hexdigest()
    if _setting(raw, "views") == digest:
        return False
    for text in texts:
        raw.execute(text)
    raw.execute(
        "INSERT INTO settings (key, value) VALUES ('views', %s) "
        "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        [digest],
    )
    return True


def _fill(raw: Connection[Any], shards: int | None) -> int:
    """Insert the rows that every installation has; return its number of shards."""
    count = _settle_shards(raw, shards)
    _fill_event_types(raw)
    raw.execute(
        "INSERT INTO leases (shard) SELECT generate_series(0, %s) "
        "ON CONFLICT (shard) DO NOTHING",
        [count - 1],
    )
    raw.execute(
        "INSERT INTO settings (key, value) VALUES (%s, %s) "
        "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        [OLDEST_CODE_SETTING, OLDEST_CODE],
    )
    raw.execute(
        "INSERT INTO settings (key, value) VALUES ('installation', %s) "
        "ON CONFLICT (key) DO NOTHING",
        [str(uuid.uuid4())],
    )
    raw.execute(
        "INSERT INTO server_keys (key_id, secret, created_at) "
        "SELECT 1, %s, now() WHERE NOT EXISTS (SELECT FROM server_keys)",
        [secrets.token_bytes(32)],
    )
    return count


def _settle_shards(raw: Connection[Any], shards: int | None) -> int:
    stored = _setting(raw, "shards")
    if stored is None:
        count = shards or DEFAULT_SHARDS
        raw.execute(
            "INSERT INTO settings (key, value) VALUES ('shards', %s)", [str(count)]
        )
        return count
    if shards is not None and shards != int(stored):
        reason = (
            f"this installation has {stored} shards and cannot get {shards}: the number "
            "is part of the identity of every execution and is fixed for ever"
        )
        raise MigrationError(reason)
    return int(stored)


def _fill_event_types(raw: Connection[Any]) -> None:
    known: dict[int, str] = dict(raw.execute("SELECT code, name FROM event_types"))
    wanted = dict(enumerate(EVENT_TYPES, start=1))
    for code, name in known.items():
        if wanted.get(code) != name:
            reason = (
                f"event type {code} is {name} in the database but "
                f"{wanted.get(code)} in this version of Stepwell"
            )
            raise MigrationError(reason)
    with raw.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO event_types (code, name) VALUES (%s, %s)",
            [item for item in wanted.items() if item[0] not in known],
        )


def _setting(raw: Connection[Any], key: str) -> str | None:
    with raw.cursor(row_factory=scalar_row) as cursor:
        cursor.execute("SELECT value FROM settings WHERE key = %s", [key])
        value: str | None = cursor.fetchone()
        return value


def _execute(raw: Connection[Any], statement: Any, value: int) -> None:
    raw.execute(sql.SQL(statement).format(sql.Literal(value)))
    raw.commit()
