"""Watch five orders run durably, through kill -9 of the engine and of a worker.

Starts an embedded PostgreSQL, an engine and a worker, runs the workflow of examples/orders,
says what it does and what that proves, and checks every claim: exits with 1 if one does not
hold. Takes about fifteen seconds.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.demo.voice import Voice

INTRODUCTION = """\
Five orders go through a workflow in the Amazon States Language (examples/orders):

  CheckInventory -> available? -> ProcessPayment -> CreateShippingLabel
        |               '-> InventoryUnavailableState (fails)
        '-> on any error: InventoryErrorState -> NotifyUserOfFailure

Every step is a row in PostgreSQL before its side effect happens. To show what that is worth,
the engine and a worker are killed in the middle of things."""

NEXT = """\
Next: your own workflow in five minutes, see README.md. To look around in these orders:
  stepwell demo --data demo-data                  keeps them
  stepwell dev --data demo-data/data              serves them
  stepwell history orders:order-3                 shows one"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="keep the data in this new folder (a temporary one)",
    )


def run(options: argparse.Namespace) -> int:
    """Play the demo."""
    from cli.demo.voice import Voice
    from cli.lifetime import leave_in_order_on_sigterm
    from cli.logs import configure_logs

    configure_logs("error")
    leave_in_order_on_sigterm()
    with ExitStack() as stack:
        folder = _folder(options.data, stack)
        voice = Voice()
        _play(folder, voice)
        _conclude(voice)
    return 1 if voice.failed else 0


def _folder(given: Path | None, stack: ExitStack) -> Path:
    """Return a new folder; one that nobody named goes with the demo."""
    from tempfile import TemporaryDirectory

    from cli.errors import UsageError

    if given is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="stepwell-demo-")))
    if given.exists():
        msg = f"{given} exists already: name a new folder"
        raise UsageError(msg)
    given.mkdir(parents=True)
    return given.resolve()


def _play(folder: Path, voice: Voice) -> None:
    from cli.demo import script
    from cli.demo.stage import DemoFailedError, Stage

    voice.say(INTRODUCTION)
    voice.title("0. Set-up")
    voice.tell("starting PostgreSQL, an engine with its API, and a worker ...")
    stage = Stage(folder)
    try:
        with stage:
            voice.tell(f"ready at {stage.endpoint}")
            arns = script.three_orders(stage, voice)
            arns.append(script.killed_engine(stage, voice))
            arns.append(script.killed_worker(stage, voice))
            script.histories(stage, voice, arns)
            script.sql(stage, voice, arns)
    except DemoFailedError as error:
        voice.claim(str(error), False)
        print(stage.last_words(), file=sys.stderr)


def _conclude(voice: Voice) -> None:
    if voice.failed:
        voice.say(f"\n{len(voice.failed)} claims did not hold:")
        for claim in voice.failed:
            voice.say(f"  - {claim}")
        return
    voice.say(f"\nAll {voice.held} claims hold, after {voice.seconds:.0f} s.\n")
    voice.say(NEXT)
