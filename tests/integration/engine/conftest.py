"""A fleet of engines on a clean database."""

from collections.abc import AsyncIterator

import pytest

from tests.support.fleet import Fleet, fleet


@pytest.fixture
async def engines(clean_database: str) -> AsyncIterator[Fleet]:
    async with fleet(clean_database) as it:
        yield it
