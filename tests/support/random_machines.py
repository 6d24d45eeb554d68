"""Random machines: nested, of all eight state types, valid, and mostly able to go on.

*Plain* machines leave out what the black-box checker of histories cannot follow: a Parallel
inside a Parallel, a result without a place, a Retry named after missed heartbeats, and one
of a Map or Parallel that has others inside or around.

A machine is made from a source of chance alone, so a seed names it. The data keeps its
shape on the way (`xs` a list, `n` a number, `when` a time): results go beside it, not in its
place, except now and then, so that runtime errors happen but do not end everything early.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.support.machines import CALLBACK, INVOKE, State, activity, region, task

ERRORS = ("ErrorA", "ErrorB", "Lambda.Unknown")
_NAMES_OF_ERRORS = (
    ["ErrorA"],
    ["ErrorB", "Lambda.Unknown"],
    ["States.TaskFailed"],
    ["States.Timeout"],
    ["States.HeartbeatTimeout"],
    ["States.Runtime"],
    ["States.QueryEvaluationError"],
    ["States.ALL"],
)
_DEEPEST = 3
_NESTS = ("'Type': 'Map'", "'Type': 'Parallel'")


def random_definition(
    chance: Random,
    *,
    is_plain: bool = False,
    has_jsonata: bool = False,
    has_map_runs: bool = False,
) -> dict[str, Any]:
    """Make a definition, on demand with states that speak JSONata and fail in it, and with
    distributed Maps."""
    maker = _Maker(
        chance, is_plain=is_plain, has_jsonata=has_jsonata, has_map_runs=has_map_runs
    )
    definition = maker.region(1)
    if chance.random() < 0.2:
        definition["TimeoutSeconds"] = chance.randint(20, 200)
    return definition


def random_input(chance: Random) -> dict[str, Any]:
    """Make an input that the machines can work with."""
    return {
        "xs": random_items(chance),
        "n": chance.randint(0, 9),
        "when": f"2026-03-01T09:{chance.randint(0, 20):02d}:00Z",
    }


def random_items(chance: Random) -> list[int]:
    """Make a list for a Map; some are empty."""
    return [chance.randint(0, 9) for _ in range(chance.choice((0, 1, 2, 3, 3, 5)))]


class _Maker:
    """Makes the states of one machine, each with a name of its own."""

    def __init__(
        self,
        chance: Random,
        *,
        is_plain: bool,
        has_jsonata: bool,
        has_map_runs: bool,
    ) -> None:
        self._chance = chance
        self._has_map_runs = has_map_runs
        self._has_jsonata = has_jsonata
        self._is_plain = is_plain
        self._is_in_parallel = False
        self._count = 0

    def region(self, depth: int) -> dict[str, Any]:
        count = self._chance.choice((1, 2, 2, 3, 4) if depth == 1 else (1, 1, 2, 3))
        states = [self._state(depth) for _ in range(count)]
        states.append(self._last(depth))
        for index, state in enumerate(states):
            targets = [later["Name"] for later in states[index + 1 :]]
            self._direct(state, targets, states[0]["Name"])
        return region(*states)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _state(self, depth: int) -> State:
        makers = [self._task, self._task, self._pass, self._wait, self._choice]
        if self._has_jsonata:
            makers += [self._query, self._query]
        if depth < _DEEPEST:
            makers.append(self._nest(self._map, depth))
        if depth < _DEEPEST and not self._is_in_parallel:
            makers.append(self._nest(self._parallel, depth))
        return self._chance.choice(makers)()

    @staticmethod
    def _nest(maker: Any, depth: int) -> Any:
        return lambda: maker(depth)

    def _last(self, depth: int) -> State:
        draw = self._chance.random()
        if draw < 0.15:
            return {"Name": self._name("Done"), "Type": "Succeed"}
        if draw < 0.25:
            return {"Name": self._name("Fail"), "Type": "Fail", "Error": "ErrorA"}
        if draw < 0.4 and depth < _DEEPEST:
            return self._map(depth)
        return self._chance.choice((self._task, self._pass, self._wait))()

    def _direct(self, state: State, targets: list[str], first: str) -> None:
        """Fill in where a Choice and the catchers lead; loops only through a Choice."""
        chance = self._chance
        if state["Type"] == "Choice":
            state["Default"] = targets[0]
            state["Choices"][0]["Next"] = chance.choice(targets)
            if len(state["Choices"]) > 1:
                state["Choices"][1]["Next"] = first
        elif "Catch" in state and not targets:
            del state["Catch"]
        for catcher in state.get("Catch", ()):
            catcher["Next"] = chance.choice(targets)

    # The eight types

    def _task(self) -> State:
        chance = self._chance
        name = self._name("Task")
        given: State = {"FunctionName": "work", "Payload.$": "$"}
        match chance.randint(0, 7):
            case 0:
                state = activity(name)
            case 1:
                state = task(name, Resource=INVOKE, Parameters=given)
            case 2 | 3:
                given = {"FunctionName": "work", "Payload": {"t.$": "$$.Task.Token"}}
                state = task(name, Resource=CALLBACK, Parameters=given)
            case 4:
                given = {"FunctionName.$": chance.choice(("$.n", "$$.Execution.Name"))}
                state = task(name, Resource=INVOKE, Parameters=given)
            case _:
                state = task(name)
        state["ResultPath"] = self._path("$.r", "$.n.r")
        if chance.random() < 0.05:
            state["Parameters"] = {"FunctionName": "work", "lost.$": "$.nowhere"}
        self._limit(state)
        return self._guard(state)

    def _path(self, path: str, odd: str) -> str | None:
        """Choose where a result goes: seldom nowhere, or where it can't."""
        draw = self._chance.random()
        if draw < 0.1:
            return None
        return odd if draw > 0.95 and not self._is_plain else path

    def _limit(self, state: State) -> None:
        chance = self._chance
        if chance.random() < 0.4:
            state["TimeoutSeconds"] = chance.randint(10, 30)
        elif chance.random() < 0.1:
            state["TimeoutSecondsPath"] = "$.n"
        if chance.random() < 0.3:
            state["HeartbeatSeconds"] = chance.randint(3, 9)

    def _guard(self, state: State) -> State:
        """Add Retry and Catch."""
        chance = self._chance
        if chance.random() < 0.5:
            state["Retry"] = [self._retrier(errors) for errors in self._errors()]
        if chance.random() < 0.5:
            state["Catch"] = [self._catcher(errors) for errors in self._errors()]
        return state

    def _guard_nest(self, state: State, depth: int) -> State:
        guarded = self._guard(state)
        inside = str(state.get("Branches") or state.get("ItemProcessor"))
        is_nested = depth > 1 or any(kind in inside for kind in _NESTS)
        if self._is_plain and is_nested:
            guarded.pop("Retry", None)
        return guarded

    def _errors(self) -> list[list[str]]:
        names = [
            name
            for name in _NAMES_OF_ERRORS
            if name != ["States.HeartbeatTimeout"] or not self._is_plain
        ]
        picked = self._chance.sample(names, self._chance.randint(1, 2))
        return sorted(picked, key=lambda names: names == ["States.ALL"])

    def _retrier(self, errors: list[str]) -> State:
        chance = self._chance
        retrier: State = {
            "ErrorEquals": errors,
            "IntervalSeconds": chance.randint(1, 5),
            "MaxAttempts": chance.randint(0, 3),
            "BackoffRate": chance.choice((1.0, 1.5, 2.0)),
        }
        if chance.random() < 0.3:
            retrier["JitterStrategy"] = "FULL"
        if chance.random() < 0.3:
            retrier["MaxDelaySeconds"] = retrier["IntervalSeconds"] + 1
        return retrier

    def _catcher(self, errors: list[str]) -> State:
        path = self._path("$.err", "$.n.err")
        return {"ErrorEquals": errors, "Next": "", "ResultPath": path}

    def _pass(self) -> State:
        chance = self._chance
        state: State = {"Name": self._name("Pass"), "Type": "Pass"}
        match chance.randint(0, 4):
            case 0:
                state |= {"Result": {"k": chance.randint(0, 9)}, "ResultPath": "$.p"}
            case 1:
                state |= {"Parameters": {"v.$": "$.n"}, "ResultPath": "$.p"}
            case 2:
                state |= {"Assign": {"v.$": "$.n", "fixed": [1]}}
            case 3 if chance.random() < 0.2:
                state |= {"InputPath": "$.nowhere"}
        return state

    def _query(self) -> State:
        """Make a state in JSONata that fails for some data."""
        chance = self._chance
        failing = f"$states.input.n > {chance.randint(3, 9)} ? $error('odd')"
        if chance.random() < 0.3:
            output = f"{{% {failing} : $states.input %}}"
            return {
                "Name": self._name("Query"),
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "Output": output,
            }
        where = chance.choice(("Arguments", "Output"))
        state = task(self._name("Query"), QueryLanguage="JSONata")
        state[where] = f"{{% {failing} : $states.input %}}"
        self._guard(state)
        for catcher in state.get("Catch", ()):
            catcher.pop("ResultPath", None)
            catcher["Output"] = "{% $states.input %}"
        return state

    def _wait(self) -> State:
        chance = self._chance
        times: State = chance.choice(
            (
                {"Seconds": chance.randint(0, 30)},
                {"SecondsPath": "$.n"},
                {"Timestamp": f"2026-03-01T09:{chance.randint(0, 9):02d}:00Z"},
                {"TimestampPath": "$.when"},
            )
        )
        return {"Name": self._name("Wait"), "Type": "Wait", **times}

    def _choice(self) -> State:
        chance = self._chance
        rules: list[State] = [{"Variable": "$.n", "NumericLessThan": 5}]
        if chance.random() < 0.5:
            again = {"Variable": "$.r.again", "BooleanEquals": True}
            present = {"Variable": "$.r.again", "IsPresent": True}
            rules.append({"And": [present, again]})
        return {"Name": self._name("Choice"), "Type": "Choice", "Choices": rules}

    def _parallel(self, depth: int) -> State:
        self._is_in_parallel = self._is_plain
        branches = [self.region(depth + 1) for _ in range(self._chance.randint(1, 3))]
        self._is_in_parallel = False
        state: State = {
            "Name": self._name("Parallel"),
            "Type": "Parallel",
            "Branches": branches,
            "ResultPath": "$.r",
        }
        return self._guard_nest(state, depth)

    def _map(self, depth: int) -> State:
        chance = self._chance
        state: State = {
            "Name": self._name("Map"),
            "Type": "Map",
            "ItemsPath": "$.xs",
            "MaxConcurrency": chance.randint(0, 3),
            "ItemSelector": {
                "xs.$": "$.xs",
                "n.$": "$$.Map.Item.Value",
                "when.$": "$.when",
            },
            "ItemProcessor": self.region(depth + 1),
            "ResultPath": "$.r",
        }
        if chance.random() < 0.05:
            state["ItemSelector"]["lost.$"] = "$.nowhere"
        if self._has_map_runs and chance.random() < 0.4:
            state["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED"}
        return self._guard_nest(state, depth)
