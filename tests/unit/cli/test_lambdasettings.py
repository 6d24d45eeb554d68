"""When functions are called through the Lambda Invoke API."""

from __future__ import annotations

import argparse
import importlib.util

import pytest

from cli.errors import UsageError
from cli.lambdaoptions import add_lambda_options, lambda_words
from cli.lambdasettings import lambda_settings
from engine.lambdaclient import LambdaSettings

HERE = "http://127.0.0.1:8083"
THERE = "http://localhost:4566"


def chosen(*words: str, **environment: str) -> LambdaSettings | None:
    parser = argparse.ArgumentParser()
    add_lambda_options(parser)
    options = parser.parse_args(words)
    return lambda_settings(options, environment, region="eu-west-1", own_port=8083)


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({"AWS_ENDPOINT_URL_LAMBDA": THERE}, THERE),
        ({"AWS_ENDPOINT_URL": THERE}, THERE),
        ({"AWS_ENDPOINT_URL_LAMBDA": THERE, "AWS_ENDPOINT_URL": HERE}, THERE),
    ],
    ids=["of Lambda", "of everything", "the nearer one"],
)
def test_an_endpoint_in_the_environment_is_called(
    environment: dict[str, str], endpoint: str
) -> None:
    settings = LambdaSettings(endpoint_url=endpoint, region="eu-west-1", slots=100)

    assert chosen(**environment) == settings


def test_without_an_endpoint_nothing_is_called() -> None:
    assert chosen() is None


def test_the_server_itself_is_not_taken_for_lambda() -> None:
    assert chosen(AWS_ENDPOINT_URL=HERE) is None


def test_aws_is_called_where_that_is_asked_for() -> None:
    settings = LambdaSettings(endpoint_url=None, region="eu-west-1", slots=7)

    assert chosen("--lambda", "--lambda-slots=7") == settings


def test_the_extra_is_missed_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(UsageError, match=r"pip install 'stepwell\[aws\]'"):
        chosen("--lambda")


def test_without_the_extra_an_endpoint_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    assert chosen(AWS_ENDPOINT_URL_LAMBDA=THERE) is None


def test_other_processes_are_given_the_same() -> None:
    parser = argparse.ArgumentParser()
    add_lambda_options(parser)
    words = ["--lambda-slots=7", "--lambda"]

    assert lambda_words(parser.parse_args(words)) == words
