"""The command `stepwell worker`."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from stepwell.worker import Worker

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_EPILOG = """\
environment:
  STEPWELL_ENDPOINT   the server, if --endpoint is not given
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                      the key that requests are signed with, for a server that asks for one

SIGTERM and SIGINT drain: the worker claims nothing more, finishes what runs and says
goodbye. A second signal ends it at once.
"""

_DENIED = """\
It needs an access key that may `stepwell:ClaimTasks` on every function it serves, in
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: stepwell keys create NAME --preset worker"""


def main(arguments: Sequence[str]) -> int:
    """Run a worker; returns the exit status.

    1 if something in hand was given up, 2 if starting it again is of no use.
    """
    options = _parser().parse_args(arguments)
    _log_to_stderr(options.log_level)
    worker = _worker(options)
    status = _run(worker)
    if status:
        _exit_now(status)  # functions that go on must not outlive their report
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stepwell worker",
        description="Serve the functions of a Python file or module to workflows.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "app", metavar="APP", help="app.py, package.module or module:attribute"
    )
    parser.add_argument(
        "--endpoint", metavar="URL", help="the server (http://127.0.0.1:8083)"
    )
    parser.add_argument(
        "--concurrency",
        type=_positive,
        default=64,
        metavar="N",
        help="how many functions run at the same time (%(default)s)",
    )
    parser.add_argument(
        "--name", help="how histories name this worker (HOST-PID)", default=None
    )
    parser.add_argument(
        "--drain-seconds",
        type=float,
        default=25.0,
        metavar="S",
        help="how long running functions may take after SIGTERM (%(default)g)",
    )
    parser.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="info",
        help="(%(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = "must be at least 1"
        raise argparse.ArgumentTypeError(msg)
    return number


def _worker(options: argparse.Namespace) -> "Worker":
    # Loaded here, so that --help is fast; and before the user's folder is on the path,
    # where a module could bear the name of one of these.
    from stepwell.loading import leave_checkout, load_functions
    from stepwell.worker import Worker

    leave_checkout()
    try:
        return Worker(
            load_functions(options.app),
            endpoint=options.endpoint,
            concurrency=options.concurrency,
            name=options.name,
            drain_seconds=options.drain_seconds,
        )
    except Exception as error:  # noqa: BLE001  the user's module may raise anything
        _refuse(options.app, error)


def _refuse(app: str, error: Exception) -> NoReturn:
    """Say why there is no worker: in a word if the fault is ours to name."""
    frames = traceback.extract_tb(error.__traceback__)
    if frames and not frames[-1].filename.startswith(_PACKAGE):
        traceback.print_exception(error)
    sys.stderr.write(f"stepwell worker: {app}: {error}\n")
    raise SystemExit(2)


def _run(worker: "Worker") -> int:
    import uvloop

    from stepwell.errors import ApiError

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return 0 if runner.run(_serve(worker)) else 1
    except ApiError as error:
        where = f"stepwell worker: {worker.endpoint} denies it: {error}"
        sys.stderr.write(f"{where}\n{_DENIED}\n")
        return 2


async def _serve(worker: "Worker") -> bool:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    names = ", ".join(sorted(worker.functions))
    log = logging.getLogger("stepwell.worker")
    log.info("%s serves %s (concurrency %d)", worker.name, names, worker.concurrency)
    return await worker.run()


def _exit_now(status: int) -> NoReturn:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        document = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document)


def _log_to_stderr(level: str) -> None:
    """Log the worker's own messages; the root logger is left to the application."""
    handler = logging.StreamHandler()
    if sys.stderr.isatty():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    else:
        handler.setFormatter(_JsonFormatter())
    logger = logging.getLogger("stepwell")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
