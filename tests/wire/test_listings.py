"""Every listing, page by page: nothing twice, nothing left out, tokens of no other use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.support.machines import distributed, pass_on, region
from tests.wire.test_machines import ARN, PASS, create
from tests.wire.waiting import closed

LOOP: Final = {
    "StartAt": "Many",
    "States": {
        "Many": {
            "Type": "Map",
            "ItemsPath": "$",
            "ItemProcessor": PASS,
            "End": True,
        }
    },
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing: its operation, its members, and how its table is filled."""

    operation: str
    members: str
    key: str
    request: dict[str, str]
    fill: str = ""


LISTINGS: Final = (
    Listing(
        "list_activities",
        "activities",
        "name",
        {},
        """INSERT INTO activities (arn, name, created_at)
           SELECT 'arn:a:' || serial, 'a' || serial, now()
           FROM generate_series(1, %s) AS serial""",
    ),
    Listing(
        "list_state_machines",
        "stateMachines",
        "name",
        {},
        """INSERT INTO state_machines
               (arn, name, type, status, created_at, updated_at, revision_id, role_arn)
           SELECT 'arn:m:' || serial, 'm' || serial, type, status, created_at,
                  updated_at, revision_id, role_arn
           FROM state_machines, generate_series(2, %s) AS serial""",
    ),
    # Seven executions begin at each instant, so that pages are cut between equals.
    Listing(
        "list_executions",
        "executions",
        "name",
        {"stateMachineArn": ARN},
        """INSERT INTO execution_records
               (execution_id, revision_id, start_date, stop_date, shard, arn, name,
                state_machine_arn, status)
           SELECT gen_random_uuid(), revision_id, now() - serial / 7 * '1 s'::interval,
                  now(), serial %% 64, 'arn:e:' || serial, 'e' || serial,
                  state_machine_arn, (ARRAY['SUCCEEDED', 'FAILED'])[1 + serial %% 2]
           FROM state_machine_revisions, generate_series(1, %s) AS serial""",
    ),
    Listing(
        "list_state_machine_versions",
        "stateMachineVersions",
        "stateMachineVersionArn",
        {"stateMachineArn": ARN},
        """INSERT INTO state_machine_versions
               (state_machine_arn, number, revision_id, created_at)
           SELECT state_machine_arn, serial, revision_id, created_at
           FROM state_machine_revisions, generate_series(1, %s) AS serial""",
    ),
    Listing(
        "list_state_machine_aliases",
        "stateMachineAliases",
        "stateMachineAliasArn",
        {"stateMachineArn": ARN},
        """INSERT INTO state_machine_aliases
               (arn, created_at, updated_at, state_machine_arn, name, routing)
           SELECT arn || ':a' || serial, now(), now(), arn, 'a' || serial, '{"1":100}'
           FROM state_machines, generate_series(1, %s) AS serial""",
    ),
)
BY_NAME: Final = [pytest.param(listing, id=listing.operation) for listing in LISTINGS]


def pages(client: Any, operation: str, size: int, **request: Any) -> Iterator[Any]:
    """Yield the pages: by botocore's paginator where it has one."""
    if client.can_paginate(operation):
        settings = {"PageSize": size}
        paginator = client.get_paginator(operation)
        yield from paginator.paginate(**request, PaginationConfig=settings)
        return
    ask = partial(getattr(client, operation), maxResults=size, **request)
    page = ask()
    yield page
    while "nextToken" in page:
        page = ask(nextToken=page["nextToken"])
        yield page


def filled(client: Any, database: str, listing: Listing, count: int) -> None:
    create(client)
    with psycopg.connect(database) as connection:
        connection.execute(listing.fill.encode(), [count])


@pytest.mark.parametrize(("size", "count"), [(1, 16), (2, 16), (1_000, 2_001)])
@pytest.mark.parametrize("listing", BY_NAME)
def test_pages_are_the_whole_listing(
    client: Any, clean_database: str, listing: Listing, size: int, count: int
) -> None:
    filled(client, clean_database, listing, count)

    found = list(pages(client, listing.operation, size, **listing.request))

    sizes = [len(page[listing.members]) for page in found]
    names = {item[listing.key] for page in found for item in page[listing.members]}
    assert len(names) == sum(sizes) == count
    assert sizes == [size] * (count // size) + [count % size] * (count % size > 0)


@pytest.mark.parametrize("listing", BY_NAME)
def test_page_has_a_hundred_where_nothing_is_said(
    client: Any, clean_database: str, listing: Listing
) -> None:
    filled(client, clean_database, listing, 101)
    list_page = partial(getattr(client, listing.operation), **listing.request)

    for page in (list_page(), list_page(maxResults=0)):
        assert len(page[listing.members]) == 100
        rest = list_page(nextToken=page["nextToken"])
        assert len(rest[listing.members]) == 1


@pytest.mark.parametrize("listing", BY_NAME)
@pytest.mark.parametrize("size", [-1, 1_001])
def test_page_of_another_size_is_refused(
    module_client: Any, listing: Listing, size: int
) -> None:
    list_page = getattr(module_client, listing.operation)

    with pytest.raises(ClientError) as caught:
        list_page(maxResults=size, **listing.request)

    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("listing", BY_NAME)
def test_token_serves_no_other_listing(
    client: Any, clean_database: str, listing: Listing
) -> None:
    filled(client, clean_database, listing, 3)
    page = getattr(client, listing.operation)(maxResults=1, **listing.request)
    token = page["nextToken"]

    for other in LISTINGS:
        if other is not listing:
            with pytest.raises(client.exceptions.InvalidToken):
                getattr(client, other.operation)(nextToken=token, **other.request)


@pytest.mark.parametrize(
    "change", [{"statusFilter": "FAILED"}, {"stateMachineArn": f"{ARN}-2"}]
)
def test_token_serves_no_other_arguments(
    client: Any, clean_database: str, change: dict[str, str]
) -> None:
    filled(client, clean_database, LISTINGS[2], 3)
    create(client, name="order-2")
    page = client.list_executions(maxResults=1, stateMachineArn=ARN)
    request = {"stateMachineArn": ARN, "nextToken": page["nextToken"], **change}

    with pytest.raises(client.exceptions.InvalidToken):
        client.list_executions(**request)


def test_token_may_be_used_again(client: Any, clean_database: str) -> None:
    filled(client, clean_database, LISTINGS[2], 3)
    ask = partial(client.list_executions, maxResults=1, stateMachineArn=ARN)
    token = ask()["nextToken"]

    first, second = (ask(nextToken=token)["executions"] for _ in range(2))

    assert first == second


def test_executions_that_begin_meanwhile_shift_no_page(
    client: Any, clean_database: str
) -> None:
    filled(client, clean_database, LISTINGS[2], 4)
    found = pages(client, "list_executions", 2, stateMachineArn=ARN)
    first = next(found)

    client.start_execution(stateMachineArn=ARN, name="newest")

    names = [item["name"] for page in (first, *found) for item in page["executions"]]
    assert sorted(names) == ["e1", "e2", "e3", "e4"]


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_pages_are_all_map_runs(client: Any, size: int) -> None:
    maps = [distributed(name, pass_on(f"Do {name}")) for name in "ABC"]
    create(client, definition=json.dumps(region(*maps)))
    arn = client.start_execution(stateMachineArn=ARN, input="[1]")["executionArn"]
    closed(client, arn)

    found = list(pages(client, "list_map_runs", size, executionArn=arn))

    runs = [run["mapRunArn"] for page in found for run in page["mapRuns"]]
    assert {len(page["mapRuns"]) for page in found[:-1]} <= {size}
    assert len(set(runs)) == len(runs) == 3


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("size", "count"), [(1, 3), (2, 3), (1_000, 300)])
def test_pages_are_the_whole_history(
    client: Any, size: int, count: int, backwards: bool
) -> None:
    create(client, definition=json.dumps(LOOP))
    given = json.dumps(list(range(count)))
    arn = client.start_execution(stateMachineArn=ARN, input=given)["executionArn"]
    closed(client, arn)

    request = {"executionArn": arn, "reverseOrder": backwards}
    found = list(pages(client, "get_execution_history", size, **request))

    ids = [event["id"] for page in found for event in page["events"]]
    assert {len(page["events"]) for page in found[:-1]} == {size}
    assert ids == sorted(ids, reverse=backwards)
    assert set(ids) == set(range(1, len(ids) + 1))
    assert len(ids) >= 4 * count
