from __future__ import annotations

import pytest

from api.arns import Site, parse_arn, version_number
from api.errors import InvalidArn

SITE = Site()
HEAD = "arn:aws:states:us-east-1:123456789012"


def test_site_comes_from_the_environment() -> None:
    environment = {"AWS_ACCOUNT_ID": "111122223333", "AWS_DEFAULT_REGION": "eu-north-1"}

    site = Site.of_environment(environment)

    assert site.activity("a") == "arn:aws:states:eu-north-1:111122223333:activity:a"


def test_site_has_defaults() -> None:
    assert Site.of_environment({}) == Site(account="123456789012", region="us-east-1")


def test_machine_arn_is_taken_apart() -> None:
    arn = parse_arn(f"{HEAD}:stateMachine:order:7", "stateMachine")

    assert (arn.name, arn.qualifier, arn.version) == ("order", "7", 7)
    assert arn.unqualified == SITE.state_machine("order")


def test_alias_is_a_qualifier_without_a_number() -> None:
    arn = parse_arn(f"{HEAD}:stateMachine:order:live", "stateMachine")

    assert (arn.qualifier, arn.version) == ("live", None)


def test_labelled_machine_has_a_label() -> None:
    arn = parse_arn(f"{HEAD}:stateMachine:order/items", "stateMachine")

    assert (arn.name, arn.label) == ("order", "items")


def test_execution_arn_is_taken_apart() -> None:
    arn = parse_arn(SITE.execution("order", "n-1"), "execution", "express")

    assert (arn.kind, arn.name, arn.rest) == ("execution", "order", ("n-1",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not_a_valid_arn", "Invalid ARN prefix: not_a_valid_arn"),
        ("", "Invalid ARN prefix: "),
        ("arn:aws:states:us-east-1", "Invalid ARN prefix: arn:aws:states:us-east-1"),
        (
            f"{HEAD}:execution:order:n",
            "Resource type not valid in this context: execution",
        ),
        (f"{HEAD}:stateMachine:a:b:c", f"Invalid ARN: {HEAD}:stateMachine:a:b:c"),
        (f"{HEAD}:stateMachine:", f"Invalid ARN: {HEAD}:stateMachine:"),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Invalid ARN: arn:aws:lambda:us-east-1:123456789012:function:f",
        ),
    ],
)
def test_other_texts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidArn) as caught:
        parse_arn(text, "stateMachine")

    assert str(caught.value) == f"Invalid Arn: '{reason}'"


def test_version_number_is_the_end() -> None:
    assert version_number(f"{HEAD}:stateMachine:order:12") == 12
