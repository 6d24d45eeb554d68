"""The fields of a distributed Map: its reader, batcher, writer and label.

What a reader or a writer passes to its service is only judged, and the variables in it
noted: nothing here runs it.
"""

from __future__ import annotations

import re
from typing import Final

from asl.fields import Fields
from asl.language import QueryLanguage
from asl.model import (
    Batcher,
    Distribution,
    ExecutionType,
    ProcessorMode,
    Transformation,
)
from asl.report import Code
from asl.resources import parse_resource

MAX_LABEL: Final = 40
MAX_ITEMS: Final = 100_000_000
MAX_BATCH_BYTES: Final = 262_144

_CALL_FIELD: Final = {"JSONPath": "Parameters", "JSONata": "Arguments"}
_ONLY_DISTRIBUTED: Final = ("ItemReader", "ItemBatcher", "ResultWriter")
_ILLEGAL_IN_LABEL: Final = re.compile(
    r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]"
)
_CHOICES: Final = {
    "InputType": ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"),
    "CSVHeaderLocation": ("FIRST_ROW", "GIVEN"),
    "CSVDelimiter": ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
    "ManifestType": ("ATHENA_DATA", "S3_INVENTORY"),
    "Transformation": ("NONE", "LOAD_AND_FLATTEN"),
}
_WRITER_CHOICES: Final = {
    "OutputType": ("JSON", "JSONL"),
    "Transformation": ("NONE", "COMPACT", "FLATTEN"),
}
_READER_FIELDS: Final = frozenset(
    {*_CHOICES, "CSVHeaders", "MaxItems", "MaxItemsPath", "ItemsPointer"}
)


def read_distribution(
    fields: Fields,
    mode: ProcessorMode,
    execution_type: ExecutionType,
    language: QueryLanguage,
) -> Distribution | None:
    """Read what only a distributed Map has; None for an inline one, which must not have it."""
    is_distributed = mode is ProcessorMode.DISTRIBUTED
    if not is_distributed:
        for name in _ONLY_DISTRIBUTED:
            if name in fields:
                fields.refuse(name, f"Field '{name}' is not supported")
    writer = fields.object("ResultWriter")
    distribution = Distribution(
        execution_type=execution_type,
        label=_label(fields),
        reader=_reader(fields.object("ItemReader"), language),
        batcher=_batcher(fields.object("ItemBatcher"), language),
        writer=_writer(writer, language),
        transformation=_transformation(writer),
    )
    return distribution if is_distributed else None


def _label(fields: Fields) -> str | None:
    label = fields.text("Label")
    if label is None:
        return None
    trouble = ""
    if not label:
        trouble = "Label cannot be empty"
    elif len(label) > MAX_LABEL:
        trouble = f"Label cannot exceed {MAX_LABEL} characters"
    elif _ILLEGAL_IN_LABEL.search(label):
        trouble = f"Label contains invalid characters: '{label}'"
    if trouble:
        fields.refuse("Label", trouble, Code.INVALID_LABEL_NAME)
    return label


def _reader(reader: Fields | None, language: QueryLanguage) -> str | None:
    if reader is None:
        return None
    call = _CALL_FIELD[language.name]
    reader.allow({"Resource", "ReaderConfig", "Comment", call})
    reader.require("Resource")
    language.payload(reader, call)
    config = reader.object("ReaderConfig")
    if config is not None:
        _check_reader_config(config, language)
    return _resource(reader)


def _resource(fields: Fields) -> str | None:
    arn = fields.text("Resource")
    if arn is not None and parse_resource(arn) is None:
        fields.refuse("Resource", "Value is not a valid resource ARN")
    return arn


def _check_reader_config(config: Fields, language: QueryLanguage) -> None:
    config.allow(_READER_FIELDS)
    _check_choices(config, _CHOICES)
    config.texts("CSVHeaders")
    config.text("ItemsPointer")
    language.amount(config, "MaxItems", MAX_ITEMS)


def _batcher(batcher: Fields | None, language: QueryLanguage) -> Batcher | None:
    if batcher is None:
        return None
    amounts = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")
    paths = {f"{name}Path" for name in amounts}
    batcher.allow({*amounts, *paths, "BatchInput", "Comment"})
    if not {*amounts, *paths} & batcher.values.keys():
        listed = ", ".join(amounts)
        message = f"At least one of these fields is required: [{listed}]"
        batcher.report.error(message, batcher.location)
    return Batcher(
        max_items=language.amount(batcher, "MaxItemsPerBatch", MAX_ITEMS),
        max_bytes=language.amount(batcher, "MaxInputBytesPerBatch", MAX_BATCH_BYTES),
        batch_input=language.payload(batcher, "BatchInput"),
    )


def _writer(writer: Fields | None, language: QueryLanguage) -> str | None:
    if writer is None:
        return None
    call = _CALL_FIELD[language.name]
    writer.allow({"Resource", "WriterConfig", "Comment", call})
    language.payload(writer, call)
    if not {"Resource", "WriterConfig"} & writer.values.keys():
        message = "At least one of these fields is required: [Resource, WriterConfig]"
        writer.report.error(message, writer.location)
    return _resource(writer)


def _transformation(writer: Fields | None) -> Transformation:
    """Read how results are shown; without a word on it, as their outputs alone."""
    config = None if writer is None else writer.object("WriterConfig")
    if config is None:
        return Transformation.COMPACT
    config.allow(_WRITER_CHOICES.keys())
    _check_choices(config, _WRITER_CHOICES)
    chosen = config.raw("Transformation")
    found = [each for each in Transformation if each == chosen]
    return found[0] if found else Transformation.COMPACT


def _check_choices(config: Fields, choices: dict[str, tuple[str, ...]]) -> None:
    for name, allowed in choices.items():
        config.choice(name, allowed)
