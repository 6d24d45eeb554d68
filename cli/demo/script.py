"""What happens in the demo, act by act."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from cli.demo.stage import WORKER_SECONDS, Stage
from cli.demo.voice import Voice
from cli.happenings import details_of, history_table, message_of
from cli.tables import shortened, table
from cli.verification import findings
from storage.verification import Verification

_LONGEST: Final = 44
_CAPTIONS: Final = {
    "order-1": "a straight run",
    "order-2": "the Choice found nothing in stock",
    "order-3": "the engine was dead between events 12 and 13",
    "order-4": "a Catch leads from event 5 to 7",
    "order-5": "the worker of event 11 died, another one got event 14",
}

QUERY: Final = """\
SELECT execution_name AS "order", state_name AS state, attempt, outcome, error,
       left(worker, 6) AS worker, date_trunc('milliseconds', duration) AS took
FROM task_attempts
ORDER BY execution_name, scheduled"""


def order(number: int, product: str, total: int, simulate: str = "") -> dict[str, Any]:
    """Return an order, as a customer's shop would send it."""
    made = {
        "orderId": f"order-{number}",
        "customer": "ada@example.org",
        "product": product,
        "quantity": 1,
        "total": total,
    }
    return {**made, "simulate": simulate} if simulate else made


def three_orders(stage: Stage, voice: Voice) -> list[str]:
    """Run the orders that nothing is killed under: 1, 2 and 4."""
    voice.title(
        "1. Three orders: one goes well, one is out of stock, one meets an outage"
    )
    orders = (
        order(1, "lamp", 40),
        order(2, "piano", 9000),
        order(4, "chair", 75, "inventory-outage"),
    )
    arns = [stage.start_order(each) for each in orders]
    voice.tell("order-1, order-2 and order-4 are started")
    well, unavailable, outage = (stage.end_of(arn) for arn in arns)
    _tell_end(voice, well)
    voice.claim(
        "order-1 was paid and has its shipping label",
        well["status"] == "SUCCEEDED" and _output(well)["shipping"]["label"],
    )
    _tell_end(voice, unavailable)
    voice.claim(
        "order-2 went through the Choice's default to InventoryUnavailableState",
        unavailable["status"] == "FAILED"
        and _entered(stage, arns[1])[-1] == "InventoryUnavailableState",
    )
    _tell_end(voice, outage)
    voice.claim(
        "order-4's exception was caught, and the customer was told",
        outage["status"] == "SUCCEEDED"
        and _entered(stage, arns[2])[-2:]
        == ["InventoryErrorState", "NotifyUserOfFailure"],
    )
    return arns


def killed_engine(stage: Stage, voice: Voice) -> str:
    """Run order 3: the engine dies in the middle of a retry's backoff."""
    voice.title("2. order-3: the payment gateway times out, and the engine is killed")
    arn = stage.start_order(order(3, "lamp", 40, "gateway-timeout"))
    wait = stage.until("the retry waits", lambda: _backoff(stage, "order-3"))
    error, since, due = wait
    length = (due - since).total_seconds()
    voice.tell(
        f"{error}: the retry is due in {length:.1f} s, a row of the table timers"
    )
    stage.pause(length / 3)
    pid = stage.kill("engine")
    voice.tell(f"kill -9 {pid}: the engine and its API are gone, in mid-backoff")
    again = stage.start_engine()
    voice.tell(f"started again as process {again}: it took the shards over")
    execution = stage.end_of(arn)
    _tell_end(voice, execution)
    tries = _scheduled(stage, arn)
    late = tries[-1] - due.timestamp()
    voice.claim("order-3 completed all the same", execution["status"] == "SUCCEEDED")
    voice.claim("the payment was tried twice, no more", len(tries) == 2)
    voice.claim(
        f"the second try came {late * 1000:.0f} ms after its time, not before it",
        late + 0.001 >= 0 and late < 10,
    )
    return arn


def killed_worker(stage: Stage, voice: Voice) -> str:
    """Run order 5: the worker dies after it charged the card, before it could say so."""
    voice.title("3. order-5: the worker is killed right after it charged the card")
    arn = stage.start_order(order(5, "chair", 75, "slow-receipt"))
    charge = stage.until("the card is charged", lambda: _charges(stage, "order-5"))[0]
    voice.tell(f"the ledger says: {charge['charge']}, {charge['amount']} for order-5")
    pid = stage.kill("worker")
    voice.tell(f"kill -9 {pid}: the worker is gone, and nobody knows that it charged")
    stage.start_worker()
    voice.tell(
        f"another worker is started; {WORKER_SECONDS} s of silence, and the dead one"
    )
    voice.say(
        "           counts as lost: its attempt ends as Lambda.Unknown, and is retried"
    )
    execution = stage.end_of(arn)
    _tell_end(voice, execution)
    entries = [entry for entry in stage.ledger() if entry["order"] == "order-5"]
    voice.claim("order-5 completed all the same", execution["status"] == "SUCCEEDED")
    voice.claim(
        "the payment was called twice with the same idempotency key",
        len(_scheduled(stage, arn)) == 2
        and len({each["key"] for each in entries}) == 1,
    )
    voice.claim(
        "the ledger has one charge for it: the second call was given the first's",
        [each["what"] for each in entries] == ["charged", "asked again"],
    )
    return arn


def histories(stage: Stage, voice: Voice, arns: list[str]) -> None:
    """Print what the log has of each order."""
    voice.title("4. What the log has of them (also: stepwell history orders:order-3)")
    for arn in sorted(arns):
        name = arn.rpartition(":")[2]
        voice.say(f"\n  {name}: {_CAPTIONS[name]}")
        voice.say(history_table(_brief(stage.history(arn)), indent="    "))


def sql(stage: Stage, voice: Voice, arns: list[str]) -> None:
    """Ask the log in SQL, replay it, and look at the ledger."""
    voice.title(
        "5. The same log in SQL (also: stepwell sql; docs/sql.md has twelve queries)"
    )
    voice.say("\n" + "\n".join(f"    {line}" for line in QUERY.splitlines()) + "\n")
    columns, rows = stage.query(QUERY)
    voice.say(table(columns, rows, indent="    "))
    voice.say()
    errors = {(row[0], row[4]) for row in rows if row[3] == "FAILED"}
    voice.claim(
        "SQL sees the three failed attempts",
        errors
        == {
            ("order-3", "PaymentGatewayTimeout"),
            ("order-4", "InventoryServiceDown"),
            ("order-5", "Lambda.Unknown"),
        },
    )
    charged = [each["order"] for each in stage.ledger() if each["what"] == "charged"]
    voice.claim(
        "the ledger has one charge each for order-1, order-3 and order-5, and no other",
        sorted(charged) == ["order-1", "order-3", "order-5"],
    )
    voice.claim(
        f"all {len(arns)} logs, replayed, give what is stored (stepwell verify --all)",
        not _findings(stage, arns),
    )


def _findings(stage: Stage, arns: list[str]) -> list[str]:
    verification = Verification(stage.connection)
    shards = len(verification.shards())
    stored = [each for arn in arns for each in verification.of_arn(arn)]
    assert len(stored) == len(arns), "every order has its execution"
    return [finding for each in stored for finding in findings(each, shards)]


def _tell_end(voice: Voice, execution: dict[str, Any]) -> None:
    cause = execution.get("cause")
    why = f": {message_of(cause)}" if cause else ""
    voice.tell(f"{execution['name']} {execution['status']}{why}")


def _output(execution: dict[str, Any]) -> Any:
    return json.loads(execution["output"])


def _entered(stage: Stage, arn: str) -> list[str]:
    """Return the names of the states that were entered, in order."""
    return [
        details_of(event)["name"]
        for event in stage.history(arn)
        if event["type"].endswith("StateEntered")
    ]


def _scheduled(stage: Stage, arn: str) -> list[float]:
    """Return when each attempt of the payment was scheduled."""
    return [
        event["timestamp"]
        for event in stage.history(arn)
        if event["type"] == "LambdaFunctionScheduled"
        and "process-payment" in details_of(event)["resource"]
    ]


def _backoff(stage: Stage, name: str) -> tuple[str, datetime, datetime] | None:
    _, rows = stage.query(
        "SELECT execution_name, error, since, until FROM open_waits"
        " WHERE reason = 'retry'"
    )
    found = [row[1:] for row in rows if row[0] == name]
    return found[0] if found else None


def _charges(stage: Stage, name: str) -> list[dict[str, Any]]:
    return [entry for entry in stage.ledger() if entry["order"] == name]


def _brief(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what states hand on: whoever sees a history first wants its shape."""
    for event in events:
        details = details_of(event)
        if event["type"].endswith(("StateEntered", "StateExited")):
            details.pop("input", None)
            details.pop("output", None)
        for name, value in details.items():
            if isinstance(value, str) and name != "resource":
                details[name] = shortened(value, _LONGEST)
    return events
