from __future__ import annotations

import psycopg.errors
import pytest
from sqlalchemy.exc import ProgrammingError

from cli.errors import explained

DENIED = psycopg.errors.InsufficientPrivilege("permission denied for table leases\n")


@pytest.mark.parametrize(
    "error",
    [DENIED, ProgrammingError("SELECT 1", None, DENIED)],
    ids=["the driver's", "in a wrapper"],
)
def test_a_login_without_the_right_to_is_told_so(error: Exception) -> None:
    assert explained(error) == (
        "the login to the database may not do this: permission denied for table leases"
        " (docs/database.md names the roles that it needs)"
    )


def test_a_bug_of_ours_is_not_explained() -> None:
    assert explained(AssertionError("a bug of ours")) is None
