"""The processes: two engines, two workers and PostgreSQL; killed one by one, and revived."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import signal
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import psutil

from storage.embedded import EmbeddedServer
from tests.crash import roles

_FORKS: ForkServerContext = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.crash.roles"])
_SILENT_SECONDS = 0.5


@dataclass(slots=True)
class Node:
    """A process of a kind, and how to start it anew."""

    name: str
    target: Callable[..., None]
    arguments: tuple[Any, ...]
    process: ForkServerProcess | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.is_alive:
            self.process = _FORKS.Process(
                target=self.target, args=self.arguments, name=self.name, daemon=True
            )
            self.process.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.is_alive()

    def kill(self) -> None:
        """Kill it; returns when it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class World:
    """Everything that can be killed."""

    server: EmbeddedServer
    folder: Path
    chance: random.Random
    times: roles.Times = field(default_factory=roles.Times)
    kills: Counter[str] = field(default_factory=Counter)
    pauses: int = 0
    endpoints: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        """What the functions have noted down."""
        return self.folder / "ledger"

    def begin(self, engines: int = 2, workers: int = 2) -> None:
        """Start everything."""
        self.ledger.touch()
        for number in range(engines):
            port = _free_port()
            self.endpoints.append(f"http://127.0.0.1:{port}")
            log = self.folder / f"engine-{number}.log"
            given = (self.server.url, port, log, self.times)
            self.nodes.append(Node(f"engine {number}", roles.engine, given))
        for number in range(workers):
            name = f"worker-{number}"
            endpoint = self.endpoints[number % engines]
            log = self.folder / f"{name}.log"
            given_worker = (endpoint, name, log, self.ledger)
            self.nodes.append(Node(name, roles.sdk_worker, given_worker))
        self.revive()

    def revive(self) -> None:
        """Start what is not running."""
        for node in self.nodes:
            node.start()

    def end(self) -> None:
        """Kill what runs."""
        for node in self.nodes:
            node.kill()

    # Pausing and killing

    async def pause_an_engine(self) -> None:
        """Let an engine sleep for longer than its leases last, and wake up as a zombie."""
        await asyncio.sleep(self.chance.uniform(0, 2))
        engines = [n for n in self.nodes if n.is_alive and n.name.startswith("engine")]
        if not engines:
            return
        process = self.chance.choice(engines).process
        assert process is not None
        assert process.pid is not None
        sleeper = psutil.Process(process.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            sleeper.suspend()
            await asyncio.sleep(self.times.lease * self.chance.uniform(0.5, 2.5))
            sleeper.resume()
            self.pauses += 1

    async def kill_something(self) -> str:
        """Kill a process that runs, and bring it back in a moment; tell what it was."""
        alive = [node for node in self.nodes if node.is_alive]
        engines = [node for node in alive if node.name.startswith("engine")]
        workers = [node for node in alive if not node.name.startswith("engine")]
        kind = self.chance.choices(
            ["engine", "worker", "backend", "postmaster"], [8, 6, 4, 2]
        )[0]
        if kind == "engine" and engines:
            await self._kill_node(self.chance.choice(engines))
        elif kind == "worker" and workers:
            await self._kill_node(self.chance.choice(workers))
        elif kind == "backend" and self._kill_backend():
            await asyncio.to_thread(self.server.start)
        else:
            kind = "postmaster"
            await self._kill_postmaster()
        self.kills[kind] += 1
        return kind

    async def _kill_node(self, node: Node) -> None:
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(self.chance.uniform(0, _SILENT_SECONDS))
        await asyncio.to_thread(node.start)

    def _kill_backend(self) -> bool:
        """Kill one session of PostgreSQL, which makes it begin anew with all of them."""
        postmaster = self.server.postmaster()
        if postmaster is None:
            return False
        try:
            children = psutil.Process(postmaster).children()
            sessions = [p for p in children if "stepwell" in " ".join(p.cmdline())]
            if not sessions:
                return False
            self.chance.choice(sessions).send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return False
        return True

    async def _kill_postmaster(self) -> None:
        postmaster = self.server.postmaster()
        if postmaster is not None:
            psutil.Process(postmaster).kill()
        await asyncio.sleep(self.chance.uniform(0, _SILENT_SECONDS))
        await asyncio.to_thread(self.server.start)
