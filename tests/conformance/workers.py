"""A worker that serves the functions of one case over the worker protocol."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from tests.conformance.cases import Case
from tests.conformance.handlers import Functions
from tests.conformance.wire import WireClient


@contextlib.contextmanager
def serving_functions(endpoint: str, case: Case) -> Iterator[None]:
    """Serve the functions of a case, if it has any, while the block runs."""
    names = sorted(case.data["mocks"].get("lambda", {}))
    if not names:
        yield
        return
    stopping = threading.Event()
    thread = threading.Thread(target=_work, args=[endpoint, case, names, stopping])
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _work(
    endpoint: str, case: Case, names: list[str], stopping: threading.Event
) -> None:
    client, functions = WireClient(endpoint), Functions(case)
    session: dict[str, Any] = {"session": f"a{case.name[-8:]}", "name": case.name}
    with contextlib.closing(client):
        while not stopping.is_set():
            polled = client.worker(
                "poll", **session, functions=names, free=1, inventory=[], wait=0.2
            )
            results = [
                {"token": task["token"]}
                | functions.call(task["function"], task["input"]).result
                for task in polled["tasks"]
            ]
            if results:
                client.worker("report", **session, results=results, heartbeats=[])
        client.worker("bye", **session, returned=[])
