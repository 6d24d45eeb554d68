"""Machines of all state types, whose executions must end well whatever is killed."""

from __future__ import annotations

from typing import Any

from tests.support.machines import (
    CALLBACK,
    FUNCTIONS,
    INVOKE,
    catch,
    choice,
    distributed,
    each,
    fail,
    parallel,
    pass_on,
    region,
    retry,
    succeed,
    task,
    wait,
)

PATIENTLY = [retry(IntervalSeconds=1, MaxAttempts=200, BackoffRate=1.0)]


def call(name: str, function: str, **fields: Any) -> dict[str, Any]:
    """Call a function, again and again if need be."""
    given = {"Resource": f"{FUNCTIONS}{function}", "Retry": PATIENTLY}
    return task(name, **{"ResultPath": f"$.{name}", **given, **fields})


ORDER = region(
    call("Check", "steady"),
    call("Pay", "shaky"),
    choice(
        "IsGood",
        {"Variable": "$.kind", "StringEquals": "bad", "Next": "Refuse"},
        Default="Ship",
    ),
    fail("Refuse", Error="Refused", Cause="as it was ordered"),
    task(
        "Ship",
        Resource=f"{FUNCTIONS}shaky",
        ResultPath="$.Ship",
        Catch=[catch("Sorry", ResultPath="$.why")],
        Next="Done",
    ),
    pass_on("Sorry", Result={"sorry": True}, ResultPath="$.Ship", Next="Done"),
    succeed("Done"),
)

FAN = region(
    parallel(
        "Both",
        [call("Left", "steady"), wait("Breathe", 1)],
        [
            each(
                "Each",
                parallel("Twice", call("One", "shaky"), pass_on("Other")),
                task(
                    "Invoke",
                    Resource=INVOKE,
                    Parameters={"FunctionName": "gentle", "Payload.$": "$"},
                    Retry=PATIENTLY,
                ),
                ItemsPath="$.items",
                MaxConcurrency=2,
            )
        ],
        Retry=PATIENTLY,
    ),
    pass_on("After", InputPath="$[0]"),
)

NAP = region(
    wait("First", 1),
    pass_on("Stir", Result=1, ResultPath="$.seconds"),
    wait("Second", None, SecondsPath="$.seconds"),
    wait("Third", None, TimestampPath="$.until"),
)

ASK = region(
    task(
        "Ask",
        Resource=CALLBACK,
        Parameters={"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        TimeoutSeconds=20,
        Retry=PATIENTLY,
    ),
    pass_on("Thank"),
)

LIMIT = region(
    call("Hurry", "stuck", TimeoutSeconds=1),
    call("Beat", "beating", HeartbeatSeconds=1),
    TimeoutSeconds=300,
)

SPREAD = region(
    distributed(
        "Spread",
        call("Work", "shaky"),
        pass_on("Rest"),
        Label="spread",
        ItemsPath="$.items",
        MaxConcurrency=2,
        ResultPath="$.spread",
    ),
    pass_on("Gather"),
)

MACHINES = {
    "order": ORDER,
    "fan": FAN,
    "nap": NAP,
    "ask": ASK,
    "limit": LIMIT,
    "spread": SPREAD,
}
