"""A server that cannot go on ends, with an exit status and a sentence; it never hangs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import SECONDS, environment

ROOT: Final = Path(__file__).parents[2]

# A loop of the engine that ends by a bug of ours, a moment after the start.
BROKEN_LOOP: Final = """
import asyncio, sys
from cli.main import main
from {module} import {part}

async def run(self):
    await asyncio.sleep(0.2)
    raise AssertionError("a bug of ours")

{part}.run = run
sys.exit(main(["serve", "--port=0"]))
"""
BROKEN_THREAD: Final = """
import sys
from cli.main import main
from engine.leases import LeaseKeeper

def fail(self):
    raise AssertionError("a bug of ours")

LeaseKeeper._round = fail
sys.exit(main(["serve", "--port=0"]))
"""


def run(program: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(STEPWELL_DATABASE_URL=url),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("engine.inbox", "Inbox"),
        ("engine.shards", "Shards"),
        ("engine.starts", "Starts"),
        ("engine.workerdesk", "WorkerDesk"),
        ("scheduler.timers", "DueTimers"),
    ],
    ids=lambda name: str(name).rpartition(".")[2],
)
def test_a_loop_that_fails_ends_the_process(
    clean_database: str, module: str, part: str
) -> None:
    done = run(BROKEN_LOOP.format(module=module, part=part), clean_database)

    assert done.returncode == 1
    assert "a bug of ours" in done.stderr
    assert "stepwell serve: a loop of the engine failed" in done.stderr


def test_a_lane_that_fails_ends_the_process_though_nothing_drains_it(
    clean_database: str,
) -> None:
    done = run(BROKEN_LOOP.format(module="engine.lane", part="Lane"), clean_database)

    assert done.returncode == 1
    assert "a bug of ours" in done.stderr


def test_a_lease_thread_that_fails_ends_the_process(clean_database: str) -> None:
    done = run(BROKEN_THREAD, clean_database)

    assert done.returncode == 1
    assert "stepwell serve: a loop of the engine failed" in done.stderr


def test_a_storage_folder_of_ones_own_is_not_taken_for_the_servers(
    tmp_path: Path,
) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "__init__.py").write_text("raise RuntimeError('mine')")

    done = subprocess.run(
        [sys.executable, "-m", "stepwell", "doctor"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert "there is no database" in done.stderr
