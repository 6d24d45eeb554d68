"""Kill -9 of anything at any moment loses nothing and repeats nothing.

A round starts executions of all state types over two engines and two workers, kills some of
the processes or of PostgreSQL's, lets an engine sleep past its leases, waits until every execution has closed, and looks whether
anything is wrong. `--rounds N` makes more rounds, `--seed S` repeats one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import aiohttp
import psycopg
import pytest

from storage.database import connect
from tests.crash.invariants import Verdicts, broken, ownerless, verified
from tests.crash.load import Load
from tests.crash.world import World

ROUNDS = 17
KILLS = 6
EXECUTIONS = 24
GAP_SECONDS = 0.7
REST_SECONDS = 60.0

pytestmark = [pytest.mark.crash]


@dataclass(slots=True)
class Campaign:
    """Rounds of kills in one world."""

    world: World
    load: Load
    verdicts: Verdicts
    chance: Random
    findings: list[str] = field(default_factory=list)
    children: set[str] = field(default_factory=set)

    async def round(self) -> None:
        """Start, kill, wait, judge."""
        known = set(self.load.allowed)
        self.load.go(EXECUTIONS)
        watching = asyncio.create_task(self._watch())
        pausing = asyncio.create_task(self.world.pause_an_engine())
        for _ in range(KILLS):
            await asyncio.sleep(self.chance.uniform(0, GAP_SECONDS))
            await self.world.kill_something()
        await pausing
        self.world.revive()
        self.findings += await asyncio.to_thread(self._verified)
        await self._rest()
        watching.cancel()
        arns = self.load.allowed.keys() - known
        children = await asyncio.to_thread(self._new_children)
        self.findings += await self.verdicts.findings(arns | children)
        self.findings += await asyncio.to_thread(broken, self.world.server.url)
        self.findings += await asyncio.to_thread(verified, self.world.server.url)
        self.findings += await self._wrong_ends(arns)
        self.findings += self.load.refusals
        self.findings += _failures(self.world)

    async def _watch(self) -> None:
        """Look at every instant whether all open executions are owned; answer callbacks."""
        while True:
            self.load.look()
            await asyncio.sleep(0.05)
            self.findings += await asyncio.to_thread(self._ownerless)

    def _ownerless(self) -> list[str]:
        try:
            with connect(self.world.server.url, autocommit=True) as connection:
                return ownerless(connection)
        except psycopg.Error:
            return []  # it was killed

    def _verified(self) -> list[str]:
        try:
            return verified(self.world.server.url)
        except psycopg.Error:
            return []  # a backend was killed just now

    async def _rest(self) -> None:
        """Wait until every request has its answer and every execution its end."""
        deadline = time.monotonic() + REST_SECONDS
        await self.load.settle(REST_SECONDS)
        while left := await asyncio.to_thread(self._open):
            assert time.monotonic() < deadline, self._portrait(left)
            await asyncio.sleep(0.05)

    def _open(self) -> list[str]:
        statement = (
            b"SELECT arn FROM execution_records WHERE status = 'RUNNING'"
            b" UNION ALL SELECT kind FROM inbox WHERE consumed_at IS NULL"
            b" UNION ALL SELECT arn FROM map_runs WHERE NOT is_settled"
        )
        with connect(self.world.server.url, autocommit=True) as connection:
            return [row[0] for row in connection.execute(statement).fetchall()]

    def _new_children(self) -> set[str]:
        """Return the children of Map Runs that have not been judged yet."""
        statement = b"SELECT arn FROM execution_records WHERE map_run_arn IS NOT NULL"
        with connect(self.world.server.url, autocommit=True) as connection:
            found = {row[0] for row in connection.execute(statement).fetchall()}
        new = found - self.children
        self.children |= new
        return new

    async def _wrong_ends(self, arns: set[str]) -> list[str]:
        """Compare the ends with what each execution had to come to."""
        statement = b"SELECT arn, status FROM execution_records"
        with connect(self.world.server.url, autocommit=True) as connection:
            ends: dict[str, str] = dict(connection.execute(statement).fetchall())
        return [
            f"{arn} ended as {ends.get(arn)}"
            for arn in arns
            if ends.get(arn, "nothing") not in self.load.allowed[arn]
        ]

    def _portrait(self, left: list[str]) -> str:
        """Describe what does not come to an end."""
        lines = [f"{len(left)} stay open", *left[:5]]
        with connect(self.world.server.url, autocommit=True) as connection:
            for table in ("timers", "tasks", "inbox", "quarantine", "worker_sessions"):
                rows = connection.execute(f"SELECT * FROM {table} LIMIT 8".encode())
                lines += [f"{table}: {row}" for row in rows.fetchall()]
            statement = (
                b"SELECT holder, count(*), max(expires_at) FROM leases GROUP BY 1"
            )
            rows = connection.execute(statement)
            lines += [f"leases: {row}" for row in rows.fetchall()]
        return "\n".join(lines)


@pytest.mark.timeout(0)
async def test_nothing_is_lost_or_done_twice(
    world: World,
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    rounds = int(pytestconfig.getoption("--rounds") or ROUNDS)
    record_property("said", f"seed {seed}, {rounds} rounds of {KILLS} kills")
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        load = Load(world.endpoints, world.ledger, Random(seed + 1), session)
        verdicts = Verdicts(world.server.url, world.ledger)
        await load.prepare()
        campaign = Campaign(world, load, verdicts, Random(seed + 2))
        for number in range(rounds):
            await campaign.round()
            assert campaign.findings == [], f"seed {seed}, round {number}"

        findings = await verdicts.findings(load.allowed)
    assert findings == [], f"seed {seed}, at the end"
    await asyncio.to_thread(_verify_by_command, world)
    seconds = time.monotonic() - began
    record_property(
        "said",
        f"{world.kills.total()} kills in {seconds:.0f} s: {dict(world.kills)}; "
        f"{world.pauses} engines paused; {len(load.allowed)} executions, "
        f"{len(load.answered)} callbacks, {load.redriven} redrives",
    )
    if not verdicts.has_checker:
        record_property("said", "SKIPPED: there is no check_history.py here")


def _verify_by_command(world: World) -> None:
    """Let the command say it, too."""
    done = subprocess.run(
        [sys.executable, "-m", "stepwell", "verify", "--all"],
        env=os.environ | {"STEPWELL_DATABASE_URL": world.server.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _failures(world: World) -> list[str]:
    """Find engines that have ended by an error of ours."""
    return [
        line
        for log in world.folder.glob("engine-*.log")
        for line in log.read_text(errors="replace").splitlines()
        if "engine loop failed" in line or "execution set aside" in line
    ]
