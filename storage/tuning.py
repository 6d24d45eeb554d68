"""Settings of the embedded server: for a small machine, and never unsafe.

They are written into the data folder at every start and read after PostgreSQL's own
configuration file, so that a new release improves old folders; `ALTER SYSTEM` wins
over both.
"""

import os
from collections.abc import Mapping
from typing import Final

MEBIBYTE: Final = 1024 * 1024

SAFETY: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}

CONVENIENCE: Final = {
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%a ",
}

# Few checkpoints and compressed page images: the log is append-mostly, and what
# little is updated (timers, tasks, inbox) is updated all the time.
THROUGHPUT: Final = {
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_cost_delay": "1ms",
}


def tuned_settings(memory_bytes: int) -> dict[str, str]:
    """Return the settings for a machine with so much memory."""
    shared = min(max(memory_bytes // 8, 64 * MEBIBYTE), 256 * MEBIBYTE)
    memory = {"shared_buffers": f"{shared // MEBIBYTE}MB"}
    return SAFETY | CONVENIENCE | THROUGHPUT | memory


def machine_memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def render_settings(settings: Mapping[str, str]) -> str:
    """Return the text of a configuration file."""
    lines = [f"{name} = '{value}'" for name, value in sorted(settings.items())]
    return "\n".join(["# Rewritten at every start; use ALTER SYSTEM.", *lines, ""])
