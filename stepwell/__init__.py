"""Stepwell for Python: serve functions to workflows, and start and follow executions."""
