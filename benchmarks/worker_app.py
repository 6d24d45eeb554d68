"""The measured function, served by a worker process."""

from __future__ import annotations

from stepwell import task


@task("measured")
def measured(_event: object) -> dict[str, object]:
    """Answer something small at once."""
    return {"status": "done", "code": 200}
