"""What a test of a state can be refused for."""

from __future__ import annotations


class RefusedTrialError(Exception):
    """The mock, context or configuration does not fit the state; `str()` tells how."""


class UnsupportedStateError(Exception):
    """The state cannot be tested so; `str()` tells which can."""
