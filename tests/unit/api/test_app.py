"""Which path a caller gets to: what the table of routes says, and else none."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.access.routes import ROUTES
from api.app import App, Health
from api.gate import LoopbackGate
from api.http import Receive, Scope, Send, respond_json
from api.polls import Polls
from tests.unit.api.asgi import Exchange, call


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await respond_json(send, 200, b"{}")


async def no_reasons() -> list[str]:
    return []


def app(**routes: Callable[[Any, Any, Any], Awaitable[None]]) -> App:
    return App(
        wire=answer,
        worker=answer,
        health=Health(version="1", reasons_not_ready=no_reasons),
        gate=LoopbackGate(8083),
        polls=Polls(),
        routes={f"/{name}": route for name, route in routes.items()},
    )


async def get(served: App, path: str) -> Exchange:
    return await call(served, path, {}, method="GET")


async def test_a_route_that_the_table_does_not_name_is_refused() -> None:
    exchange = await get(app(secrets=answer), "/secrets")

    assert exchange.status == 403
    assert json.loads(exchange.body)["__type"] == "AccessDeniedException"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version", "/metrics"])
async def test_a_route_that_the_table_names_is_served(path: str) -> None:
    assert path in ROUTES
    assert (await get(app(metrics=answer), path)).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/healthz/", "//healthz", "/METRICS"])
async def test_what_is_not_there_is_not_found(path: str) -> None:
    assert (await get(app(metrics=answer), path)).status == 404


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing"])
async def test_without_authentication_strangers_get_nothing(path: str) -> None:
    headers = {b"host": b"example.com"}

    exchange = await call(app(metrics=answer), path, headers, method="GET")

    assert exchange.status == 403
