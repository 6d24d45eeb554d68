"""A definition in YAML, read as the JSON that it stands for, with the place of everything.

Scalars mean what they mean in YAML 1.2 and in JSON: `yes` and `2024-01-01` are texts. Anchors
and merge keys may be used to say something once; tags (`!Sub` and its kind) may not, because
nobody resolves them here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from asl.payload import Json
from cli.places import Place, Places, member_pointer

MAX_DEPTH: Final = 300
MAX_NODES: Final = 500_000

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def _make_loader() -> Any:
    """Make the parser, the one in C where it is there, with the scalars of YAML 1.2."""
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    for kind, pattern, first in (
        ("null", "null|Null|NULL|~|", ["n", "N", "~", ""]),
        ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", _INTEGER.pattern, list("-+0123456789")),
        ("float", _FLOAT.pattern, list("-+.0123456789")),
        ("merge", "<<", ["<"]),
    ):
        loader.add_implicit_resolver(_TAG + kind, re.compile(f"(?:{pattern})$"), first)
    return loader


_Loader: Final = _make_loader()


class YamlError(ValueError):
    """A text that is no YAML, or YAML that stands for no JSON; says where."""

    def __init__(self, message: str, place: Place) -> None:
        """Take the sentence and the place."""
        super().__init__(message)
        self.place = place


@dataclass(slots=True)
class YamlText:
    """What a text stands for, and where."""

    value: Json
    places: Places


def read_yaml(text: str) -> YamlText:
    """Read a text; raise YamlError."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem), _place(mark)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlError(str(error).partition("\n")[0], Place(1, 1)) from None
    reading = _Reading()
    value = None if node is None else reading.value(node, "", 0)
    return YamlText(value, reading.places)


def _place(mark: Any) -> Place:
    return Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Reading:
    """Turns the nodes of one document into values."""

    places: dict[str, Place] = field(default_factory=dict)
    nodes: int = 0

    def value(self, node: yaml.Node, pointer: str, depth: int) -> Json:
        """Return what a node stands for; note its place where it has none yet."""
        self.places.setdefault(pointer, _place(node.start_mark))
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            message = "too deeply nested, or too much behind anchors"
            raise YamlError(message, _place(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._object(node, pointer, depth)
        if isinstance(node, yaml.SequenceNode):
            return self._array(node, pointer, depth)
        return _scalar(node)

    def _array(self, node: yaml.SequenceNode, pointer: str, depth: int) -> list[Json]:
        values: list[Json] = []
        for index, item in enumerate(node.value):
            values.append(self.value(item, f"{pointer}/{index}", depth + 1))
        return values

    def _object(
        self, node: yaml.MappingNode, pointer: str, depth: int
    ) -> dict[str, Json]:
        merged: dict[str, Json] = {}
        own: dict[str, Json] = {}
        for name_node, item in node.value:
            if name_node.tag == _MERGE:
                merged |= self._merged(item, pointer, depth)
                continue
            name = _name(name_node)
            inner = member_pointer(pointer, name)
            self.places[inner] = _place(name_node.start_mark)
            own[name] = self.value(item, inner, depth + 1)
        return merged | own

    def _merged(self, node: yaml.Node, pointer: str, depth: int) -> dict[str, Json]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Json] = {}
        for source in reversed(sources):
            found = self.value(source, pointer, depth + 1)
            if not isinstance(found, dict):
                raise YamlError("only mappings can be merged", _place(node.start_mark))
            merged |= found
        return merged


def _name(node: yaml.Node) -> str:
    """Return the name of a member; a number or a word like `null` is a name, too."""
    if not isinstance(node, yaml.ScalarNode):
        raise YamlError("a name must be a text", _place(node.start_mark))
    return str(node.value)


def _scalar(node: yaml.Node) -> Json:
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "str":
        return str(text)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return bool(text.lower() == "true")
    if kind == "int" and _INTEGER.fullmatch(text) and len(text) <= 4300:
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if kind in ("int", "float") and _FLOAT.fullmatch(text):
        return float(text)
    msg = f"a {node.tag} has no meaning here"
    raise YamlError(msg, _place(node.start_mark))
