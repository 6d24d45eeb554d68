"""Whether functions that no worker serves are called through the Lambda Invoke API.

They are where an endpoint is configured, in the variables that every AWS SDK reads, or with
`--lambda`, which uses whatever credentials boto3 finds. Both need the extra `[aws]`.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import structlog

from cli.errors import UsageError
from cli.lambdaoptions import ANY_VARIABLE, OWN_VARIABLE
from engine.lambdaclient import LambdaSettings

log = structlog.get_logger(__name__)

_INSTALL: Final = "pip install 'stepwell[aws]'"


def lambda_settings(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    *,
    region: str,
    own_port: int,
) -> LambdaSettings | None:
    """Return where functions are called; None: nowhere, they wait for workers."""
    if options.lambda_slots < 1:
        raise UsageError("--lambda-slots must be 1 or more")
    endpoint = environment.get(OWN_VARIABLE) or _other_endpoint(environment, own_port)
    if endpoint is None and not options.use_lambda:
        return None
    if importlib.util.find_spec("boto3") is None:
        if options.use_lambda:
            msg = f"--lambda needs boto3: {_INSTALL}"
            raise UsageError(msg)
        log.warning("functions are not called", endpoint=endpoint, needs=_INSTALL)
        return None
    return LambdaSettings(
        endpoint_url=endpoint, region=region, slots=options.lambda_slots
    )


def _other_endpoint(environment: Mapping[str, str], own_port: int) -> str | None:
    """Return the endpoint of all services, unless that is this server itself."""
    endpoint = environment.get(ANY_VARIABLE) or None
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return None if is_here and parts.port == own_port else endpoint
