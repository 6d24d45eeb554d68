"""Run revisions on the connection that `storage.upgrading` hands over, or on one's own."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from storage.schema import metadata
from storage.upgrading import engine_for


def run(connection: Connection) -> None:
    """Run the wanted revisions, each in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with engine_for(os.environ["STEPWELL_DATABASE_URL"]).connect() as own:
        run(own)
