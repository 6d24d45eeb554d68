"""Which database is used, and how its URL is read and shown."""

from pathlib import Path

import pytest

from storage.database import configured_url, hidden_password, libpq_url
from storage.errors import StorageError


def test_the_url_given_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_DATABASE_URL", "postgresql://environment/")

    assert configured_url("postgresql://given/") == "postgresql://given/"


def test_the_environment_comes_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_DATABASE_URL", "postgresql://environment/")

    assert configured_url() == "postgresql://environment/"


def test_a_data_folder_asked_for_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEPWELL_DATABASE_URL", "postgresql://environment/")

    assert configured_url(data=Path("somewhere")) is None


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("postgresql+psycopg://u@h/d", "postgresql://u@h/d"),
        ("postgres+asyncpg://u@h/d", "postgres://u@h/d"),
        (
            "postgresql://u@h/d?application_name=a+b://",
            "postgresql://u@h/d?application_name=a+b://",
        ),
        ("host=/tmp dbname=x", "host=/tmp dbname=x"),
    ],
)
def test_a_driver_in_the_url_is_dropped(given: str, plain: str) -> None:
    assert libpq_url(given) == plain


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        (
            "postgresql://me:secret@/db?host=%2Ftmp",
            "postgresql://me:***@/db?host=%2Ftmp",
        ),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        (
            "postgresql://host/db?password=secret&sslmode=require",
            "postgresql://host/db?password=***&sslmode=require",
        ),
        ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
        (r"host=h password='my \' secret' port=1", "host=h password=*** port=1"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert hidden_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/x",
        "me:secret@host/x",
        "postgres:/me:secret@host/x",
        "host=h password=secret dbname",
        "somewhere",
    ],
)
def test_what_is_no_database_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StorageError, match=r"give postgresql://") as refusal:
        configured_url(url)

    assert "secret" not in str(refusal.value)
