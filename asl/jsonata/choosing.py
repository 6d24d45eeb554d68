"""Which engine evaluates: the one in Rust where it is installed."""

from __future__ import annotations

from typing import Final

from asl.jsonata.engine import Engine


def _choose() -> Engine:
    try:
        from asl.jsonata.rust import JlensEngine
    except ImportError:
        from asl.jsonata.python import PythonEngine

        return PythonEngine()
    return JlensEngine()


ENGINE: Final[Engine] = _choose()
