"""Declares the interface to the agent of another host."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from metabonk_tui.core.model.sample import Sample


class HostAnswer(Struct, frozen=True):
    """One answer of a host's agent, or why there is none."""

    sample: Sample | None = None
    """Its workers and readings under the host's name; times are real, on this machine's clock. None: no answer."""
    error: str = ""
    """Why there is no answer, cleaned; "": there is one."""
    notes: tuple[str, ...] = ()
    """What is wrong with the answer: another version, a part that could not be read."""
    version: str = ""
    skew: str = ""
    delay_s: float | None = None
    """The round trip without the agent's own work."""
    took_s: float = 0.0
    """Seconds from the request to the whole answer."""


class HostLink(Protocol):
    """Asks the agent of one host. A failure is a value; every call ends within the link's own deadline."""

    workers: int
    """How many workers are wanted there."""

    async def read(self, fresh: bool = False) -> HostAnswer:
        """Connect if there is no connection, and ask for one Sample; `fresh`: search for new processes at once."""
        ...

    def resend_all(self) -> None:
        """Ask with the next read for everything that is sent only on change."""
        ...

    async def aclose(self) -> None:
        """End the connection, and with it the agent."""
        ...
