"""What is typed: names of machines and executions, and inputs."""

import io
from pathlib import Path

import pytest

from cli.errors import UsageError
from cli.inputs import machine_name, read_input
from cli.names import execution_arn, machine_arn, short_name

ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:order-1"


@pytest.fixture(autouse=True)
def default_site(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCOUNT_ID", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def test_an_execution_is_given_by_arn_or_by_machine_and_name() -> None:
    assert execution_arn(ARN) == ARN
    assert execution_arn("orders:order-1") == ARN
    assert short_name(ARN) == "orders:order-1"


@pytest.mark.parametrize("text", ["order-1", "orders:", ":order-1", ""])
def test_half_a_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="MACHINE:NAME"):
        execution_arn(text)


def test_names_belong_to_the_account_and_region_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCOUNT_ID", "111122223333")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    assert machine_arn("m") == "arn:aws:states:eu-central-1:111122223333:stateMachine:m"


def test_an_input_stays_the_text_that_it_is() -> None:
    assert read_input('{"n":  1e400}') == '{"n":  1e400}'


def test_an_input_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text("[1]")

    assert read_input(f"@{file}") == "[1]"


def test_an_input_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))

    assert read_input("-") == "{}"


@pytest.mark.parametrize("given", ["{", "", "@/no/such/file"])
def test_what_is_no_json_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        read_input(given)


def test_a_machine_is_named_after_its_file() -> None:
    assert machine_name(Path("flows/orders.asl.json")) == "orders"
