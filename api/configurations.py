"""Logging, tracing and encryption configurations: checked, and with their defaults."""

from __future__ import annotations

from typing import Any, Final

from api.errors import InvalidEncryptionConfiguration, InvalidLoggingConfiguration
from api.requests import Structure

_OFF: Final = "OFF"
_OWN_KEY: Final = "AWS_OWNED_KEY"


def logging_configuration(given: Structure | None) -> dict[str, Any]:
    """Return what is logged where; whoever logs names exactly one destination."""
    configuration = {"level": _OFF, "includeExecutionData": False, **(given or {})}
    destinations = configuration.get("destinations")
    count = len(destinations) if isinstance(destinations, list) else 0
    if count > 1 or (count == 0 and configuration["level"] != _OFF):
        raise InvalidLoggingConfiguration(
            "Invalid Logging Configuration: Must specify exactly one Log Destination."
        )
    return configuration


def tracing_configuration(given: Structure | None) -> dict[str, Any]:
    """Return whether executions are traced."""
    return {"enabled": False, **(given or {})}


def encryption_configuration(given: Structure | None) -> dict[str, Any]:
    """Return whose key encrypts; a customer's key has a name."""
    configuration = {"type": _OWN_KEY, **(given or {})}
    if (configuration["type"] != _OWN_KEY) != ("kmsKeyId" in configuration):
        raise InvalidEncryptionConfiguration(
            "Invalid Encryption Configuration: a customer managed key has a kmsKeyId,"
            " and no other key has one."
        )
    return configuration
