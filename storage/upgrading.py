"""Run the revisions in `alembic/`: the one place of the server that loads Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from psycopg import Connection
from sqlalchemy import Engine, NullPool, StaticPool, create_engine

from storage.database import connect

ROOT: Final = Path(__file__).resolve().parent.parent
_DRIVER: Final = "postgresql+psycopg://"


def upgrade(session: Connection[Any]) -> None:
    """Run the missing revisions in a session, which goes on afterwards."""
    engine = create_engine(_DRIVER, creator=lambda: session, poolclass=StaticPool)
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def engine_for(url: str) -> Engine:
    """Make an engine for any connection string that libpq understands."""
    return create_engine(_DRIVER, creator=lambda: connect(url), poolclass=NullPool)


def alembic_config() -> Config:
    """Find alembic.ini and its revisions, in the repository and in an installed wheel."""
    return Config(str(ROOT / "alembic.ini"))
