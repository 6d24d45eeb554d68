"""JSONata as a query language."""

from __future__ import annotations

from asl.jsonpath.language import JsonPath


class Jsonata(JsonPath):
    """Placeholder until the next commit."""

    name = "JSONata"
