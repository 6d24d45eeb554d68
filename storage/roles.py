"""Who may do what: three roles that nobody logs in as, and what they are granted.

`stepwell_owner` owns the tables, `stepwell_app` is what every engine becomes after login,
`stepwell_retention` is the only one that may delete events, and only the retention sweep
becomes it. The login that migrates is made a member of all three.

Roles belong to a whole cluster while installations are databases, so creating them races
with other databases. And many installations may not create roles at all: then everything
works, and `enforcement` says what is not enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, LiteralString

from psycopg import Connection, errors, sql

OWNER: Final = "stepwell_owner"
APP: Final = "stepwell_app"
RETENTION: Final = "stepwell_retention"
ROLES: Final = (OWNER, APP, RETENTION)


READ: Final = "SELECT"
APPEND: Final = "SELECT, INSERT"
KEEP: Final = "SELECT, INSERT, UPDATE"
ALL: Final = "SELECT, INSERT, UPDATE, DELETE"

# Every table there is: who hands them over goes by this list.
APP_GRANTS: Final[dict[str, LiteralString]] = {
    "settings": READ,
    "event_types": READ,
    "alembic_version": READ,
    "server_keys": KEEP,
    "access_keys": READ,
    "state_machines": ALL,
    "state_machine_revisions": ALL,
    "state_machine_versions": ALL,
    "state_machine_aliases": ALL,
    "resource_tags": ALL,
    "activities": ALL,
    "execution_records": KEEP,
    "events": APPEND,
    "timers": ALL,
    "tasks": ALL,
    "inbox": ALL,
    "quarantine": ALL,
    "express_runs": ALL,
    "map_runs": KEEP,
    "map_run_ends": ALL,
    "leases": KEEP,
    "engines": ALL,
    "worker_sessions": ALL,
}
RETENTION_GRANTS: Final[dict[str, LiteralString]] = {
    "settings": READ,
    "execution_records": "SELECT, DELETE",
    "events": "SELECT, DELETE",
    "map_runs": "SELECT, DELETE",
}

# What two databases of one cluster run into when they create the same role at once.
RACES: Final = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """One promise, whether the database itself keeps it, and what to do if not."""

    fact: str
    enforced: bool
    advice: str


def ensure_roles(connection: Connection[Any]) -> tuple[str, ...]:
    """Create the roles and join them; return what was not permitted, as sentences.

    The connection commits each statement: a step that is refused leaves the next ones a
    clean start, and another database's migration waits for no more than one step.
    """
    problems = []
    for role in ROLES:
        problems += _attempt(
            f"create {role}", partial(_create, connection, role)
        ) or _attempt(f"join {role}", partial(_join, connection, role))
    return tuple(problems)


def grant(connection: Connection[Any]) -> tuple[str, ...]:
    """Grant the roles what they need in this database; return what was not permitted."""
    problems = []
    for role, grants in ((APP, APP_GRANTS), (RETENTION, RETENTION_GRANTS)):
        if _exists(connection, role):
            problems += _attempt(
                f"grant tables to {role}",
                partial(_grant_tables, connection, role, grants),
            )
    if _exists(connection, OWNER):
        problems += _attempt(
            f"hand the tables over to {OWNER}", partial(_hand_over, connection)
        )
    return tuple(problems)


def enforcement(connection: Connection[Any]) -> tuple[Enforcement, ...]:
    """Tell which promises about the log the database keeps by itself."""
    return tuple(
        Enforcement(fact=fact, enforced=bool(_value(connection, query)), advice=advice)
        for fact, query, advice in FACTS
    )


def membership(server_version: int) -> str:
    """Name the kind of membership that allows SET ROLE: any, before PostgreSQL 16."""
    return "SET" if server_version >= 160000 else "MEMBER"


def _attempt(what: str, step: Callable[[], None]) -> list[str]:
    """Run a step, again after a race; return the reason why it was refused, if it was."""
    for remaining in reversed(range(ATTEMPTS)):
        try:
            step()
        except RACES:
            if not remaining:
                raise
        except (errors.InsufficientPrivilege, errors.UndefinedObject) as refusal:
            return [f"could not {what}: {refusal.diag.message_primary}"]
        else:
            break
    return []


def _create(connection: Connection[Any], role: str) -> None:
    if not _exists(connection, role):
        with connection.transaction():
            connection.execute(
                sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))
            )


def _join(connection: Connection[Any], role: str) -> None:
    if not _can_become(connection, role):
        with connection.transaction():
            connection.execute(
                sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role))
            )


def _exists(connection: Connection[Any], role: str) -> bool:
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return row.fetchone() is not None


def _can_become(connection: Connection[Any], role: str) -> bool:
    privilege = membership(connection.info.server_version)
    row = connection.execute("SELECT pg_has_role(%s, %s)", [role, privilege]).fetchone()
    return row is not None and bool(row[0])


def _grant_tables(
    connection: Connection[Any], role: str, grants: dict[str, LiteralString]
) -> None:
    to = sql.Identifier(role)
    with connection.transaction():
        _execute(connection, "GRANT USAGE ON SCHEMA {} TO {}", _schema(connection), to)
        for table, privileges in grants.items():
            name = sql.Identifier(table)
            _execute(connection, "REVOKE ALL ON {} FROM {}", name, to)
            _execute(connection, "GRANT {} ON {} TO {}", sql.SQL(privileges), name, to)
        for view in _names(connection, VIEWS):
            _execute(connection, "GRANT SELECT ON {} TO {}", sql.Identifier(view), to)


def _hand_over(connection: Connection[Any]) -> None:
    to = sql.Identifier(OWNER)
    with connection.transaction():
        _execute(
            connection,
            "GRANT USAGE, CREATE ON SCHEMA {} TO {}",
            _schema(connection),
            to,
        )
        for table in APP_GRANTS:
            _execute(
                connection, "ALTER TABLE {} OWNER TO {}", sql.Identifier(table), to
            )
        for view in _names(connection, VIEWS):
            _execute(connection, "ALTER VIEW {} OWNER TO {}", sql.Identifier(view), to)
        for routine in _names(connection, ROUTINES):
            _execute(
                connection, "ALTER ROUTINE {} OWNER TO {}", sql.Identifier(routine), to
            )


def _execute(
    connection: Connection[Any], statement: LiteralString, *parts: sql.Composable
) -> None:
    connection.execute(sql.SQL(statement).format(*parts))


def _schema(connection: Connection[Any]) -> sql.Identifier:
    return sql.Identifier(str(_value(connection, "SELECT current_schema()")))


def _names(connection: Connection[Any], query: LiteralString) -> Iterable[str]:
    return [row[0] for row in connection.execute(query)]


def _value(connection: Connection[Any], query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row is not None else None


VIEWS: Final = """
    SELECT relname FROM pg_class
    WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace
      AND relname IN ('execution_history', 'executions', 'task_attempts', 'open_waits',
                      'approvals_pending', 'map_run_progress')
"""
ROUTINES: Final = """
    SELECT proname FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace
      AND proname LIKE 'stepwell\\_%'
"""

# Fact, query for a single boolean, and what to do where it is false.
FACTS: Final[tuple[tuple[str, LiteralString, str], ...]] = (
    (
        "the guard refuses changes of the log",
        """
        SELECT count(*) > 0 FROM pg_trigger
        WHERE tgrelid = to_regclass('events') AND tgname = 'events_append_only'
          AND tgenabled IN ('O', 'A')
        """,
        "Run `stepwell migrate`, or ALTER TABLE events ENABLE TRIGGER events_append_only.",
    ),
    (
        "engines work as stepwell_app, which may only read and append events",
        """
        SELECT count(*) > 0
           AND bool_and(pg_has_role(current_user, rolname, 'MEMBER'))
           AND bool_and(has_table_privilege(rolname, 'events', 'SELECT'))
           AND bool_and(has_table_privilege(rolname, 'events', 'INSERT'))
           AND NOT bool_or(has_table_privilege(rolname, 'events', 'UPDATE'))
           AND NOT bool_or(has_table_privilege(rolname, 'events', 'DELETE'))
           AND NOT bool_or(has_table_privilege(rolname, 'events', 'TRUNCATE'))
        FROM pg_roles WHERE rolname = 'stepwell_app'
        """,
        "Give the login the three roles, then run `stepwell migrate` (docs/database.md).",
    ),
    (
        "only stepwell_retention may delete events",
        """
        SELECT count(*) > 0
           AND bool_and(pg_has_role(current_user, rolname, 'MEMBER'))
           AND bool_and(has_table_privilege(rolname, 'events', 'DELETE'))
        FROM pg_roles WHERE rolname = 'stepwell_retention'
        """,
        "Give the login the three roles, then run `stepwell migrate` (docs/database.md).",
    ),
    (
        "the tables belong to stepwell_owner",
        """
        SELECT count(*) > 0 FROM pg_class
        WHERE oid = to_regclass('events')
          AND pg_get_userbyid(relowner) = 'stepwell_owner'
        """,
        "Give the login the three roles, then run `stepwell migrate` (docs/database.md).",
    ),
    (
        "the login is no superuser, who could switch the guard off",
        "SELECT NOT rolsuper FROM pg_roles WHERE rolname = session_user",
        "Let engines log in as an ordinary role that is a member of stepwell_app.",
    ),
)
