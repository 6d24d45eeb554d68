"""The operations on the AWS JSON 1.0 wire, health, metrics and the worker endpoints."""
