"""A server over a clean database, and boto3 as its client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import botocore.config
import pytest

from api.arns import Site
from api.context import Api
from api.machine_cache import MachineCache
from api.pages import PageTokens
from api.ports import WorkerHall
from scheduler.clock import SystemClock
from storage.connections import connection_pool
from storage.histories import Histories
from storage.listings import Executions
from storage.machines import Machines
from tests.support.api_server import serve
from tests.support.recorded_engine import RecordedEngine
from tests.support.recorder import SHARDS

KEYS = {1: b"k" * 32}


@contextlib.asynccontextmanager
async def recorded_parts(
    url: str, site: Site | None = None
) -> AsyncIterator[tuple[Api, WorkerHall]]:
    async with connection_pool(url) as pool:
        clock = SystemClock()
        machines = Machines(pool.connection)
        engine = RecordedEngine(url)
        api = Api(
            site=site or Site(),
            shards=SHARDS,
            clock=clock,
            pages=PageTokens(KEYS, clock),
            machines=machines,
            cache=MachineCache(machines.get, clock),
            executions=Executions(pool.connection),
            histories=Histories(pool.connection),
            engine=engine,
        )
        yield api, engine


@pytest.fixture
def endpoint(clean_database: str) -> Iterator[str]:
    with serve(lambda: recorded_parts(clean_database)) as url:
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
