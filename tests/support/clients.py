"""Clients that are no Python packages of ours: the AWS CLI and the JavaScript SDK.

`make clients` installs them. Where one is missing its tests are skipped and say so; with
STEPWELL_REQUIRE_CLIENTS set, as in CI, they fail.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from storage.access_keys import NewKey
from tests.support.commands import environment

ROOT: Final = Path(__file__).parents[2]
AWS: Final = ROOT / ".venv-clients" / "bin" / "aws"
SCRIPTS: Final = ROOT / "tests" / "clients"
SDK: Final = SCRIPTS / "node_modules" / "@aws-sdk" / "client-sfn"
REQUIRED: Final = "STEPWELL_REQUIRE_CLIENTS"
ANY_KEY: Final = NewKey("any", "any")
_SECONDS: Final = 120


def skip_module_without(path: Path) -> None:
    """Skip a whole module, with one line, when its client is not installed nor required."""
    if not path.exists() and not os.environ.get(REQUIRED):
        pytest.skip(_missing(path), allow_module_level=True)


def require(path: Path) -> None:
    """Skip, or fail where clients are required, when a client is not installed."""
    if path.exists():
        return
    if os.environ.get(REQUIRED):
        pytest.fail(_missing(path))
    pytest.skip(_missing(path))


def _missing(path: Path) -> str:
    return f"{path.relative_to(ROOT)} is missing: run `make clients`"


def run_aws(
    endpoint: str, *words: str, key: NewKey = ANY_KEY
) -> subprocess.CompletedProcess[str]:
    """Run `aws stepfunctions WORDS` as the user's guide shows it."""
    return subprocess.run(
        [AWS, "stepfunctions", *words],
        env=environment(
            AWS_ENDPOINT_URL_SFN=endpoint,
            AWS_DISABLE_HOST_PREFIX_INJECTION="true",
            **_named(key),
            AWS_DEFAULT_REGION="us-east-1",
            AWS_MAX_ATTEMPTS="1",
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        ),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def aws(endpoint: str, *words: str) -> Any:
    """Return what a command of the AWS CLI prints, parsed; None for nothing."""
    ended = run_aws(endpoint, *words)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout) if ended.stdout.strip() else None


def javascript(*words: str, key: NewKey = ANY_KEY) -> Any:
    """Return what `orders.mjs` prints, parsed."""
    ended = subprocess.run(
        ["node", "orders.mjs", *words],
        cwd=SCRIPTS,
        env=environment(**_named(key)),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _named(key: NewKey) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key.key_id, "AWS_SECRET_ACCESS_KEY": key.secret}
