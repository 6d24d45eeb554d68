"""Machines and executions as they may be typed: by ARN, or by name."""

from __future__ import annotations

import os
from typing import Final

from api.arns import Site
from cli.errors import UsageError

# What the region and the account of an ARN are taken from.
SITE_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCOUNT_ID")


def machine_arn(text: str) -> str:
    """Return the ARN of a machine given by ARN or name."""
    return text if text.startswith("arn:") else _site().state_machine(text)


def execution_arn(text: str) -> str:
    """Return the ARN of an execution given by ARN or as MACHINE:NAME."""
    if text.startswith("arn:"):
        return text
    machine, separator, name = text.partition(":")
    if not (machine and separator and name):
        msg = f"{text!r} is no execution: give its ARN, or MACHINE:NAME"
        raise UsageError(msg)
    return _site().execution(machine, name)


def short_name(arn: str) -> str:
    """Return the form MACHINE:NAME of an execution's ARN."""
    return arn.split(":", 6)[-1]


def role_arn() -> str:
    """Return the role that machines get which are made by a command."""
    return f"arn:aws:iam::{_site().account}:role/stepwell"


def _site() -> Site:
    return Site.of_environment(os.environ)
