"""`handlers`, `states`, `engines`, `storage`: whole workflows, engine and PostgreSQL alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import workflows
from benchmarks.database import Database, fresh_database
from benchmarks.processes import Meter

_IN_FLIGHT = 256


def handlers(count: int) -> dict[str, Any]:
    """Ten Task states in a row, their function inside the engine's process."""
    with fresh_database() as database:
        return run_nodes(database, workflows.tasks(), count)


def states(count: int) -> dict[str, Any]:
    """Ten Choice and Pass states."""
    with fresh_database() as database:
        return run_nodes(database, workflows.states(), 2 * count)


def engines(count: int) -> dict[str, Any]:
    """`handlers` with one, two and four engine processes on one database."""
    figures: dict[str, Any] = {}
    for nodes in (1, 2, 4):
        with fresh_database() as database:
            found = run_nodes(database, workflows.tasks(), count, nodes=nodes)
        figures[f"engines_{nodes}_cpu_ms"] = found["cpu_ms"]
        figures[f"engines_{nodes}_per_second"] = found["per_second"]
    figures["cpu_ms"] = figures["engines_4_cpu_ms"]
    figures["ratio_2"] = figures["engines_2_cpu_ms"] / figures["engines_1_cpu_ms"]
    figures["ratio_4"] = figures["engines_4_cpu_ms"] / figures["engines_1_cpu_ms"]
    return figures


def storage(count: int) -> dict[str, Any]:
    """Bytes that ten Task steps with a 300-byte state leave behind, heap and index."""
    with fresh_database() as database:
        before = database.log_bytes(), database.stored_bytes(), database.wal_position()
        found = run_nodes(database, workflows.tasks(), count, warm_up=0)
        workflows_run = count
        return {
            "log_bytes": (database.log_bytes() - before[0]) / workflows_run,
            "table_bytes": (database.stored_bytes() - before[1]) / workflows_run,
            "wal_bytes": (database.wal_position() - before[2]) / workflows_run,
            "per_second": found["per_second"],
        }


def tasks(count: int) -> dict[str, Any]:
    """`handlers` with the function on a worker process, over the real worker protocol."""
    with fresh_database() as database:
        return run_nodes(database, workflows.tasks(), count, workers=1)


def crossing(count: int) -> dict[str, Any]:
    """`tasks` with one, two and four engine processes, the only worker polling the first."""
    figures: dict[str, Any] = {}
    for nodes in (1, 2, 4):
        with fresh_database() as database:
            found = run_nodes(
                database, workflows.tasks(), count, nodes=nodes, workers=1
            )
        figures[f"crossing_{nodes}_cpu_ms"] = found["cpu_ms"]
        figures[f"crossing_{nodes}_per_second"] = found["per_second"]
        figures[f"crossing_{nodes}_p50_ms"] = found["p50_ms"]
    one = figures["crossing_1_cpu_ms"]
    figures["ratio_2"] = figures["crossing_2_cpu_ms"] / one
    figures["ratio_4"] = figures["crossing_4_cpu_ms"] / one
    return figures


def latency(count: int) -> dict[str, Any]:
    """One workflow of ten Task steps at a time: time per step less that of a commit."""
    figures: dict[str, Any] = {}
    few = max(20, count // 20)
    for name, workers in (("handlers", 0), ("tasks", 1)):
        with fresh_database() as database:
            found = run_nodes(
                database,
                workflows.tasks(),
                few,
                in_flight=1,
                warm_up=10,
                workers=workers,
            )
        figures[f"{name}_step_p50_ms"] = found["p50_ms"] / 10
        figures[f"{name}_commit_p50_ms"] = found["commit_p50_ms"]
        figures[f"{name}_p50_ms"] = found["p50_ms"] / 10 - found["commit_p50_ms"]
    return figures


def run_nodes(
    database: Database,
    definition: str,
    count: int,
    *,
    nodes: int = 1,
    in_flight: int = _IN_FLIGHT,
    warm_up: int = 300,
    workers: int = 0,
) -> dict[str, Any]:
    """Run workflows on some engine processes at once; return figures per workflow.

    Each of the first `workers` engine processes has a worker process of its own.
    """
    job: dict[str, Any] = {
        "url": database.url,
        "definition": definition,
        "revision_id": database.add_machine(definition),
        "count": count // nodes,
        "in_flight": in_flight,
        "warm_up": warm_up // nodes,
        "http": workers > 0,
        "nodes": nodes,
    }
    processes = [_spawn(job | {"served": n < workers}) for n in range(nodes)]
    pids = {"postgres": database.postmaster}
    endpoints = [_line(process) for process in processes if workers]
    crews = [_spawn_worker(endpoint) for endpoint in endpoints[:workers]]
    for process in processes:
        assert _line(process) == "ready"
    wal = database.wal_position()
    pids |= {f"worker_{n}": crew.pid for n, crew in enumerate(crews)}
    meter = Meter.start(pids)
    found = _measured(processes)
    total = job["count"] * nodes
    figures: dict[str, Any] = meter.stop(total)
    for crew in crews:
        crew.kill()
        crew.wait()
    cpu: float = sum(node["cpu_seconds"] for node in found)
    engine = 1000 * cpu / total
    return figures | {
        "engine_cpu_ms": engine,
        "cpu_ms": engine + figures["cpu_ms"],
        "commit_p50_ms": found[0]["commit_p50_ms"],
        "p50_ms": max(node["p50_ms"] for node in found),
        "p99_ms": max(node["p99_ms"] for node in found),
        "wal_bytes": (database.wal_position() - wal) / total,
    }


def _measured(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Give every engine process the word to begin; return what they found.

    One that fails says why on stderr, and the others, which would wait for it, are ended.
    """
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    try:
        return [json.loads(process.communicate()[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()


def _spawn(job: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.node", json.dumps(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _spawn_worker(endpoint: str) -> subprocess.Popen[bytes]:
    app = Path(__file__).with_name("worker_app.py")
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "stepwell", "worker", str(app)),
            *("--endpoint", endpoint, "--concurrency", "512"),
        ],
        stderr=subprocess.DEVNULL,
    )
