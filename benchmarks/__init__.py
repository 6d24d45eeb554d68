"""Measurements: CPU per workflow of the engine, worker and PostgreSQL processes."""
