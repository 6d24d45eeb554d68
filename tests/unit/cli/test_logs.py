"""What is logged says what went wrong, and nothing of the users' data."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from cli.logs import configure_logs


@pytest.fixture
def logged() -> Iterator[None]:
    """Leave the logs as they were."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_traceback_shows_no_local_variables(
    is_terminal: bool,
    logged: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    configure_logs("warning")
    try:
        fail_with("-".join(["somebody's", "data"]))
    except LookupError:
        structlog.get_logger("tested").exception("it failed")

    shown = capsys.readouterr().err
    assert "it failed" in shown
    assert "LookupError: not found" in shown
    assert "somebody's-data" not in shown


def test_what_is_no_http_fills_no_log(
    logged: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("debug")

    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")

    shown = capsys.readouterr().err
    assert "Invalid HTTP" not in shown
    assert "Exception in ASGI application" in shown


def fail_with(payload: str) -> None:
    raise LookupError("not found" if payload else "")
