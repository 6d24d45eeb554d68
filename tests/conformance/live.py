"""Run cases through a server: real HTTP, real engine, PostgreSQL, and real time.

All executions are started at once; one worker and one poller answer whatever comes, with what
was recorded. Only cases that need little time are run so.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from tests.conformance import answers
from tests.conformance.answers import Attempt
from tests.conformance.cases import ACCOUNT, ACTIVITIES, REGION, Case
from tests.conformance.handlers import Functions
from tests.conformance.memory import ROLE, text_of_definition
from tests.conformance.wire import RefusedError, WireClient

_MOST_ROUNDS: Final = 2_000
_PAUSE_SECONDS: Final = 0.02
_CONNECTIONS: Final = 8
_SLOTS: Final = 64
_MACHINES: Final = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
_ACTIVITY: Final = re.compile(rf"{ACTIVITIES}[\w-]+")
_FUNCTION: Final = re.compile(r'function:([\w-]+)|"FunctionName": "([\w-]+)"')


@dataclass(slots=True)
class Started:
    """One case on the server, and the recorded attempts that have not been made yet."""

    case: Case
    attempts: dict[str, list[Attempt]]
    functions: Functions | None
    arn: str = ""

    @property
    def machine(self) -> str:
        """The name of a machine of the case's own."""
        return f"machine-{sha256(self.case.name.encode()).hexdigest()[:12]}"

    @property
    def definition(self) -> str:
        """The definition as a text."""
        return text_of_definition(self.case.data["definition"])

    @property
    def activities(self) -> list[str]:
        """The activities that the definition names."""
        return sorted(set(_ACTIVITY.findall(self.definition)))

    @property
    def function_names(self) -> set[str]:
        """Every function that the case speaks of."""
        found = _FUNCTION.findall(json.dumps(self.case.data))
        return {one or other for one, other in found}

    def next_attempt(self, state: str, given: Any) -> Attempt | None:
        """Take the next recorded attempt of a state, one with that input if there is one."""
        waiting = self.attempts.get(state) or self.attempts.get("") or []
        same = [attempt for attempt in waiting if attempt.given == given]
        if not waiting:
            return None
        attempt = (same or waiting)[0]
        waiting.remove(attempt)
        return attempt


class LiveRun:
    """Runs cases on a server; what became of them is in `seen`, by the case's name."""

    def __init__(self, endpoint: str, cases: Sequence[Case]) -> None:
        """Take a server and the cases."""
        self._endpoint = endpoint
        self._started = [
            Started(case, _attempts(case), _functions(case)) for case in cases
        ]
        self._by_arn: dict[str, Started] = {}
        self._stopping = threading.Event()
        self._errors: list[BaseException] = []
        self._tokens: dict[str, Attempt] = {}
        self._rounds = _MOST_ROUNDS
        self.seen: dict[str, dict[str, Any]] = {}

    def run(self) -> dict[str, dict[str, Any]]:
        """Start everything, answer everything, and look at how it ended."""
        self._in_parallel(self._prepare)
        workers = [threading.Thread(target=self._guarded, args=[self._work])]
        workers += [
            threading.Thread(target=self._guarded, args=[self._poll_activity, started])
            for started in self._started
            if started.activities and any(started.attempts.values())
        ]
        for worker in workers:
            worker.start()
        try:
            self._in_parallel(self._start)
            self._in_parallel(self._watch)
        finally:
            self._stopping.set()
            for worker in workers:
                worker.join()
        if self._errors:
            raise self._errors[0]
        return self.seen

    def _in_parallel(self, step: Callable[[WireClient, Started], None]) -> None:
        """Take a step with every execution, over a few connections."""
        threads = [
            threading.Thread(target=self._guarded, args=[self._each, step, offset])
            for offset in range(_CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _each(
        self,
        client: WireClient,
        step: Callable[[WireClient, Started], None],
        offset: int,
    ) -> None:
        for started in self._started[offset::_CONNECTIONS]:
            step(client, started)

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        client = WireClient(self._endpoint)
        try:
            work(client, *arguments)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self._errors.append(error)
        finally:
            client.close()

    def _prepare(self, client: WireClient, started: Started) -> None:
        """Create the machine, and its activities: those that nobody ever saw are deleted."""
        for arn in started.activities:
            client.call("CreateActivity", name=arn.rpartition(":")[2])
        try:
            client.call(
                "CreateStateMachine",
                name=started.machine,
                definition=started.definition,
                roleArn=ROLE,
            )
        except RefusedError as error:
            self._note(started, {"status": "REFUSED", "cause": str(error)})
        for arn in started.activities if not any(started.attempts.values()) else ():
            client.call("DeleteActivity", activityArn=arn)

    def _start(self, client: WireClient, started: Started) -> None:
        if started.case.name in self.seen:
            return
        given = started.case.data.get("input")
        machine = f"{_MACHINES}{started.machine}"
        started.arn = f"{machine.replace(':stateMachine:', ':execution:')}:run"
        self._by_arn[started.arn] = started
        client.call(
            "StartExecution",
            stateMachineArn=machine,
            name="run",
            **({} if given is None else {"input": json.dumps(given)}),
        )

    def _watch(self, client: WireClient, started: Started) -> None:
        if not started.arn:
            return
        shown = client.call("DescribeExecution", executionArn=started.arn)
        while shown["status"] == "RUNNING" and not self._errors and self._rounds > 0:
            self._rounds -= 1
            self._stopping.wait(_PAUSE_SECONDS)
            shown = client.call("DescribeExecution", executionArn=started.arn)
        history = client.call(
            "GetExecutionHistory", executionArn=started.arn, maxResults=1000
        )
        names = ("status", "output", "error", "cause")
        seen = {name: shown.get(name) for name in names}
        events = history["events"]
        told = events[-1].get("executionTimedOutEventDetails", {})
        self._note(started, {**seen, **told, "history": events})

    def _note(self, started: Started, seen: dict[str, Any]) -> None:
        self.seen[started.case.name] = {"history": [], **seen}

    # Functions

    def _work(self, client: WireClient) -> None:
        functions = sorted({name for it in self._started for name in it.function_names})
        session: dict[str, Any] = {"session": "c0ffee", "name": "worker"}
        held: set[str] = set()
        while not self._stopping.is_set():
            polled = client.worker(
                "poll",
                **session,
                functions=functions,
                free=_SLOTS,
                inventory=sorted(held),
                wait=0.2,
            )
            held -= set(polled["cancelled"])
            results = []
            for task in polled["tasks"]:
                result = self._result(task)
                if result is None:
                    held.add(task["token"])
                else:
                    results.append(result)
            if results:
                client.worker("report", **session, results=results, heartbeats=[])
            self._call_back(client)
        client.worker("bye", **session, returned=[])

    def _result(self, task: dict[str, Any]) -> dict[str, Any] | None:
        started = self._by_arn[task["executionArn"]]
        attempt = started.next_attempt(task["stateName"], task["input"])
        token = task["token"]
        if started.functions is not None:
            answer = started.functions.call(task["function"], task["input"])
            return {"token": token, **answer.result}
        if attempt is None:
            return None
        if attempt.submitted is not None:
            self._tokens[token] = attempt
            return {"token": token, "output": _returned(attempt.submitted)}
        if attempt.outcome is None or attempt.outcome["type"].endswith("TimedOut"):
            return None
        if attempt.outcome["type"].endswith("Succeeded"):
            return {"token": token, "output": _returned(attempt.outcome)}
        error, cause = answers.failure(attempt.outcome)
        return {"token": token, "error": error, "cause": cause}

    def _call_back(self, client: WireClient) -> None:
        """Answer whoever waits for a token; those not submitted yet are asked again."""
        for token, attempt in list(self._tokens.items()):
            del self._tokens[token]
            if attempt.outcome is not None:
                _send(client, token, attempt.outcome)

    # Activities

    def _poll_activity(self, client: WireClient, started: Started) -> None:
        attempts = [one for every in started.attempts.values() for one in every]
        begun = attempts[0].started
        worker = {} if begun is None else answers.details(begun)
        (arn,) = started.activities
        while not self._stopping.is_set():
            task = client.call("GetActivityTask", activityArn=arn, **worker)
            if task.get("taskToken"):
                outcome = attempts[0].outcome
                assert outcome is not None, "only cases that end are run"
                _send(client, task["taskToken"], outcome)
                return


def _send(client: WireClient, token: str, outcome: answers.Event) -> None:
    if outcome["type"].endswith("Succeeded"):
        client.call("SendTaskSuccess", taskToken=token, output=answers.output(outcome))
    elif outcome["type"].endswith("Failed"):
        error, cause = answers.failure(outcome)
        told = {"error": error, "cause": cause}
        given = {name: value for name, value in told.items() if value is not None}
        client.call("SendTaskFailure", taskToken=token, **given)


def _returned(event: answers.Event) -> Any:
    is_invoke = event["type"].startswith("Task")
    return json.loads(answers.payload(event) if is_invoke else answers.output(event))


def _functions(case: Case) -> Functions | None:
    """Return the functions of a case whose history does not tell what they answered."""
    return None if case.expected.get("history") else Functions(case)


def _attempts(case: Case) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    recorded = answers.Answers(case.expected.get("history") or ())
    for (_, state), attempts in recorded.places():
        found[state] += attempts
    for attempts in found.values():
        attempts.sort(key=lambda attempt: attempt.scheduled)
    return dict(found)
