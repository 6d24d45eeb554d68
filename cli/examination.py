"""What `doctor` looks at: one function per subject, each yields what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

import psycopg

from cli.counts import counted
from cli.times import span
from cli.version import version
from storage.access_keys import KeyRegister
from storage.database import hidden_password
from storage.master_keys import master_key_of
from storage.revisions import SchemaState, schema_state
from storage.roles import enforcement
from storage.server_keys import ServerKeyRegister
from storage.statements import statements

State: TypeAlias = Literal["well", "note", "wrong"]
Connection: TypeAlias = psycopg.Connection[Any]

_SQL: Final = statements("installation")
# A worker that lives is heard every few seconds; the list has those of the last minute.
_SILENCE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Found:
    """One finding: `wrong` needs somebody, a `note` may."""

    state: State
    sentence: str
    advice: str = ""


def examine(connection: Connection, url: str) -> Iterator[Found]:
    """Yield everything there is to say of an installation."""
    yield from _database(connection, url)
    state = schema_state(url)
    if not state.is_usable:
        at = state.current or "nothing: the database is empty"
        yield Found("wrong", f"schema at {at}, {state.newest} is needed", _MIGRATE)
        return
    yield _schema(state)
    yield from _roles(connection)
    yield from _token_keys(connection)
    yield from _engines(connection)
    yield from _access_keys(connection)
    yield from _workers(connection)
    yield from _unserved(connection)
    yield from _executions(connection)
    yield from _quarantine(connection)


def _schema(state: SchemaState) -> Found:
    if state.is_newer:
        sentence = (
            f"schema at {state.current}: of a newer version, which lets {version()} run"
        )
        return Found("note", sentence)
    return Found("well", f"schema at {state.newest}, Stepwell {version()}")


_MIGRATE: Final = "Run `stepwell migrate`."


def release(connection: Connection, arn: str) -> bool:
    """Let a quarantined execution go on; tell whether it was in quarantine."""
    return bool(_rows(connection, "release", arn=arn))


def _database(connection: Connection, url: str) -> Iterator[Found]:
    number = connection.info.parameter_status("server_version")
    yield Found("well", f"PostgreSQL {number} at {hidden_password(url)}")
    unsafe = [
        name
        for name in ("fsync", "full_page_writes", "synchronous_commit")
        if connection.execute(f"SHOW {name}".encode()).fetchone() == ("off",)
    ]
    if unsafe:
        advice = "What was answered may be lost in a power cut. Set them to on."
        yield Found("wrong", f"{', '.join(unsafe)} is off", advice)


def _roles(connection: Connection) -> Iterator[Found]:
    for fact in enforcement(connection):
        if fact.enforced:
            yield Found("well", fact.fact)
        else:
            yield Found("note", f"not enforced: {fact.fact}", fact.advice)


def _token_keys(connection: Connection) -> Iterator[Found]:
    keys = ServerKeyRegister(connection).all()
    sealed = [key.sealed for key in keys if key.sealed is not None]
    if len(sealed) == len(keys):
        names = ", ".join(sorted({master_key_of(each) for each in sealed}))
        yield Found("well", f"keys of tokens encrypted under master key {names}")
    else:
        advice = "Start every server with STEPWELL_SECRET_KEY (docs/security.md)."
        yield Found("note", "the keys that sign tokens are not encrypted", advice)


def _engines(connection: Connection) -> Iterator[Found]:
    rows = _rows(connection, "engines")
    for _, pid, host, age, is_alive, shards in rows:
        if is_alive:
            up = span(age.total_seconds())
            yield Found("well", f"engine {pid} on {host}: {shards} shards, up {up}")
    unheld = _rows(connection, "unheld")[0][0]
    if unheld:
        advice = "Start one with `stepwell serve`, or wait a lease for the take-over."
        yield Found("wrong", f"{unheld} shards have no engine", advice)


def _access_keys(connection: Connection) -> Iterator[Found]:
    """Tell of keys that an engine refuses because it cannot read them."""
    keys = [key for key in KeyRegister(connection).all() if key.disabled_at is None]
    engines = ServerKeyRegister(connection).engines_with_master_keys()
    for pid, host, names in engines:
        others = [key for key in keys if master_key_of(key.secret) not in names]
        if others:
            missing = ", ".join(sorted({master_key_of(key.secret) for key in others}))
            sentence = (
                f"engine {pid} on {host} cannot read {counted(len(others), 'access key')}:"
                f" it has not master key {missing}"
            )
            yield Found("wrong", sentence, "`stepwell keys list` tells which they are.")


def _workers(connection: Connection) -> Iterator[Found]:
    rows = _rows(connection, "workers")
    for name, functions, slots, silent, busy in rows:
        served = ", ".join(json.loads(functions))
        seen = span(max(0.0, silent.total_seconds()))
        doing = f"worker {name}: {served}; {busy} running, {slots} slots"
        if silent > _SILENCE:
            yield Found("note", f"{doing}, silent for {seen}: gone, or cut off")
        else:
            yield Found("well", f"{doing}, seen {seen} ago")
    if not rows:
        yield Found("note", "no worker polls", "Start one: `stepwell worker FILE`.")


def _unserved(connection: Connection) -> Iterator[Found]:
    for function, count, since, execution in _rows(connection, "unserved"):
        sentence = f"no worker serves {function}: {counted(count, 'task')} waiting"
        yield Found("wrong", sentence, f"Since {since:%F %T}; the first: {execution}")


def _executions(connection: Connection) -> Iterator[Found]:
    counts = dict(_rows(connection, "executions_by_status"))
    shown = ", ".join(f"{count} {status}" for status, count in counts.items())
    yield Found("well", f"executions: {shown or 'none yet'}")


def _quarantine(connection: Connection) -> Iterator[Found]:
    for arn, reason, since in _rows(connection, "quarantined"):
        sentence = f"set aside since {since:%F %T}: {arn}: {reason}"
        yield Found("wrong", sentence, f"Then: stepwell doctor --release {arn}")


def _rows(connection: Connection, name: str, **parameters: object) -> list[Any]:
    return connection.execute(_SQL[name], parameters).fetchall()
