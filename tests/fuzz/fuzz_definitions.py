"""Fuzz the parser and the validator with atheris: `make fuzz SECONDS=600`.

Texts are mutated by what of the code they reach. A crash is any exception, a definition that
validation passes and the compiler refuses, or one that takes longer than a second.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.conformance.definitions import definitions

# Not among the dependencies: `make fuzz` installs it.
atheris: Final[Any] = import_module("atheris")

with atheris.instrument_imports(include=["asl", "cli"]):
    from asl.drawing.svg import render_svg
    from asl.errors import DefinitionError, PayloadError
    from asl.jsontext import loads
    from asl.parse import parse_machine
    from asl.validate import MachineType, validate
    from cli.definitionfile import DefinitionFile
    from cli.yamltext import YamlError, read_yaml

LONGEST: Final = 1.0
FIELDS: Final = (
    *("Type", "Next", "End", "Default", "Choices", "Variable", "And", "Or", "Not"),
    *("Condition", "Parameters", "ResultSelector", "Assign", "Output", "Arguments"),
    *("Items", "ItemsPath", "ItemReader", "ItemBatcher", "ResultWriter", "Label"),
    *("MaxConcurrency", "TimeoutSecondsPath", "Retry", "Catch", "ErrorEquals"),
    *("QueryLanguage", "ItemProcessor", "ProcessorConfig", "Seconds", "Timestamp"),
    *("StringEquals", "NumericLessThanPath", "IsPresent", "a.$", "Comment", "Cause"),
)  # fmt: skip
WORDS: Final = (
    *("$", "$$", ".", "..", "[", "]", "[?(", ")", "'", '"', "\\", "*", ",", ":", "-1"),
    *("{%", "%}", "States.Format(", "States.Array(", "{}", " ", "\x00", "\ud800", "é"),
    *("99999999999999999999", "@", "length()", "function(", "~>", "/", "^", "|", "#"),
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**400), "", "$", "$.a", "$$", "A"),
    *("{% $x %}", "{% ( %}", "States.UUID()", "JSONata", "JSONPath", "DISTRIBUTED"),
    *([], {}, [{}], [[]], {"a.$": "$"}, ["States.ALL"], "2020-01-01T00:00:00Z"),
)  # fmt: skip


def judge(data: bytes) -> None:
    """Do everything with a text that a user may do with a definition."""
    text = data.decode(errors="replace")
    machine_type = list(MachineType)[len(data) % 2]
    began = time.process_time()
    findings = validate(text, machine_type)
    assert time.process_time() - began < LONGEST, "too long"
    is_good = not any(found.severity == "ERROR" for found in findings)
    if is_good:
        compile_good(text)
    if len(text) < 4096:
        draw(text)
        DefinitionFile("fuzz", text).findings(machine_type)
        read_as_yaml(text)


def compile_good(text: str) -> None:
    """Compile what validation let pass."""
    try:
        parse_machine(text)
    except DefinitionError as error:
        msg = f"validation let pass what the compiler refuses: {error}"
        raise AssertionError(msg) from error


def draw(text: str) -> None:
    """Draw whatever is an object."""
    try:
        definition = loads(text)
    except PayloadError:
        return
    if isinstance(definition, dict):
        render_svg(definition, "fuzz")


def read_as_yaml(text: str) -> None:
    """Read it as YAML, which most texts are."""
    with suppress(YamlError):
        read_yaml(text)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change a text: mostly a value within its JSON, at times its bytes."""
    chance = Random(seed)
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if value is None or chance.random() < 0.2:
        mutated: bytes = atheris.Mutate(data, most)
        return mutated
    for _ in range(chance.randint(1, 3)):
        value = _changed(value, chance)
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode(
        errors="replace"
    )[:most]


def _changed(value: Any, chance: Random) -> Any:
    """Replace, rename, double or remove one value, at any depth."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        changed = {**value, name: _changed(value[name], chance)}
        if chance.random() < 0.15:
            changed[chance.choice(FIELDS)] = changed.pop(name)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        inner = [_changed(value[index], chance)] * chance.choice((0, 1, 1, 1, 2))
        return [*value[:index], *inner, *value[index + 1 :]]
    if isinstance(value, str) and value and chance.random() < 0.5:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(WORDS) + value[at + chance.randrange(3) :]
    return chance.choice(VALUES)


def sow(corpus: Path) -> None:
    """Put the definitions of the conformance cases into the folder of texts to begin with."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, definition in definitions():
        text = json.dumps(definition).encode()
        (corpus / f"{name}-{zlib.crc32(text):08x}.json").write_bytes(text)


def main() -> None:
    """Run until the time is over; the first argument is a folder, the rest libFuzzer's."""
    folder = Path(sys.argv[1])
    sow(folder / "corpus")
    words = [sys.argv[0], str(folder / "corpus"), f"-artifact_prefix={folder}/"]
    atheris.Setup([*words, *sys.argv[2:]], judge, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
