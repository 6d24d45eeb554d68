"""Which database a command works on: its options, and the database for as long as it runs."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import CommandError

if TYPE_CHECKING:
    from storage.embedded import EmbeddedServer


def add_database_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the database."""
    group = parser.add_argument_group("database")
    group.add_argument(
        "--database",
        metavar="URL",
        help="a PostgreSQL of your own (or STEPWELL_DATABASE_URL)",
    )
    add_data_option(group)


def add_data_option(group: argparse._ActionsContainer) -> None:
    """Add the option that names the folder of the embedded server."""
    group.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="the data folder of the embedded PostgreSQL (.stepwell)",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that answers; `embedded` is its server where that is ours."""

    url: str
    embedded: EmbeddedServer | None = None


@contextlib.contextmanager
def open_database(
    options: argparse.Namespace, settings: Mapping[str, str] | None = None
) -> Iterator[Database]:
    """Yield the database, made if it is an embedded one that is not there yet."""
    from storage.database import configured_url  # loads psycopg
    from storage.embedded import EmbeddedServer

    url = configured_url(options.database, options.data)
    if url is not None:
        yield Database(url=url)
        return
    with EmbeddedServer(_folder(options), settings=settings or {}) as server:
        yield Database(url=server.url, embedded=server)


@contextlib.contextmanager
def open_existing_database(options: argparse.Namespace) -> Iterator[Database]:
    """Yield the database; refuse to make one where there is none."""
    from storage.database import configured_url

    if configured_url(options.database, options.data) is None:
        _require(_folder(options))
    with open_database(options) as database:
        yield database


def prepare_schema(database: Database) -> None:
    """Migrate a database that is ours; require of another that it has been migrated."""
    if database.embedded is not None:
        migrate_schema(database)
        return
    from storage.revisions import schema_state

    state = schema_state(database.url)
    if not state.is_usable:
        at = "is empty" if state.current is None else f"stands at {state.current}"
        msg = f"the database {at}, {state.newest} is needed: run `stepwell migrate`"
        raise CommandError(msg)


def migrate_schema(database: Database) -> None:
    """Bring a database to the present schema."""
    from storage.migrate import migrate

    migrate(database.url)


def _folder(options: argparse.Namespace) -> Path:
    from storage.database import DEFAULT_DATA

    folder: Path | None = options.data
    return folder or DEFAULT_DATA


def _require(folder: Path) -> None:
    if not (folder / "postgresql" / "PG_VERSION").exists():
        msg = (
            f"there is no database in {folder.resolve()}: give --data DIR,"
            " --database URL or STEPWELL_DATABASE_URL"
        )
        raise CommandError(msg)
