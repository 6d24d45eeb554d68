"""`stepwell serve`: one process, and several behind one port."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from cli.client import Client
from storage.installation import free_leases_of
from tests.support.commands import RunningCommand, stepwell, until

DEFINITION = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def url(fresh_database: str) -> dict[str, str]:
    return {"STEPWELL_DATABASE_URL": fresh_database}


def test_it_answers_once_it_is_ready_and_drains_on_sigterm(url: dict[str, str]) -> None:
    with RunningCommand("serve", "--port=0", extra=url) as server:
        assert get(f"{server.endpoint}/readyz") == (200, '{"status":"ready"}')
        assert get(f"{server.endpoint}/healthz")[0] == 200
        assert server.end() == 0

    with psycopg.connect(url["STEPWELL_DATABASE_URL"]) as connection:
        held = connection.execute("SELECT count(holder) FROM leases").fetchone()
        alive = connection.execute("SELECT count(*) FROM engines").fetchone()
    assert (held, alive) == ((0,), (0,))


def test_sigterm_ends_long_polls_with_an_empty_answer(url: dict[str, str]) -> None:
    with (
        RunningCommand("serve", "--port=0", extra=url) as server,
        ThreadPoolExecutor() as threads,
    ):
        client = Client(server.endpoint)
        activity = client.call("CreateActivity", name="a")["activityArn"]
        poll = threads.submit(client.call, "GetActivityTask", activityArn=activity)
        until("it is polled", partial(_is_polled, server.endpoint))

        assert server.end() == 0
        assert poll.result() == {}


def _is_polled(endpoint: str) -> bool:
    return "stepwell_activity_pollers 1.0" in get(f"{endpoint}/metrics")[1]


def test_the_ready_line_tells_sdks_where_it_is(url: dict[str, str]) -> None:
    with RunningCommand("serve", "--port=0", extra=url) as server:
        line, endpoint = server.ready_line, server.endpoint

    assert f"export AWS_ENDPOINT_URL_SFN={endpoint} " in line
    assert "AWS_DISABLE_HOST_PREFIX_INJECTION=true" in line
    assert len(server.printed) == 1


def test_readyz_is_red_while_a_shard_has_no_engine(url: dict[str, str]) -> None:
    database = url["STEPWELL_DATABASE_URL"]
    with (
        RunningCommand("serve", "--port=0", "--lease-seconds=1", extra=url) as server,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        probe = f"{server.endpoint}/readyz"
        connection.execute("INSERT INTO leases (shard) VALUES (1000)")
        connection.execute(
            "UPDATE leases SET holder = 'a ghost', expires_at = 'epoch' "
            "WHERE shard = 1000"
        )
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN CASE WHEN OLD.shard = 1000 THEN NULL ELSE NEW END; END $$"
        )
        connection.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON leases "
            "FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

        until("it is red", lambda: get(probe)[0] == 503, 20)
        assert "1 shards have no engine" in get(probe)[1]


def test_a_taken_port_is_said_at_once(url: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = stepwell("serve", f"--port={port}", extra=url)

    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 is taken" in done.stderr


def test_an_empty_database_is_not_migrated_behind_ones_back(
    empty_database: str,
) -> None:
    done = stepwell(
        "serve", "--port=0", extra={"STEPWELL_DATABASE_URL": empty_database}
    )

    assert done.returncode == 1
    assert "run `stepwell migrate`" in done.stderr


def test_a_database_that_is_not_there_is_said(tmp_path: object) -> None:
    nowhere = f"postgresql://stepwell@/none?host={tmp_path}"

    done = stepwell("serve", "--port=0", extra={"STEPWELL_DATABASE_URL": nowhere})

    assert done.returncode == 1
    assert "the database cannot be reached" in done.stderr


def test_each_engine_process_has_its_own_metrics(url: dict[str, str]) -> None:
    first = _two_free_ports()
    words = ("serve", "--port=0", "--engines=2", f"--metrics-port={first}")
    with RunningCommand(*words, extra=url) as server:
        shared = get(f"{server.endpoint}/metrics")
        until("all is held", lambda: sum(_shards_held(first, 2)) == 64)

    assert shared[0] == 404
    assert "--metrics-port" in shared[1]


def _shards_held(first: int, count: int) -> list[float]:
    held = []
    for port in range(first, first + count):
        status, text = get(f"http://127.0.0.1:{port}/metrics")
        assert status == 200
        found = re.search(r"^stepwell_shards_held (\S+)$", text, re.MULTILINE)
        assert found is not None
        held.append(float(found.group(1)))
    return held


def _two_free_ports() -> int:
    for port in range(21_000, 32_000, 7):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for number in (port, port + 1):
                stack.enter_context(socket.create_server(("127.0.0.1", number)))
            return port
    raise AssertionError("no two ports are free")


def test_a_dead_engine_is_replaced_and_its_shards_go_on(url: dict[str, str]) -> None:
    words = ("serve", "--port=0", "--engines=2", "--lease-seconds=6")
    with (
        RunningCommand(*words, extra=url) as server,
        psycopg.connect(url["STEPWELL_DATABASE_URL"], autocommit=True) as connection,
    ):
        client = Client(server.endpoint)
        victim = until(
            "somebody holds shards", lambda: next(iter(_holders(connection)), 0)
        )
        os.kill(victim, signal.SIGKILL)

        until("it is buried", lambda: _was_buried(server, victim), 20)
        until("all is held", lambda: sum(_holders(connection).values()) == 64, 20)
        assert victim not in _holders(connection)
        until("an execution on each", partial(_all_succeed, client, 8), 20)


def test_a_reaped_engine_leaves_no_lease(clean_database: str) -> None:
    with psycopg.connect(clean_database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities) "
            "VALUES ('e', now(), now() + '1 h', 4711, 'here', '{}')"
        )
        connection.execute(
            "UPDATE leases SET holder = 'e', pid = 4711, expires_at = now() + '1 h'"
        )

        assert free_leases_of(connection, "elsewhere", 4711) == 0
        assert free_leases_of(connection, "here", 4711) == 1
        assert _holders(connection) == {}


def _was_buried(server: RunningCommand, pid: int) -> bool:
    return any(
        "leases of a dead engine freed" in line
        and "cli.supervisor" in line
        and str(pid) in line
        for line in server.logged
    )


def _holders(connection: psycopg.Connection) -> dict[int, int]:
    rows = connection.execute(
        "SELECT pid, count(*) FROM leases WHERE holder IS NOT NULL GROUP BY pid"
    ).fetchall()
    return dict(rows)


def _all_succeed(client: Client, count: int) -> bool:
    machine = client.call(
        "CreateStateMachine",
        name="m",
        definition=DEFINITION,
        roleArn="arn:aws:iam::123456789012:role/r",
    )["stateMachineArn"]
    for _ in range(count):
        arn = client.call("StartExecution", stateMachineArn=machine)["executionArn"]
        until(arn, partial(_is_over, client, arn), 20)
    return True


def _is_over(client: Client, arn: str) -> bool:
    execution = client.call("DescribeExecution", executionArn=arn)
    return bool(execution["status"] == "SUCCEEDED")
