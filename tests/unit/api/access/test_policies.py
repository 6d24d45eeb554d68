from __future__ import annotations

import json
from typing import Any

import pytest

from api.access.policies import Policy, PolicyError, parse_policy

ORDERS = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
START = "states:StartExecution"


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}))


def allow(action: Any = START, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def deny(action: Any = START, resource: Any = "*") -> dict[str, Any]:
    return {**allow(action, resource), "Effect": "Deny"}


def test_what_no_statement_allows_is_denied() -> None:
    assert not policy(allow("states:StopExecution")).allows(START, ORDERS)


def test_what_a_statement_allows_is_allowed() -> None:
    assert policy(allow()).allows(START, ORDERS)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_denial_wins_wherever_it_stands(reverse: bool) -> None:
    statements = [allow("states:*"), deny()]
    if reverse:
        statements.reverse()

    assert not policy(*statements).allows(START, ORDERS)
    assert policy(*statements).allows("states:StopExecution", ORDERS)


@pytest.mark.parametrize(
    "action", ["*", "states:*", "states:Start*", "STATES:startexecution", "*:Start?x*"]
)
def test_actions_match_with_wildcards_in_either_case(action: str) -> None:
    assert policy(allow(action)).allows(START, ORDERS)


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        (ORDERS, True),
        ("arn:aws:states:*:*:stateMachine:ord*", True),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:order?", True),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:order", False),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:ORDERS", False),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:[o]rders", False),
        ("arn:aws:states:us-east-1:123456789012:execution:*", False),
    ],
)
def test_resources_match_exactly_but_for_wildcards(
    pattern: str, is_match: bool
) -> None:
    assert policy(allow(resource=pattern)).allows(START, ORDERS) is is_match


def test_one_statement_may_name_many() -> None:
    both = policy(allow([START, "states:StopExecution"], ["arn:aws:a:*", ORDERS]))

    assert both.allows("states:StopExecution", ORDERS)


def test_action_and_resource_must_be_of_one_statement() -> None:
    apart = policy(
        allow(START, "arn:aws:states:*:other"), allow("states:Stop*", ORDERS)
    )

    assert not apart.allows(START, ORDERS)


def test_a_line_break_ends_no_resource() -> None:
    assert not policy(allow(resource=ORDERS)).allows(START, ORDERS + "\n")


@pytest.mark.parametrize("qualifier", ["PROD", "1"])
def test_versions_and_aliases_are_denied_with_their_machine(qualifier: str) -> None:
    split = policy(allow(), deny(resource=ORDERS))

    assert not split.allows(START, f"{ORDERS}:{qualifier}")
    assert split.allows(START, f"{ORDERS}2:{qualifier}")


def test_versions_and_aliases_are_not_allowed_with_their_machine() -> None:
    assert not policy(allow(resource=ORDERS)).allows(START, f"{ORDERS}:PROD")


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    pattern = "arn:" + "*a" * 200 + "b"

    assert not policy(allow(resource=pattern)).allows(START, "arn:" + "a" * 2_000)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("[]", "must be an object"),
        ("{", "no JSON"),
        ('{"Statement": []}', '"Version" must be "2012-10-17"'),
        ('{"Version": "2008-10-17", "Statement": []}', '"Version" must be'),
        ('{"Version": "2012-10-17", "Statement": []}', "list of statements"),
        ('{"Version": "2012-10-17", "Statement": [1]}', "must be an object"),
        ('{"Version": "2012-10-17", "Extra": 1}', "the document has 'Extra'"),
    ],
)
def test_a_document_of_another_form_is_refused(document: str, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        parse_policy(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Condition": {}}, "has 'Condition'; only Action"),
        ({"NotAction": "states:*"}, "has 'NotAction'"),
        ({"NotResource": "*"}, "has 'NotResource'"),
        ({"Principal": "*"}, "has 'Principal'"),
        ({"Effect": "allow"}, '"Effect" must be'),
        ({"Effect": None}, '"Effect" must be'),
        ({"Action": []}, '"Action" must be'),
        ({"Action": 1}, '"Action" must be'),
        ({"Action": ""}, '"Action" must be'),
        ({"Resource": [1]}, '"Resource" must be'),
        ({"Resource": "orders"}, 'must be "\\*" or an ARN'),
        ({"Action": "states:StratExecution"}, "there is no action"),
        ({"Action": "lambda:Invoke*"}, "there is no action"),
    ],
)
def test_a_statement_that_is_not_understood_is_refused(
    change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PolicyError, match=reason):
        policy({**allow(), **change})


def test_statements_may_have_a_name() -> None:
    assert policy({"Sid": "Starters", **allow()}).allows(START, ORDERS)
