"""The definition in a file, JSON or YAML: its text, what is wrong with it, and where."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.errors import CommandError
from cli.inputs import read_text
from cli.jsonplaces import json_places
from cli.places import Place, Places, nearest

if TYPE_CHECKING:
    from asl.report import Diagnostic
    from asl.validate import MachineType

STDIN: Final = "-"
ENDINGS: Final = (".json", ".yaml", ".yml")
_YAML_ENDINGS: Final = (".yaml", ".yml")
_INVALID_YAML: Final = "INVALID_YAML_DESCRIPTION"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a file."""

    file: str
    place: Place
    severity: str
    code: str
    message: str
    pointer: str

    @property
    def is_error(self) -> bool:
        """Whether it refuses the definition."""
        return self.severity == "ERROR"

    def __str__(self) -> str:
        """Write it as compilers do, so that editors find the place."""
        at = f"{self.file}:{self.place.line}:{self.place.column}"
        message = self.message.partition("\n")[0]
        where = f" (at {self.pointer})" if self.pointer else ""
        return f"{at}: {self.severity.lower()} {self.code}: {message}{where}"


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """One file that was read; `json` is None where its YAML is none."""

    name: str
    json: str | None
    places: Places | None = None
    trouble: Finding | None = None

    def findings(self, machine_type: MachineType | None = None) -> list[Finding]:
        """Return everything that is wrong with the definition, in the file's order."""
        from asl.validate import MachineType, validate

        if self.json is None:
            return [] if self.trouble is None else [self.trouble]
        found = validate(self.json, machine_type or MachineType.STANDARD)
        places = self._places(found)
        listed = [self._finding(each, places) for each in found]
        return sorted(listed, key=lambda finding: finding.place)

    def require_valid(self) -> str:
        """Return the definition as JSON; print what refuses it, and raise, if something does."""
        refused_by(self.findings())
        assert self.json is not None, "what cannot be read has a finding"
        return self.json

    def _places(self, found: Sequence[Diagnostic]) -> Places:
        if self.places is not None:
            return self.places
        is_json = not any(each.place is not None for each in found)
        if not is_json or self.json is None or not self.json.strip():
            return {}  # its one finding knows its place, or has none
        return json_places(self.json, [each.pointer for each in found])

    def _finding(self, found: Diagnostic, places: Places) -> Finding:
        place = nearest(found.pointer, places)
        if found.place is not None:
            place = Place(*found.place)
        return Finding(
            self.name, place, found.severity, found.code, found.message, found.pointer
        )


def refused_by(findings: Iterable[Finding]) -> None:
    """Print the errors among findings to stderr, and raise if there are any."""
    errors = [finding for finding in findings if finding.is_error]
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        msg = f"{errors[0].file} is no valid definition"
        raise CommandError(msg)


def read_definition(given: str) -> DefinitionFile:
    """Read a file, or standard input for `-`; its ending, or else its text, says what it is."""
    text = sys.stdin.read() if given == STDIN else read_text(Path(given))
    if given.endswith(_YAML_ENDINGS) or (
        not given.endswith(".json") and not _looks_like_json(text)
    ):
        return _of_yaml(given, text)
    return DefinitionFile(given, text)


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[", '"', "")


def _of_yaml(name: str, text: str) -> DefinitionFile:
    from asl.errors import PayloadError
    from asl.jsontext import dumps
    from cli.yamltext import YamlError, read_yaml  # loads the parser

    try:
        read = read_yaml(text)
        return DefinitionFile(name, dumps(read.value), read.places)
    except YamlError as error:
        place, message = error.place, str(error)
    except PayloadError as error:
        place, message = Place(1, 1), str(error)
    trouble = Finding(name, place, "ERROR", _INVALID_YAML, message, "")
    return DefinitionFile(name, None, trouble=trouble)
