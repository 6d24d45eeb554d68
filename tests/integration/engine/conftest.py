"""A fleet of engines on a clean database, and a proxy that loses connections to it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.fleet import Fleet, fleet
from tests.support.losing_proxy import LosingProxy


@pytest.fixture
async def proxy(clean_database: str) -> AsyncIterator[LosingProxy]:
    async with LosingProxy(clean_database).running() as it:
        yield it


@pytest.fixture
async def engines(clean_database: str, proxy: LosingProxy) -> AsyncIterator[Fleet]:
    async with fleet(clean_database) as it:
        yield it


@pytest.fixture
async def own(fresh_database: str) -> AsyncIterator[Fleet]:
    """Engines on a database of the test's own, which it may furnish with triggers."""
    async with fleet(fresh_database) as it:
        yield it
