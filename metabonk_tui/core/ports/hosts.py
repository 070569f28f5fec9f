"""Declares the interface to the agent of another host."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from metabonk_tui.core.model.pool import Action, HostPlan, Plan
from metabonk_tui.core.model.sample import Event, Operation, PoolReading, Sample


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
    pool: PoolReading | None = None
    """The pool as the agent sees it, if it may act; None: not known."""
    refusal: str = ""
    """Why the agent does not act although this monitor may ask; "": it does, or it is only asked to read."""


class HostProgress(Struct, frozen=True):
    """How far an action on one host is."""

    operation: Operation | None = None
    events: tuple[Event, ...] | None = None
    """What it reports at its end; None: it is under way."""
    error: str = ""
    """Why this is not known, in the words of ssh; "": it is known."""


class HostReader(Protocol):
    """Asks the agent of one host for Samples. A failure is a value; every call ends within its own deadline."""

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


class HostLink(HostReader, Protocol):
    """Asks the agent of one host, also to act."""

    read_only: bool
    """Whether the configuration forbids every action there."""
    latest: HostAnswer
    """The newest answer to `read`."""

    async def plan(self, action: Action) -> HostPlan:
        """Ask what an action would do there; a failure is a refused plan."""
        ...

    async def act(self, part: HostPlan, shown: Plan) -> str:
        """Have that part of the plan that was shown carried out; return why not, "" when it has begun."""
        ...

    async def progress(self) -> HostProgress:
        """Ask how far the action is."""
        ...
