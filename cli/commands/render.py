"""Draw a definition: as SVG, or as a Mermaid flowchart.

FILE is JSON or YAML; `-` is standard input. The ending of the output says what is drawn: `.svg`,
or `.mmd` for Mermaid; without -o, SVG goes to standard output. A definition with errors is
drawn as far as it can be, after the errors are said.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asl.payload import Json

_MERMAID_ENDINGS: Final = (".mmd", ".mermaid")
_ENDINGS: Final = (".svg", *_MERMAID_ENDINGS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "file", metavar="FILE", help="a definition; - is standard input"
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="OUT.svg or OUT.mmd (SVG, to stdout)"
    )


def run(options: argparse.Namespace) -> int:
    """Draw the definition."""
    from cli.errors import UsageError

    output = options.output
    if output is not None and not output.endswith(_ENDINGS):
        msg = f"{output} must end with {' or '.join(_ENDINGS)}"
        raise UsageError(msg)
    definition = _read(options.file)
    if output is not None and output.endswith(_MERMAID_ENDINGS):
        from asl.drawing.mermaid import render_mermaid

        drawn = render_mermaid(definition)
    else:
        from asl.drawing.svg import render_svg

        drawn = render_svg(definition, _title(options.file, definition))
    _write(output, drawn)
    return 0


def _read(given: str) -> dict[str, Json]:
    """Return the definition, after saying what is wrong with it."""
    from asl.errors import PayloadError
    from asl.jsontext import loads
    from cli.definitionfile import read_definition
    from cli.errors import CommandError

    file = read_definition(given)
    for finding in file.findings():
        if finding.is_error:
            print(finding, file=sys.stderr)
    try:
        definition = None if file.json is None else loads(file.json)
    except PayloadError:
        definition = None
    if not isinstance(definition, dict):
        msg = f"{given} holds nothing to draw"
        raise CommandError(msg)
    return definition


def _title(given: str, definition: dict[str, Json]) -> str:
    from cli.inputs import machine_name

    comment = definition.get("Comment")
    name = machine_name(Path(given))
    return f"{name}: {comment}" if isinstance(comment, str) and comment else name


def _write(output: str | None, drawn: str) -> None:
    from cli.errors import CommandError

    if output is None:
        sys.stdout.write(drawn)
        return
    try:
        Path(output).write_text(drawn, "utf-8")
    except OSError as error:
        msg = f"cannot write {output}: {error}"
        raise CommandError(msg) from None
