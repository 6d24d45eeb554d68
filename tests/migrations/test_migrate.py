"""Migrating: once, again, from several processes at once, and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString

import pytest
from alembic import command

from runtime.events import EVENT_TYPES
from storage.database import connect
from storage.migrate import MigrationError, migrate
from storage.revisions import OLDEST_CODE, schema_state
from storage.upgrading import alembic_config, engine_for

ROOT = Path(__file__).resolve().parents[2]


def test_an_empty_database_is_migrated_and_filled(empty_database: str) -> None:
    report = migrate(empty_database)

    assert (report.before, report.shards, report.changed) == (None, 64, True)
    assert one(empty_database, "SELECT count(*) FROM leases") == 64
    assert one(empty_database, "SELECT length(secret) FROM server_keys") == 32
    assert one(empty_database, "SELECT count(*) FROM event_types") == len(EVENT_TYPES)


def test_leases_begin_free_and_expired(empty_database: str) -> None:
    migrate(empty_database, shards=3)

    with connect(empty_database) as connection:
        leases = connection.execute(
            "SELECT shard, epoch, holder, pid, extract(epoch FROM expires_at)::int "
            "FROM leases ORDER BY shard"
        ).fetchall()
    assert leases == [(shard, 1, None, None, 0) for shard in range(3)]


def test_codes_of_event_types_are_their_positions(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        stored: dict[int, str] = dict(
            connection.execute("SELECT code, name FROM event_types")
        )

    assert stored == dict(enumerate(EVENT_TYPES, start=1))


def test_migrating_again_changes_nothing(fresh_database: str) -> None:
    secret = one(fresh_database, "SELECT secret FROM server_keys")

    report = migrate(fresh_database)

    assert (report.before, report.changed) == (report.after, False)
    assert one(fresh_database, "SELECT secret FROM server_keys") == secret


def test_the_number_of_shards_cannot_change(empty_database: str) -> None:
    migrate(empty_database, shards=8)

    with pytest.raises(MigrationError, match="has 8 shards and cannot get 16"):
        migrate(empty_database, shards=16)

    assert migrate(empty_database).shards == 8
    assert one(empty_database, "SELECT count(*) FROM leases") == 8


@pytest.mark.parametrize("shards", [0, 4097])
def test_an_impossible_number_of_shards_is_refused(shards: int) -> None:
    with pytest.raises(MigrationError, match="1 to 4096"):
        migrate("postgresql:///nowhere", shards=shards)


def test_processes_that_migrate_at_once_take_turns(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(migrate, [empty_database] * 4))

    assert sorted(report.changed for report in reports) == [False, False, False, True]
    assert one(empty_database, "SELECT count(*) FROM server_keys") == 1


def test_down_and_up_again_leads_to_the_same_place(fresh_database: str) -> None:
    config = alembic_config()
    with engine_for(fresh_database).connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
    left = one(
        fresh_database,
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'v') "
        "AND relnamespace = current_schema()::regnamespace "
        "AND relname <> 'alembic_version'",
    )

    report = migrate(fresh_database)

    assert left == 0
    assert (report.before, report.changed) == (None, True)
    assert one(fresh_database, "SELECT count(*) FROM execution_history") == 0


def test_a_database_of_a_newer_version_is_left_alone(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(MigrationError, match="migrated by a newer one"):
        migrate(fresh_database)


@pytest.mark.parametrize(
    ("oldest", "is_usable"), [("0001", True), (OLDEST_CODE, True), ("9000", False)]
)
def test_code_runs_on_a_newer_schema_that_lets_it(
    fresh_database: str, oldest: str, is_usable: bool
) -> None:
    with connect(fresh_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute(
            "UPDATE settings SET value = %s WHERE key = 'oldest_code'", [oldest]
        )

    state = schema_state(fresh_database)

    assert (state.is_present, state.is_newer, state.is_usable) == (
        False,
        is_usable,
        is_usable,
    )


def test_a_schema_that_lacks_something_is_not_usable(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0011'")

    assert not schema_state(fresh_database).is_usable


def test_event_types_of_another_order_are_refused(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        connection.execute("UPDATE event_types SET name = 'Other' WHERE code = 1")

    with pytest.raises(MigrationError, match="event type 1 is Other"):
        migrate(fresh_database)


def test_revisions_are_found_where_the_wheel_puts_them(
    empty_database: str, tmp_path: Path
) -> None:
    server = tmp_path / "stepwell" / "server"
    for name in ("asl", "runtime", "storage", "alembic"):
        shutil.copytree(ROOT / name, server / name)
    shutil.copy(ROOT / "alembic.ini", server)
    script = (
        f"import sys; sys.path.insert(0, {str(server)!r})\n"
        "from storage.migrate import migrate\n"
        "print(migrate(sys.argv[1]).after)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, empty_database],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stderr, done.stdout) == ("", "0013\n")


def one(url: str, query: LiteralString) -> object:
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
