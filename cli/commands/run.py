"""Run one workflow from a file, once: no server, nothing is left behind.

The output goes to stdout, the progress of states to stderr. Exits with 1 if the execution
failed, after printing its error and cause. The engine works on a PostgreSQL of its own in a
temporary folder; the functions run in a worker process.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.inputs import add_input_option, read_input
from cli.logs import add_log_level, configure_logs

if TYPE_CHECKING:
    from cli.oneshot import Errand


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("file", metavar="FILE", help="a definition, in JSON or YAML")
    add_input_option(parser)
    parser.add_argument(
        "--functions",
        metavar="FILE",
        help="a Python file with the @task functions that the workflow calls",
    )
    parser.add_argument("--name", help="the execution's name (made up)")
    parser.add_argument(
        "--quiet", action="store_true", help="do not show the progress of states"
    )
    add_log_level(parser, default="error")


def run(options: argparse.Namespace) -> int:
    """Run the workflow."""
    from cli.definitionfile import read_definition
    from cli.functions import FunctionsFile
    from cli.oneshot import Errand

    definition = read_definition(options.file)
    text = read_input(options.input)
    errand = Errand(
        definition=definition.require_valid(),
        path=Path(options.file),
        input=text,
        name=options.name,
        functions=FunctionsFile(options.functions) if options.functions else None,
        is_quiet=options.quiet,
        log_level=options.log_level,
    )
    configure_logs(options.log_level)
    return _carry_out(errand)


def _carry_out(errand: Errand) -> int:
    from cli.lifetime import leave_in_order_on_sigterm, run_loop
    from cli.listening import DEFAULT_HOST, listen
    from cli.main import INTERRUPTED
    from cli.outcome import report_outcome

    leave_in_order_on_sigterm()
    with listen(DEFAULT_HOST, 0) as listener, _temporary_database() as url:
        ended = run_loop(lambda: errand.carry_out(url, listener))
    return INTERRUPTED if ended is None else report_outcome(ended)


@contextmanager
def _temporary_database() -> Iterator[str]:
    """Yield a migrated database that lives as long as the block; not durable at all."""
    from tempfile import TemporaryDirectory

    from storage.embedded import EmbeddedServer
    from storage.migrate import migrate

    hasty = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    with (
        TemporaryDirectory(prefix="stepwell-run-") as folder,
        EmbeddedServer(Path(folder) / "data", settings=hasty) as server,
    ):
        migrate(server.url)
        yield server.url
