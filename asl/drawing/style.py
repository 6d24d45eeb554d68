"""The stylesheet of a picture: a theme of variables, light or dark as the reader's, and rules.

Whoever shows the picture may set the variables, and the classes `is-active`, `is-done`,
`is-failed` and `is-caught` on the group of a state, `is-taken` on that of an arrow.
"""

from __future__ import annotations

import re
from typing import Final

_LIGHT: Final = {
    "paper": "#ffffff",
    "ink": "#17202e",
    "soft": "#566172",
    "line": "#7d8899",
    "box": "#ffffff",
    "tint": "#f4f6fa",
    "rim": "#c9d0db",
    "task": "#1d5fd1",
    "pass": "#5a6678",
    "choice": "#a8560a",
    "wait": "#7440c9",
    "succeed": "#14793a",
    "fail": "#c02626",
    "parallel": "#0b7569",
    "map": "#0a6f8c",
    "catch": "#c02626",
    "active": "#1d5fd1",
}
_DARK: Final = {
    "paper": "#12161d",
    "ink": "#e8ecf2",
    "soft": "#a0abbb",
    "line": "#7f8b9d",
    "box": "#1b212b",
    "tint": "#161b24",
    "rim": "#394353",
    "task": "#77a7f7",
    "pass": "#a5b0c0",
    "choice": "#eaa75b",
    "wait": "#b79af0",
    "succeed": "#63c98a",
    "fail": "#f28383",
    "parallel": "#56c7b8",
    "map": "#5cbddb",
    "catch": "#f28383",
    "active": "#77a7f7",
}
_RULES: Final = """
.sw text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; fill: $ink; }
.sw .sw-name { font-size: 13px; font-weight: 600; }
.sw .sw-detail, .sw .sw-caption { font-size: 11px; fill: $soft; }
.sw .sw-rule { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 11px; fill: $choice; }
.sw path { fill: none; stroke-linejoin: round; stroke-linecap: round; }
.sw .sw-paper { fill: $paper; }
.sw .sw-frame { fill: $tint; stroke: $rim; stroke-width: 1; stroke-dasharray: 2 3; }
.sw .sw-shape { fill: $box; stroke-width: 1.5; stroke: $ink; }
.sw .sw-sheet { stroke-width: 1.2; stroke: $map; }
.sw .sw-icon { stroke-width: 1.5; stroke: $ink; }
.sw .sw-retry { stroke-width: 1.3; stroke: $soft; }
.sw .sw-start > .sw-shape, .sw .sw-dot { fill: $ink; stroke: none; }
.sw .sw-end > .sw-shape { stroke: $ink; }
.sw .sw-line { stroke: $line; stroke-width: 1.4; }
.sw .sw-head { fill: $line; stroke: $line; stroke-width: 1; }
.sw .sw-centred { text-anchor: middle; }
.sw .sw-label { fill: $paper; stroke: none; }
.sw .sw-scope .sw-label { fill: $tint; }
.sw .sw-catch > .sw-line { stroke: $catch; stroke-dasharray: 5 4; }
.sw .sw-catch > .sw-head { fill: $catch; stroke: $catch; }
.sw .sw-catch text { fill: $catch; }
.sw .sw-default text { font-style: italic; }
.sw .sw-unknown > .sw-shape { stroke-dasharray: 4 3; }
.sw .is-active > .sw-shape { stroke: $active; stroke-width: 3; }
.sw .is-done > .sw-shape { stroke: $succeed; stroke-width: 2.5; }
.sw .is-failed > .sw-shape, .sw .is-caught > .sw-shape { stroke: $fail; stroke-width: 2.5; }
.sw .is-taken > .sw-line { stroke-width: 2.6; }
"""
_KINDS: Final = ("task", "pass", "choice", "wait", "succeed", "fail", "parallel", "map")
_NAME: Final = re.compile(r"([\w-]+): ([^;{}]*)\$(\w+);")


def _with_fallback(match: re.Match[str]) -> str:
    """Say a colour twice: for programs that know no variables, the light one comes first."""
    prop, before, name = match.groups()
    return f"{prop}: {before}{_LIGHT[name]}; {prop}: {before}var(--sw-{name});"


def _theme(colours: dict[str, str]) -> str:
    listed = " ".join(f"--sw-{name}: {value};" for name, value in colours.items())
    return f".sw {{ {listed} }}"


def _sheet() -> str:
    kinds = "\n".join(
        f".sw .sw-{kind} > .sw-shape, .sw .sw-{kind} > .sw-icon {{ stroke: ${kind}; }}"
        for kind in _KINDS
    )
    head, marker, tail = _RULES.partition(".sw .sw-unknown")
    rules = _NAME.sub(_with_fallback, f"{head}{kinds}\n{marker}{tail}".strip())
    dark = f"@media (prefers-color-scheme: dark) {{ {_theme(_DARK)} }}"
    return f"{_theme(_LIGHT)}\n{dark}\n{rules}"


STYLESHEET: Final = _sheet()
