"""A server for the cases that need one, and the table of results at the end."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.config
import pytest

from api.arns import Site
from storage.database import connect
from tests.conformance.cases import (
    ACCOUNT,
    BESIDE,
    DIRECTORY_VARIABLE,
    recorded_directory,
)
from tests.support.api_server import serve
from tests.support.databases import DatabaseServer

_LISTED = (
    "activities",
    "state_machine_aliases",
    "state_machine_versions",
    "state_machines",
)


class Stage:
    """A server with its database and an ordinary client."""

    def __init__(self, endpoint: str, url: str, client: Any) -> None:
        self.endpoint = endpoint
        self.client = client
        self._url = url

    def forget_machines(self) -> None:
        """Delete what listings show of other cases; executions stay."""
        with connect(self._url) as connection:
            for table in _LISTED:
                connection.execute(f"DELETE FROM {table}".encode())


@pytest.fixture(scope="module")
def stage(database_server: DatabaseServer) -> Iterator[Stage]:
    session = boto3.session.Session(
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        inject_host_prefix=False,
        parameter_validation=False,
    )
    with database_server.clone() as url, serve(url, Site(account=ACCOUNT)) as endpoint:
        client = session.client("stepfunctions", endpoint_url=endpoint, config=config)
        with contextlib.closing(client):
            yield Stage(endpoint, url, client)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases of each kind passed, and say loudly where there are none."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for row, *results in _verdicts(terminalreporter):
        rows[row].update(results)
    if rows:
        _print_table(terminalreporter, rows)
    if recorded_directory() is None:
        terminalreporter.write_line(
            f"NO RECORDED CASES: neither {DIRECTORY_VARIABLE} nor {BESIDE} holds any;"
            " only the project's own cases were run.",
            red=True,
            bold=True,
        )


def _verdicts(reporter: pytest.TerminalReporter) -> Iterator[Any]:
    """Yield what the judged cases have recorded."""
    reports = [report for reports in reporter.stats.values() for report in reports]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "conformance" and report.when == "call":
                yield value


def _print_table(
    reporter: pytest.TerminalReporter, rows: dict[str, Counter[str]]
) -> None:
    reporter.section("conformance")
    reporter.write_line(f"{'cases':44}{'total':>7}{'lenient':>9}{'strict':>8}")
    for row, counts in sorted(rows.items()):
        numbers = (counts["total"], counts["lenient"], counts["strict"])
        reporter.write_line(f"{row:44}{numbers[0]:>7}{numbers[1]:>9}{numbers[2]:>8}")
