"""The commands that look at an installation, against a real server with a real worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from cli.client import Client
from cli.main import INTERRUPTED, main
from tests.support.commands import RunningCommand, stepwell, until
from tests.support.databases import DatabaseServer

ROOT = Path(__file__).parents[2]
ORDERS = ROOT / "examples" / "orders"
ORDER = {
    "orderId": "o-1",
    "customer": "ada@example.org",
    "product": "lamp",
    "quantity": 1,
    "total": 40,
}
WAITING = """{"StartAt": "W", "States": {
    "W": {"Type": "Wait", "Seconds": 86400, "Next": "F"},
    "F": {"Type": "Task", "Resource": "arn:aws:lambda:r:1:function:f", "End": true}}}"""
UNSERVED = """{"StartAt": "F", "States": {
    "F": {"Type": "Task", "Resource": "arn:aws:lambda:r:1:function:f", "End": true}}}"""


@dataclass(frozen=True)
class Installation:
    """A server with a worker for the example, and its database."""

    endpoint: str
    url: str

    def say(self, *words: str) -> int:
        """Run a command that asks the server, in this process."""
        return main([*words, f"--endpoint={self.endpoint}"])

    def run(self, *words: str) -> str:
        """Run a command that opens the database; return what it printed."""
        done = stepwell(*words, extra={"STEPWELL_DATABASE_URL": self.url})
        return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def here(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    ledger = str(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")
    with (
        database_server.clone() as url,
        RunningCommand(
            "serve", "--port=0", extra={"STEPWELL_DATABASE_URL": url}
        ) as server,
        RunningCommand(
            "worker",
            str(ORDERS / "functions.py"),
            f"--endpoint={server.endpoint}",
            extra={"ORDERS_LEDGER": ledger},
        ),
    ):
        yield Installation(server.endpoint, url)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "waiting.asl.json").write_text(WAITING)
    (tmp_path / "unserved.asl.json").write_text(UNSERVED)
    return tmp_path


def test_start_creates_the_machine_of_a_file_and_prints_the_output(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    status = here.say(
        "start",
        str(ORDERS / "orders.asl.json"),
        f"--input={json.dumps(ORDER)}",
        "--wait",
    )

    assert status == 0
    assert json.loads(capsys.readouterr().out)["shipping"]["label"] == "LABEL-o-1"


def test_start_with_wait_fails_when_the_execution_does(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps({**ORDER, "product": "piano"})

    status = here.say(
        "start", str(ORDERS / "orders.asl.json"), f"--input={text}", "--wait"
    )

    assert status == 1
    assert "The product is out of stock." in capsys.readouterr().err


def test_who_waits_no_longer_is_told_what_goes_on(
    here: Installation,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.awaited.say_what_is_awaited", interrupted)
    monkeypatch.setattr("cli.commands.start._GROWING_PAUSES", ())

    status = here.say("start", str(files / "waiting.asl.json"), "--name=w-9", "--wait")

    assert status == INTERRUPTED
    assert capsys.readouterr().err == (
        "waiting:w-9 goes on: `stepwell history waiting:w-9` shows it\n"
    )


def test_a_region_that_is_not_the_servers_is_suspected_and_no_new_file_minds_it(
    here: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    file = tmp_path / "elsewhere.asl.json"
    file.write_text('{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}')

    assert here.say("start", str(file), "--wait") == 0
    assert here.say("start", "elsewhere") == 1

    said = capsys.readouterr().err
    assert "StateMachineDoesNotExist" in said
    assert "(AWS_REGION as the server has it?" in said


def test_an_exception_of_a_function_is_shown_with_its_place(
    here: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "raising.asl.json"
    file.write_text(
        UNSERVED.replace("function:f", "function:notify-user-of-failure-func")
    )

    here.say("start", str(file), "--name=r-1", "--input={}", "--wait")
    here.say("executions", "show", "raising:r-1")

    said = capsys.readouterr()
    place = f'File "{ORDERS / "functions.py"}", line '
    assert f"  {place}" in said.err
    assert f"at        {place}" in said.out


def test_start_with_wait_says_that_no_worker_serves_the_function(
    here: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "mistyped.asl.json"
    file.write_text(UNSERVED.replace('"End"', '"TimeoutSeconds": 2, "End"'))
    monkeypatch.setattr("cli.commands.start._GROWING_PAUSES", (1.0,))

    status = here.say("start", str(file), "--name=typo", "--wait")

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("mistyped:typo waits for a worker that serves f: ")
    assert "mistyped:typo FAILED: States.Timeout" in said


def test_a_file_that_has_changed_updates_its_machine(
    here: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "changing.asl.json"
    for result in (1, 2):
        state = {"Type": "Pass", "Result": result, "End": True}
        file.write_text(json.dumps({"StartAt": "P", "States": {"P": state}}))
        here.say("start", str(file), "--wait")

    assert capsys.readouterr().out.split() == ["1", "2"]


def test_a_definition_may_be_yaml_and_is_refused_with_its_places(
    here: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "signing.asl.yaml"
    file.write_text("StartAt: P\nStates:\n  P: {Type: Pass, Result: 3, End: true}\n")
    assert here.say("start", str(file), "--wait") == 0
    assert capsys.readouterr().out == "3\n"

    file.write_text("StartAt: P\nStates:\n  P: {Type: Pass, Next: Q}\n")
    assert here.say("start", str(file)) == 1
    refusal = capsys.readouterr().err
    assert f"{file}:3:19: error MISSING_TRANSITION_TARGET: " in refusal
    assert f"{file} is no valid definition" in refusal


def test_an_execution_is_listed_shown_told_and_stopped(
    here: Installation, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.say("start", str(files / "waiting.asl.json"), "--name=w-1")
    assert capsys.readouterr().out.strip().endswith(":execution:waiting:w-1")

    here.say("executions", "list", "--machine=waiting", "--status=RUNNING")
    assert ["waiting:w-1", "RUNNING"] in [
        line.split()[:2] for line in capsys.readouterr().out.splitlines()
    ]

    here.say("executions", "stop", "waiting:w-1", "--error=Enough", "--cause=of it")
    assert capsys.readouterr().out == "waiting:w-1 ABORTED\n"

    here.say("executions", "show", "waiting:w-1")
    shown = capsys.readouterr().out
    assert "status    ABORTED" in shown
    assert "cause     of it" in shown

    assert "redriven  no: stepwell executions redrive waiting:w-1" in shown

    here.say("history", "waiting:w-1")
    told = capsys.readouterr().out
    assert "WaitStateEntered" in told
    assert "Enough: of it" in told


def test_a_stop_that_comes_too_late_says_so(
    here: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "quick.asl.json"
    file.write_text('{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}')
    here.say("start", str(file), "--name=q-1", "--wait")
    capsys.readouterr()

    here.say("executions", "stop", "quick:q-1")

    assert capsys.readouterr().out == "quick:q-1 had ended already: SUCCEEDED\n"


def test_a_stopped_execution_is_redriven(
    here: Installation, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.say("start", str(files / "waiting.asl.json"), "--name=again")
    here.say("executions", "stop", "waiting:again")
    capsys.readouterr()

    here.say("executions", "redrive", "waiting:again")
    assert capsys.readouterr().out == "waiting:again was redriven: RUNNING\n"

    assert here.say("executions", "redrive", "waiting:again") == 1
    assert "is RUNNING and cannot be redriven" in capsys.readouterr().err
    here.say("executions", "show", "waiting:again")
    assert "redriven  1 x, last " in capsys.readouterr().out
    here.say("history", "waiting:again")
    assert "ExecutionRedriven" in capsys.readouterr().out
    here.say("executions", "stop", "waiting:again")


def test_a_history_comes_as_the_api_answers_it(
    here: Installation, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.say("start", str(files / "waiting.asl.json"), "--name=w-json")
    capsys.readouterr()

    here.say("history", "waiting:w-json", "--json")

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["executionStartedEventDetails"]["input"] == "{}"


def test_all_machines_executions_are_listed_newest_first(
    here: Installation, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        here.say("start", str(files / "waiting.asl.json"), f"--name=l-{number}")
    capsys.readouterr()

    here.say("executions", "list", "--limit=2", "--json")

    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == 2
    assert listed[0]["startDate"] >= listed[1]["startDate"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("history", "waiting:nobody"), "ExecutionDoesNotExist"),
        (("start", "no-such-machine"), "StateMachineDoesNotExist"),
        (
            ("start", "no-such-file.asl.json"),
            "cannot read no-such-file.asl.json: No such file",
        ),
        (("start", "m", "--input={"), "the input is no JSON"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_what_the_server_refuses_is_said_in_a_line(
    here: Installation,
    words: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert here.say(*words) > 0
    assert said in capsys.readouterr().err


def test_no_server_is_said_with_what_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["executions", "list", "--endpoint=http://127.0.0.1:9"]) == 1

    said = capsys.readouterr().err
    assert "no Stepwell answers at http://127.0.0.1:9" in said
    assert "stepwell dev" in said


def test_sql_prints_a_table(here: Installation) -> None:
    said = here.run("sql", "-c", "SELECT 1 AS one, NULL AS nothing")

    assert said == "0\none  nothing\n---  ------------\n1\n(1 row)\n"


def test_sql_prints_the_result_of_every_statement(here: Installation) -> None:
    said = here.run("sql", "-c", "SET search_path = public; SELECT 7 AS lucky")

    assert said.startswith("0\nSET\nlucky\n")
    assert "7" in said


def test_sql_takes_rows_without_columns(here: Installation) -> None:
    assert here.run("sql", "-c", "SELECT") == "0\nSELECT 1\n"


def test_sql_prints_the_url(here: Installation) -> None:
    assert here.run("sql", "--print") == f"0\n{here.url}\n"


def test_wrong_sql_is_said(here: Installation) -> None:
    said = here.run("sql", "-c", "SELEKT 1")

    assert said.startswith("1\nstepwell sql: syntax error at or near")


def test_verify_finds_what_was_tampered_with(here: Installation, files: Path) -> None:
    here.say("start", str(files / "waiting.asl.json"), "--name=v-1")
    client = Client(here.endpoint)
    arn = "arn:aws:states:us-east-1:123456789012:execution:waiting:v-1"
    until(
        "it waits",
        lambda: len(client.call("GetExecutionHistory", executionArn=arn)["events"]) > 1,
    )
    assert "all well" in here.run("verify", "waiting:v-1")

    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE timers SET due = due + interval '1 hour' FROM execution_records AS r "
            "WHERE r.execution_id = timers.execution_id AND r.arn = %s",
            [arn],
        )
    said = here.run("verify", "--all")
    here.say("executions", "stop", "waiting:v-1")

    assert said.startswith("1\n")
    assert f"{arn}: the WAIT timer of event 2 is due" in said
    assert "1 finding." in said


def test_verify_of_an_execution_that_is_not_there_fails(here: Installation) -> None:
    assert "there is no execution" in here.run("verify", "waiting:nobody")


def test_migrate_has_nothing_to_do_twice(here: Installation) -> None:
    assert "nothing to do" in here.run("migrate")


def test_doctor_tells_engines_workers_and_what_nobody_serves(
    here: Installation, files: Path
) -> None:
    here.say("start", str(files / "unserved.asl.json"), "--name=u-1")
    seen = until(
        "it waits",
        lambda: _diagnosis(here, "no worker serves f", "check-inventory-func"),
    )
    here.say("executions", "stop", "unserved:u-1")

    assert seen.startswith("1\n")
    assert ": 64 shards, up " in seen
    assert "FAIL  no worker serves f: 1 task waiting" in seen


def _diagnosis(here: Installation, *expected: str) -> str | None:
    said = here.run("doctor")
    return said if all(each in said for each in expected) else None


def test_doctor_notes_a_worker_that_has_fallen_silent(here: Installation) -> None:
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO worker_sessions "
            "(session, process, name, functions, slots, seen_at) "
            "VALUES ('gone', 'engine', 'gone-7', '[\"g\"]', 64, now() - interval '15 s')"
        )

    said = here.run("doctor")

    assert "note  worker gone-7: g; 0 running, 64 slots, silent for " in said


def test_doctor_releases_what_was_set_aside(here: Installation, files: Path) -> None:
    here.say("start", str(files / "waiting.asl.json"), "--name=q-1")
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO quarantine (execution_id, created_at, shard, reason, detail) "
            "SELECT execution_id, now(), shard, 'BrokenError', '' "
            "FROM execution_records WHERE name = 'q-1'"
        )

    assert "BrokenError" in here.run("doctor")
    assert here.run("doctor", "--release", "waiting:q-1").startswith("0\nReleased")
    assert "is not in quarantine" in here.run("doctor", "--release", "waiting:q-1")
    assert here.say("executions", "stop", "waiting:q-1") == 0
