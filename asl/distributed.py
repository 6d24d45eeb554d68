"""The fields of a distributed Map: its reader, batcher, writer and label.

They are read and judged here, and the variables in them noted; what runs them compiles them
where it needs them.
"""

from __future__ import annotations

import re
from typing import Final

from asl.fields import Fields
from asl.language import QueryLanguage
from asl.model import ProcessorMode
from asl.report import Code

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


def check_distributed(
    fields: Fields, mode: ProcessorMode, language: QueryLanguage
) -> None:
    """Report what is wrong with the fields of a Map that only the distributed mode runs."""
    if mode is not ProcessorMode.DISTRIBUTED:
        for name in _ONLY_DISTRIBUTED:
            if name in fields:
                fields.refuse(name, f"Field '{name}' is not supported")
    _check_label(fields)
    _check_reader(fields.object("ItemReader"), language)
    _check_batcher(fields.object("ItemBatcher"), language)
    _check_writer(fields.object("ResultWriter"), language)


def _check_label(fields: Fields) -> None:
    label = fields.text("Label")
    if label is None:
        return
    trouble = ""
    if not label:
        trouble = "Label cannot be empty"
    elif len(label) > MAX_LABEL:
        trouble = f"Label cannot exceed {MAX_LABEL} characters"
    elif _ILLEGAL_IN_LABEL.search(label):
        trouble = f"Label contains invalid characters: '{label}'"
    if trouble:
        fields.refuse("Label", trouble, Code.INVALID_LABEL_NAME)


def _check_reader(reader: Fields | None, language: QueryLanguage) -> None:
    if reader is None:
        return
    call = _CALL_FIELD[language.name]
    reader.allow({"Resource", "ReaderConfig", "Comment", call})
    reader.require("Resource")
    reader.text("Resource")
    language.payload(reader, call)
    config = reader.object("ReaderConfig")
    if config is None:
        return
    config.allow(_READER_FIELDS)
    _check_choices(config, _CHOICES)
    config.texts("CSVHeaders")
    config.text("ItemsPointer")
    language.amount(config, "MaxItems", MAX_ITEMS)


def _check_batcher(batcher: Fields | None, language: QueryLanguage) -> None:
    if batcher is None:
        return
    amounts = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")
    paths = {f"{name}Path" for name in amounts}
    batcher.allow({*amounts, *paths, "BatchInput", "Comment"})
    if not {*amounts, *paths} & batcher.values.keys():
        listed = ", ".join(amounts)
        message = f"At least one of these fields is required: [{listed}]"
        batcher.report.error(message, batcher.location)
    language.amount(batcher, "MaxItemsPerBatch", MAX_ITEMS)
    language.amount(batcher, "MaxInputBytesPerBatch", MAX_BATCH_BYTES)
    language.payload(batcher, "BatchInput")


def _check_writer(writer: Fields | None, language: QueryLanguage) -> None:
    if writer is None:
        return
    call = _CALL_FIELD[language.name]
    writer.allow({"Resource", "WriterConfig", "Comment", call})
    writer.text("Resource")
    language.payload(writer, call)
    config = writer.object("WriterConfig")
    if config is not None:
        config.allow(_WRITER_CHOICES.keys())
        _check_choices(config, _WRITER_CHOICES)


def _check_choices(config: Fields, choices: dict[str, tuple[str, ...]]) -> None:
    for name, allowed in choices.items():
        value = config.text(name)
        if value is not None and value not in allowed:
            listed = ", ".join(allowed)
            config.refuse(name, f"Value is not one of: [{listed}]")
