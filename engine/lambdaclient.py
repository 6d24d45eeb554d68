"""The Lambda Invoke API, called with boto3; blocking, for threads of their own.

boto3 is an extra and takes a second to import, so it is imported with the first call. Its
own retries are off: a request is sent once, and what to do about a failure is the
workflow's to say. A client has one read timeout for all its requests, so there is a client
for each power of two of seconds: a task that times out leaves no request that hangs for
long behind.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asl.errors import PayloadError
from asl.payload import Payload
from engine.elsewhere import Outcome, Raised, Returned
from runtime.lambda_invoke import CallFacts, Invocation, invoke_answer
from runtime.limits import MAX_CAUSE_CHARACTERS, MAX_DATA_BYTES, MAX_ERROR_CHARACTERS

# What a function may take, and some time for the way there and back.
_LONGEST_SECONDS: Final = 960
_CONNECT_SECONDS: Final = 10
# No answer may be longer, however much is sent; what is over the limit of a task fails it.
_MOST_BYTES: Final = 8 * 1024 * 1024
_NO_TYPE: Final = (
    "The cause could not be determined because Lambda did not return an error type."
    " Returned payload: "
)
# How the service spells headers whose words do not all begin with a capital.
_SPELLINGS: Final[Mapping[str, str]] = {
    "x-amzn-requestid": "x-amzn-RequestId",
    "x-amzn-remapped-content-length": "x-amzn-Remapped-Content-Length",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """Where functions are called; None leaves it to boto3's own configuration."""

    endpoint_url: str | None = None
    region: str = "us-east-1"
    slots: int = 100


class LambdaClient:
    """Calls functions."""

    def __init__(self, settings: LambdaSettings) -> None:
        """Take where; nothing is imported or connected yet."""
        self._settings = settings
        self._clients: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._session: Any = None
        self._headers = threading.local()

    def __call__(self, invocation: Invocation) -> Outcome:
        """Call a function and say what came of it."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        try:
            client = self._client(_bucket(invocation.seconds))
            self._headers.trace = invocation.trace_header
            response = client.invoke(**_parameters(invocation))
            body: bytes = response["Payload"].read(_MOST_BYTES)
        except ClientError as error:
            return _refusal(error)
        except ReadTimeoutError as error:
            return _raised("Lambda.ClientExecutionTimeoutException", str(error))
        except (BotoCoreError, OSError) as error:
            return _raised("Lambda.SdkClientException", str(error))
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return _raised("Lambda.Unknown", "The function returned no UTF-8.")
        if response.get("FunctionError"):
            return _function_error(text)
        return _returned(invocation, response, text)

    def _client(self, seconds: int) -> Any:
        with self._lock:
            client = self._clients.get(seconds)
            if client is None:
                client = self._clients[seconds] = self._new_client(seconds)
            return client

    def _new_client(self, seconds: int) -> Any:
        import boto3  # an extra, and slow to load
        import botocore
        import botocore.config

        settings = self._settings
        if self._session is None:
            self._session = boto3.session.Session(region_name=settings.region)
        chosen: dict[str, Any] = {}
        if settings.endpoint_url and self._session.get_credentials() is None:
            # An endpoint of one's own that asks for no credentials.
            chosen["signature_version"] = botocore.UNSIGNED
        config = botocore.config.Config(
            connect_timeout=min(seconds, _CONNECT_SECONDS),
            read_timeout=seconds,
            max_pool_connections=settings.slots,
            retries={"total_max_attempts": 1},
            **chosen,
        )
        client = self._session.client(
            "lambda", endpoint_url=settings.endpoint_url, config=config
        )
        client.meta.events.register("before-call.lambda.Invoke", self._add_trace)
        return client

    def _add_trace(self, params: dict[str, Any], **_: object) -> None:
        trace = self._headers.trace
        if trace is not None:
            params["headers"]["X-Amzn-Trace-Id"] = trace


def _bucket(seconds: float | None) -> int:
    """Return the read timeout of a call: a power of two of seconds, or the longest."""
    if seconds is None or seconds >= _LONGEST_SECONDS:
        return _LONGEST_SECONDS
    return min(_LONGEST_SECONDS, 1 << max(0, int(seconds)).bit_length())


def _parameters(invocation: Invocation) -> dict[str, Any]:
    given = {
        "Qualifier": invocation.qualifier,
        "InvocationType": invocation.invocation_type,
        "ClientContext": invocation.client_context,
        "LogType": invocation.log_type,
    }
    return {
        "FunctionName": invocation.function,
        "Payload": invocation.payload.encode("utf-8", "surrogatepass"),
        **{name: value for name, value in given.items() if value is not None},
    }


def _returned(
    invocation: Invocation, response: Mapping[str, Any], text: str
) -> Outcome:
    if not invocation.wants_answer or len(text) > MAX_DATA_BYTES:
        return _checked(text)
    returned = _checked(text) if text else Returned(Payload.of_value(""))
    if isinstance(returned, Raised):
        return returned
    metadata = response["ResponseMetadata"]
    headers = metadata.get("HTTPHeaders", {})
    facts = CallFacts(
        request_id=metadata.get("RequestId", ""),
        status=response["StatusCode"],
        executed_version=response.get("ExecutedVersion"),
        headers={_spelled(name): value for name, value in headers.items()},
        log_result=response.get("LogResult"),
    )
    return Returned(invoke_answer(returned.output, facts))


def _checked(text: str) -> Outcome:
    """Return what a function returned, which must be JSON."""
    payload = Payload.of_text(text)
    if len(text) <= MAX_DATA_BYTES:
        try:
            _ = payload.value
        except PayloadError:
            return _raised("Lambda.Unknown", f"The function returned no JSON: {text}")
    return Returned(payload)


def _spelled(header: str) -> str:
    return _SPELLINGS.get(header) or header.title()


def _function_error(text: str) -> Raised:
    """Return the failure of a function: its own error's class, and all it said."""
    try:
        said = Payload.of_text(text).value
    except PayloadError:
        said = None
    kind = said.get("errorType") if isinstance(said, dict) else None
    if not isinstance(kind, str) or not kind:
        return _raised("Lambda.Unknown", _NO_TYPE + text)
    return _raised(kind, text)


def _refusal(error: Any) -> Raised:
    """Return an error of the service, as workflows see it."""
    said, metadata = error.response["Error"], error.response["ResponseMetadata"]
    code = said.get("Code", "")
    modelled = type(error).__name__
    name = "AWSLambdaException" if modelled == "ClientError" else modelled
    cause = (
        f"{said.get('Message', '')} (Service: AWSLambda; Status Code:"
        f" {metadata.get('HTTPStatusCode')}; Error Code: {code}; Request ID:"
        f" {metadata.get('RequestId', '')}; Proxy: null)"
    )
    return _raised(f"Lambda.{name}", cause)


def _raised(error: str, cause: str) -> Raised:
    return Raised(error[:MAX_ERROR_CHARACTERS], cause[:MAX_CAUSE_CHARACTERS])
