"""The commands, and the one place that builds the object graph."""
