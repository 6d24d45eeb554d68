"""What services answer, from botocore's API models, read as data.

A Task names a service as the SDK for Java does (`aws-sdk:cloudwatchlogs`), an optimised
integration by a name of its own; botocore's folders have other names again. What all have in
common is the serviceId that a model states about itself, so the heads of all models are read
once, when the first mock is checked. Step Functions writes the members of an answer with a
capital letter.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import orjson

from runtime.teststate.results import ResultModel, ResultShape

_SDK_PREFIX: Final = "aws-sdk:"
_HEAD_BYTES: Final = 8_192
_SERVICE_ID: Final = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')
_REMEMBERED: Final = 8
# Optimised integrations whose name is not the serviceId.
_OPTIMISED: Final[Mapping[str, str]] = {
    "states": "sfn",
    "events": "eventbridge",
    "elasticmapreduce": "emr",
    "emr-containers": "emrcontainers",
    "emr-serverless": "emrserverless",
    "bedrock": "bedrockruntime",
}
# Members that optimised integrations give as JSON, whatever the API says.
_JSON_MEMBERS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("lambda", "invoke"): frozenset({"Payload"}),
    ("bedrock", "invokeModel"): frozenset({"Body"}),
    ("states", "describeExecution"): frozenset({"Input", "Output"}),
}
_ANYTHING: Final = ResultShape(kind="anything")


class BotocoreModels:
    """The models of all services that botocore knows."""

    def result_model(self, service: str, action: str) -> ResultModel | None:
        """Return the model of what an integration yields; None where none is known."""
        wanted = service.removeprefix(_SDK_PREFIX)
        if wanted == service:
            wanted = _OPTIMISED.get(service, service)
        service_id = _normal(wanted)
        if service_id not in _folders():
            return None
        document = _document(service_id)
        operation = document["operations"].get(action[:1].upper() + action[1:])
        if operation is None or "output" not in operation:
            return None
        return _model(document, operation["output"]["shape"], service, action)


def _model(
    document: dict[str, Any], root: str, service: str, action: str
) -> ResultModel:
    as_json = _JSON_MEMBERS.get((service, action), frozenset())

    def shape(name: str) -> ResultShape:
        if not name:
            return _ANYTHING
        return _shape(
            document["shapes"][name], as_json if name == root else frozenset()
        )

    return ResultModel(root, shape)


def _shape(entry: dict[str, Any], as_json: frozenset[str]) -> ResultShape:
    if entry.get("document"):
        return _ANYTHING
    members = {
        _capital(name): reference["shape"]
        for name, reference in entry.get("members", {}).items()
    }
    item = entry.get("member") or entry.get("value") or {}
    return ResultShape(
        kind=entry["type"],
        members={**members, **dict.fromkeys(as_json & members.keys(), "")},
        required=frozenset(_capital(name) for name in entry.get("required", ())),
        item=item.get("shape", ""),
        enum=frozenset(entry.get("enum", ())),
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _folders() -> Mapping[str, Traversable]:
    """Find the newest version of every model, by its serviceId."""
    services = files("botocore").joinpath("data").iterdir()
    newest = (_newest(service) for service in services if service.is_dir())
    return {_service_id(folder): folder for folder in newest if folder is not None}


def _newest(service: Traversable) -> Traversable | None:
    versions = [entry for entry in service.iterdir() if _model_file(entry) is not None]
    return max(versions, key=lambda entry: entry.name, default=None)


def _model_file(folder: Traversable) -> Traversable | None:
    if not folder.is_dir():
        return None
    for name in ("service-2.json.gz", "service-2.json"):
        file = folder.joinpath(name)
        if file.is_file():
            return file
    return None


def _service_id(folder: Traversable) -> str:
    file = _model_file(folder)
    assert file is not None, "folders without a model were left out"
    with file.open("rb") as packed:
        if file.name.endswith(".gz"):
            with gzip.open(packed) as unpacked:
                head = unpacked.read(_HEAD_BYTES)
        else:
            head = packed.read(_HEAD_BYTES)
    stated = _SERVICE_ID.search(head)
    return "" if stated is None else _normal(stated[1].decode())


@lru_cache(maxsize=_REMEMBERED)
def _document(service_id: str) -> dict[str, Any]:
    file = _model_file(_folders()[service_id])
    assert file is not None, "folders without a model were left out"
    data = file.read_bytes()
    text = gzip.decompress(data) if file.name.endswith(".gz") else data
    document: dict[str, Any] = orjson.loads(text)
    return document
