"""PostgreSQL as in production, and everything around it, to be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.crash.world import World


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    given = pytestconfig.getoption("--seed")
    return Random().randrange(2**32) if given is None else int(given)


@pytest.fixture
async def world(tmp_path: Path, seed: int) -> AsyncIterator[World]:
    with EmbeddedServer(tmp_path / "data") as server:
        migrate(server.url)
        it = World(server, tmp_path, Random(seed))
        it.begin()
        try:
            yield it
        finally:
            it.end()
