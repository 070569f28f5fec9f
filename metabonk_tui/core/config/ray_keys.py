"""Types the keys of `[pool.ray]`. Does not: judge them, `core.config.ray` does."""

from __future__ import annotations

from metabonk_tui.core.config.section import ConfigSection, NotNegative


class RayConfig(ConfigSection, frozen=True, kw_only=True):
    """How the ray backend runs the workers, one detached actor each."""

    command: list[str]
    address: str
    namespace: str
    python: str
    token_file: str
    """"": the cluster has no token."""
    cpus: NotNegative
    gpus: NotNegative
    memory_gb: NotNegative
    """0: `memory.worker_gb`."""
    program: list[str]
    """What runs this program on a node; empty: the Python of this monitor."""
