"""The options of the engine, of every command that runs one."""

from __future__ import annotations

import argparse

from cli.lambdaoptions import add_lambda_options, lambda_words


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the engine; all have good defaults."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--lanes",
        type=int,
        metavar="N",
        help="commits under way at once (1; 2 on more than two cores)",
    )
    group.add_argument(
        "--lease-seconds",
        type=float,
        default=3.0,
        metavar="S",
        help="after how long others take over what a dead engine held (%(default)g)",
    )
    group.add_argument(
        "--worker-seconds",
        type=float,
        default=7.0,
        metavar="S",
        help="after how long a silent worker counts as dead (%(default)g)",
    )
    group.add_argument(
        "--keep-days",
        type=float,
        metavar="D",
        help="delete executions that closed so long ago (never)",
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        help="a TOML file with limits and rates (docs/operations.md)",
    )
    add_lambda_options(parser)


def engine_words(options: argparse.Namespace) -> list[str]:
    """Return the engine's options as another process is to be given them."""
    words = [
        f"--lease-seconds={options.lease_seconds}",
        f"--worker-seconds={options.worker_seconds}",
        f"--log-level={options.log_level}",
    ]
    if options.lanes is not None:
        words.append(f"--lanes={options.lanes}")
    if options.keep_days is not None:
        words.append(f"--keep-days={options.keep_days}")
    if options.config is not None:
        words.append(f"--config={options.config}")
    return [*words, *lambda_words(options)]
