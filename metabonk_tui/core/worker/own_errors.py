"""Reads what a worker reports as its own error. Does not: judge how grave it is."""

from __future__ import annotations

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.status.decode import text

OWN_ERRORS = ("last_error", "streamer_last_error", "stream_error", "fifo_stream_last_error")


def own_error_of(status: WorkerStatus) -> str | None:
    """Return the first error that a status has, as "field: message"; None without one."""
    if any(map(status.fields.get, OWN_ERRORS)):
        for name in OWN_ERRORS:
            if message := text(status, name):
                return f"{name}: {message}"
    return None
