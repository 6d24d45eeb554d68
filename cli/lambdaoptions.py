"""The options that say whether functions are called through the Lambda Invoke API."""

from __future__ import annotations

import argparse
from typing import Final

OWN_VARIABLE: Final = "AWS_ENDPOINT_URL_LAMBDA"
ANY_VARIABLE: Final = "AWS_ENDPOINT_URL"


def add_lambda_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("functions that no worker serves")
    group.add_argument(
        "--lambda",
        dest="use_lambda",
        action="store_true",
        help="call them in AWS Lambda, with the credentials that boto3 finds; also on when"
        f" {OWN_VARIABLE} or {ANY_VARIABLE} names an endpoint",
    )
    group.add_argument(
        "--lambda-slots",
        type=int,
        default=100,
        metavar="N",
        help="how many at once, in each process (%(default)s)",
    )


def lambda_words(options: argparse.Namespace) -> list[str]:
    """Return the options as another process is to be given them."""
    words = [f"--lambda-slots={options.lambda_slots}"]
    return [*words, "--lambda"] if options.use_lambda else words
