"""What every table of the schema is made with."""

from __future__ import annotations

from typing import Final

from sqlalchemy import DateTime, MetaData, Text

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

# Rows that live for seconds: vacuum them early and without pauses, or every scan of the
# queue walks over the dead.
CHURN: Final = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def exact() -> Text:
    """Return the type of texts that are compared byte by byte."""
    return Text(collation="C")


def timestamp() -> DateTime:
    """Return the type of points in time."""
    return DateTime(timezone=True)
