"""Which names of `/status` a run expected, saw and missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.refs import WorkerRef

FieldStatus = Literal["seen", "never seen", "vanished", "not observed"]


@dataclass(frozen=True, slots=True)
class Expected:
    """One name that somebody needs."""

    name: str
    needed_by: tuple[str, ...]
    """"field of System2", "proof of UI exploration", "read for gameplay"."""
    needed: bool
    """False: fine without it, an alias or a name that is read where it is there."""
    alternatives: tuple[str, ...] = ()
    """One of these does as well."""


@dataclass(frozen=True, slots=True)
class NameView:
    """One expected name in this run."""

    name: str
    needed_by: tuple[str, ...]
    needed: bool
    status: FieldStatus
    workers: tuple[WorkerRef, ...]
    """Who said it, in this run."""
    nearest: str | None = None
    """The unexpected name most like it that was seen, where it was not."""
    by_alias: str | None = None
    """The alias that was seen instead."""

    @property
    def missed(self) -> bool:
        """Is it needed, could it have been seen, and was never, under any name?"""
        return self.needed and self.status == "never seen" and self.by_alias is None


@dataclass(frozen=True, slots=True)
class ContractView:
    """The names of a run: expected, seen, never seen, unexpected."""

    answered: tuple[WorkerRef, ...]
    """The workers whose names were seen."""
    names: tuple[NameView, ...]
    """In the configuration's order, then what is read besides."""
    unexpected: tuple[str, ...]
    """Seen and not expected, sorted, a bounded number of them."""
    unexpected_more: bool = False
    """There are more than that."""

    @property
    def never_seen(self) -> tuple[NameView, ...]:
        """List the needed names that no worker ever said."""
        return tuple(name for name in self.names if name.missed)

    def nearest_to(self, field: str) -> str | None:
        """Return the seen name most like a field that was never seen."""
        return next((name.nearest for name in self.names if name.name == field and name.missed), None)
