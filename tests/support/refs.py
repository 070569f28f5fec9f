"""Short names of workers for tests."""

from __future__ import annotations

from metabonk_tui.core.model.refs import WorkerRef


def w(slot: int, host: str = "") -> WorkerRef:
    """Name a worker by its slot, of the only host unless another is given."""
    return WorkerRef(host, slot)
