"""A server over a clean database, and boto3 as its client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.config
import pytest

from tests.support.api_server import serve


@pytest.fixture
def endpoint(clean_database: str) -> Iterator[str]:
    with serve(clean_database) as url:
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
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        inject_host_prefix=False,
        parameter_validation=False,
    )
    client = aws_session.client("stepfunctions", endpoint_url=endpoint, config=config)
    yield client
    client.close()
