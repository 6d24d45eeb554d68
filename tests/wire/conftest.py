"""A server over a clean database, and boto3 as its client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.config
import pytest

from tests.support.api_server import serve
from tests.support.databases import CleanableDatabase


@pytest.fixture
def endpoint(clean_database: str) -> Iterator[str]:
    with serve(clean_database) as url:
        yield url


@pytest.fixture(scope="module")
def module_database(process_database: CleanableDatabase) -> str:
    """A database that the tests of a module share: each uses names of its own."""
    process_database.clean()
    return process_database.url


@pytest.fixture(scope="module")
def module_endpoint(module_database: str) -> Iterator[str]:
    with serve(module_database) as url:
        yield url


@pytest.fixture(scope="session")
def aws_session() -> Any:
    return boto3.session.Session(
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )


@pytest.fixture
def client(endpoint: str, aws_session: Any) -> Iterator[Any]:
    with _client(endpoint, aws_session) as client:
        yield client


@pytest.fixture(scope="module")
def module_client(module_endpoint: str, aws_session: Any) -> Iterator[Any]:
    with _client(module_endpoint, aws_session) as client:
        yield client


@contextlib.contextmanager
def _client(endpoint: str, aws_session: Any) -> Iterator[Any]:
    """Make a client that checks nothing itself, so that the server must."""
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        inject_host_prefix=False,
        parameter_validation=False,
    )
    client = aws_session.client("stepfunctions", endpoint_url=endpoint, config=config)
    yield client
    client.close()
