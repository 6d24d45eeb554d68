"""Who approved what: two servers, keys of several people, and the views that auditors read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, LiteralString

import pytest

from cli.verification import findings
from storage.access_keys import NewKey
from storage.database import connect
from storage.verification import Verification
from tests.support.api_server import serve
from tests.support.databases import DatabaseServer
from tests.support.keys import MASTERS, client_of, make_key
from tests.wire.waiting import closed, event_of_type

ROLE = "arn:aws:iam::123456789012:role/r"
PEOPLE = {"olga": "operator", "ann": "approver", "ben": "approver"}


class Place:
    """Two servers over one database, each with a client of every person."""

    def __init__(self, url: str, endpoints: list[str], stack: ExitStack) -> None:
        self.url = url
        self.keys = {
            name: make_key(url, preset, name=name) for name, preset in PEOPLE.items()
        }
        self._clients = {
            (name, number): stack.enter_context(client_of(endpoint, key))
            for name, key in self.keys.items()
            for number, endpoint in enumerate(endpoints)
        }
        self._admin = admin = stack.enter_context(
            client_of(endpoints[0], make_key(url, "admin"))
        )
        self.activity: str = admin.create_activity(name="approve")["activityArn"]
        ask = {"Type": "Task", "Resource": self.activity, "End": True}
        self.machine: str = admin.create_state_machine(
            name="loans",
            definition=json.dumps({"StartAt": "Ask", "States": {"Ask": ask}}),
            roleArn=ROLE,
        )["stateMachineArn"]

    def client(self, person: str, server: int = 0) -> Any:
        return self._clients[person, server]

    def key(self, person: str) -> NewKey:
        return self.keys[person]

    def ask(self, name: str) -> tuple[str, str]:
        """Let Olga start a loan and fetch what waits for an approver; return its token, too."""
        olga = self.client("olga")
        arn = olga.start_execution(stateMachineArn=self.machine, name=name)[
            "executionArn"
        ]
        return arn, self.token()

    def token(self) -> str:
        """Fetch the token of the activity task that waits."""
        task = self._admin.get_activity_task(activityArn=self.activity)
        token: str = task["taskToken"]
        return token

    def rows(self, query: LiteralString, *parameters: object) -> list[Any]:
        """Ask as an auditor who was granted the views and nothing more."""
        with connect(self.url) as connection:
            connection.execute("CREATE ROLE loan_auditor")
            connection.execute(
                "GRANT SELECT ON executions, execution_history, task_attempts TO loan_auditor"
            )
            connection.execute("SET LOCAL ROLE loan_auditor")
            found = connection.execute(query, parameters).fetchall()
            connection.rollback()
            return found


@pytest.fixture(scope="module")
def place(database_server: DatabaseServer) -> Iterator[Place]:
    with (
        database_server.clone() as url,
        serve(url, masters=MASTERS) as one,
        serve(url, masters=MASTERS) as other,
        ExitStack() as stack,
    ):
        yield Place(url, [one, other], stack)


def history(place: Place, arn: str) -> list[tuple[str, str, str]]:
    """Return which events of an execution name a caller, and whom."""
    return place.rows(
        "SELECT type, caller, caller_key FROM execution_history"
        " WHERE execution = %s AND caller IS NOT NULL ORDER BY event_id",
        arn,
    )


@pytest.mark.parametrize("server", [0, 1])
def test_the_views_tell_who_approved_and_who_refused(place: Place, server: int) -> None:
    good, token = place.ask(f"good-{server}")
    place.client("ann", server).send_task_success(taskToken=token, output="{}")
    bad, token = place.ask(f"bad-{server}")
    place.client("ben", server).send_task_failure(taskToken=token, error="No")
    for arn in (good, bad):
        closed(place.client("olga"), arn)

    found = place.rows(
        "SELECT execution, outcome, caller, caller_key, closed - scheduled > interval '0'"
        " FROM task_attempts WHERE execution = ANY (%s) ORDER BY caller",
        [good, bad],
    )

    assert found == [
        (good, "SUCCEEDED", "ann", place.key("ann").key_id, True),
        (bad, "FAILED", "ben", place.key("ben").key_id, True),
    ]


def test_the_views_tell_who_started_stopped_and_redrove(place: Place) -> None:
    arn, token = place.ask("long")
    olga = place.key("olga").key_id
    place.client("ben").send_task_failure(taskToken=token, error="No")
    closed(place.client("olga"), arn)
    place.client("olga", 1).redrive_execution(executionArn=arn)
    place.client("ann", 1).send_task_success(taskToken=place.token(), output="{}")
    closed(place.client("olga"), arn)

    assert history(place, arn) == [
        ("ExecutionStarted", "olga", olga),
        ("ActivityFailed", "ben", place.key("ben").key_id),
        ("ExecutionRedriven", "olga", olga),
        ("ActivitySucceeded", "ann", place.key("ann").key_id),
    ]
    started = place.rows("SELECT caller FROM executions WHERE execution = %s", arn)
    assert started == [("olga",)]


def test_a_stop_names_who_stopped(place: Place) -> None:
    arn, _ = place.ask("stopped")

    place.client("olga", 1).stop_execution(executionArn=arn)

    assert history(place, arn)[-1] == (
        "ExecutionAborted",
        "olga",
        place.key("olga").key_id,
    )


def test_the_api_shows_no_more_than_it_did(place: Place) -> None:
    arn, token = place.ask("shown")
    place.client("ann").send_task_success(taskToken=token, output="{}")
    closed(place.client("olga"), arn)

    for client in (place.client("olga"), place.client("ann", 1)):
        event_of_type(client, arn, "ActivitySucceeded")
        events = client.get_execution_history(executionArn=arn)["events"]
        described = client.describe_execution(executionArn=arn)
        shown = json.dumps([events, described], default=str)
        assert not [key.key_id for key in place.keys.values() if key.key_id in shown]
        assert "caller" not in shown


def test_a_log_with_callers_is_well(place: Place) -> None:
    arn, token = place.ask("well")
    place.client("ann", 1).send_task_success(taskToken=token, output="{}")
    closed(place.client("olga"), arn)

    with connect(place.url, autocommit=True) as connection:
        (stored,) = Verification(connection).of_arn(arn)
        assert findings(stored, len(Verification(connection).shards())) == []
