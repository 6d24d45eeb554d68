"""The fixed SQL statements, kept as text in `storage/sql/<table>.sql`.

A file holds any number of statements. Each begins with a line `-- name: the_name` and lines
of comment that say what it does; parameters are named, as in `%(shard)s`. Comment lines are
taken out: psycopg would look for parameters in them. A statement that reads one of several
columns leaves its name open, as in `{column}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from psycopg import sql

_FOLDER = Path(__file__).parent / "sql"
_HEADING = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def statements(table: str) -> Mapping[str, bytes]:
    """Load the statements of one file, by name; as bytes, which psycopg takes as they are."""
    return MappingProxyType(parse((_FOLDER / f"{table}.sql").read_text("utf-8")))


def of_column(statement: bytes, column: str) -> bytes:
    """Put a column's name where a statement leaves it open."""
    template = sql.SQL(statement.decode())
    return template.format(column=sql.Identifier(column)).as_bytes()


def parse(text: str) -> dict[str, bytes]:
    """Divide a file into its statements."""
    preamble, *parts = _HEADING.split(text)
    assert not _without_comments(preamble), "a statement stands before the first name"
    names, bodies = parts[::2], parts[1::2]
    assert len(set(names)) == len(names), f"a name stands twice among {names}"
    return {
        name: _without_comments(body).encode()
        for name, body in zip(names, bodies, strict=True)
    }


def _without_comments(text: str) -> str:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")
