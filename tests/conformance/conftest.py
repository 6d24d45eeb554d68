"""A server for the cases that need one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.config
import pytest

from api.arns import Site
from storage.database import connect
from tests.conformance.cases import ACCOUNT
from tests.support.api_server import serve
from tests.support.databases import DatabaseServer

_LISTED = (
    "activities",
    "state_machine_aliases",
    "state_machine_versions",
    "state_machines",
)


class Stage:
    """A server with its database and an ordinary client."""

    def __init__(self, endpoint: str, url: str, client: Any) -> None:
        self.endpoint = endpoint
        self.client = client
        self._url = url

    def forget_machines(self) -> None:
        """Delete what listings show of other cases; executions stay."""
        with connect(self._url) as connection:
            for table in _LISTED:
                connection.execute(f"DELETE FROM {table}".encode())


@pytest.fixture(scope="module")
def stage(database_server: DatabaseServer) -> Iterator[Stage]:
    session = boto3.session.Session(
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        inject_host_prefix=False,
        parameter_validation=False,
    )
    with database_server.clone() as url, serve(url, Site(account=ACCOUNT)) as endpoint:
        client = session.client("stepfunctions", endpoint_url=endpoint, config=config)
        with contextlib.closing(client):
            yield Stage(endpoint, url, client)
