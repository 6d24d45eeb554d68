"""The table of routes: what a policy must allow to whoever asks for a path.

A path that is not here is refused, whatever is served there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.access.actions import CLAIM_TASKS, READ_METRICS

# Open to everybody: for whoever supervises the process, and it tells nothing of the work.
OPEN: Final = "open"
# Every operation has an action of its own: see `actions.py`.
BY_OPERATION: Final = "states:*"

ROUTES: Final[Mapping[str, str]] = {
    "/": BY_OPERATION,
    "/healthz": OPEN,
    "/readyz": OPEN,
    "/version": OPEN,
    "/metrics": READ_METRICS,
    "/stepwell/v1/worker/poll": CLAIM_TASKS,
    "/stepwell/v1/worker/report": CLAIM_TASKS,
    "/stepwell/v1/worker/bye": CLAIM_TASKS,
}

# Also open to who says a key's secret, by HTTP Basic, instead of signing with it.
SCRAPED: Final = frozenset({"/metrics"})
