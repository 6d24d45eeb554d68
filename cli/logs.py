"""Logs: readable on a terminal, one JSON object a line elsewhere; always to stderr.

The libraries' own messages, which come through `logging`, take the same way.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any, Final

LEVELS: Final = ("debug", "info", "warning", "error")
LEVEL_VARIABLE: Final = "STEPWELL_LOG_LEVEL"

# From which level on libraries say what concerns anybody here. The HTTP server warns of
# whatever is no HTTP: with that, everybody who reaches the port could fill the log.
_TALKATIVE: Final = {
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "asyncio": logging.WARNING,
    "uvicorn": logging.ERROR,
}


def add_log_level(parser: argparse.ArgumentParser, default: str = "info") -> None:
    """Add the option that all long-running commands have."""
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=os.environ.get(LEVEL_VARIABLE, default),
        help="(%(default)s)",
    )


def configure_logs(level: str) -> None:
    """Send everything that is logged to stderr, from a level on."""
    import structlog  # takes a tenth of a second, which `--help` has not

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=_rendering()
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, lowest in _TALKATIVE.items():
        logging.getLogger(name).setLevel(max(lowest, root.level))


def _rendering() -> list[Any]:
    import structlog

    tidy = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        # Not the default, which shows local variables: payloads, by the megabyte.
        plain = structlog.dev.plain_traceback
        return [tidy, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [
        tidy,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(sort_keys=False),
    ]
