"""`signatures`: what a signed StartExecution costs beyond one that is not signed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from api.access.actions import demands
from api.access.keyring import Keyring
from api.access.signed import SignatureGate
from api.arns import Site
from api.requests import StartExecution
from scheduler.clock import SystemClock
from stepwell.endpoint import Endpoint
from stepwell.signing import AccessKey, Signer
from storage.access_keys import ActiveKey
from storage.master_keys import MasterKeys

_KEY: Final = AccessKey("SWKABCDEFGHIJKLMNOPQ", "secret")
_MASTERS: Final = MasterKeys([b"m" * 32])
_SITE: Final = Site()
_REQUEST: Final = StartExecution(
    state_machine_arn=_SITE.state_machine("orders"), name="one", input="{}"
)
_PER_COUNT: Final = 20


class _Shelf:
    """One key, in memory."""

    async def active(self, _key_ids: Sequence[str]) -> list[ActiveKey]:
        sealed = _MASTERS.seal(_KEY.secret, _KEY.key_id)
        return [
            ActiveKey(
                key_id=_KEY.key_id,
                name="measured",
                preset="starter",
                policy=None,
                secret=sealed,
            )
        ]


def signatures(count: int) -> dict[str, Any]:
    """Verify one request again and again, and ask its caller's policy."""
    return asyncio.run(_measure(_PER_COUNT * count))


async def _measure(count: int) -> dict[str, Any]:
    clock = SystemClock()
    gate = SignatureGate(Keyring(_Shelf(), _MASTERS, _SITE, clock), _SITE, clock)
    scope, body = _signed()
    began = time.process_time()
    for _ in range(count):
        admission = await gate.admit(scope)
        caller = admission(body)
        for action, resource in demands("StartExecution", _SITE, _REQUEST):
            caller.require(action, resource)
    seconds = time.process_time() - began
    return {"cpu_us": seconds / count * 1e6, "per_cpu_second": count / seconds}


def _signed() -> tuple[dict[str, Any], bytes]:
    body = json.dumps(
        {"stateMachineArn": _REQUEST.state_machine_arn, "name": "one", "input": "{}"}
    ).encode()
    endpoint = Endpoint.parse("http://127.0.0.1:8083")
    target = {"X-Amz-Target": "AWSStepFunctions.StartExecution"}
    headers = Signer(endpoint, _KEY, _SITE.region).headers("/", body, target)
    pairs = {"Host": endpoint.authority, **headers}.items()
    received = [(name.lower().encode(), text.encode()) for name, text in pairs]
    scope = {
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
    }
    return {**scope, "headers": received}, body
