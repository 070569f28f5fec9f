"""Declares which names of `/status` a run expected, saw and missed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef

FieldStatus = Literal["seen", "never seen", "vanished", "not observed"]


class Expected(Struct, frozen=True):
    """One name of `/status` that a component, a proof or the monitor reads."""

    name: str
    needed_by: tuple[str, ...]
    """"field of System2", "proof of UI exploration", "read for gameplay"."""
    needed: bool
    """False: optional, either an alias or a name that is read only where present."""
    alternatives: tuple[str, ...] = ()
    """Any of these names can replace it."""


class NameView(Struct, frozen=True):
    """One expected name in this run."""

    name: str
    needed_by: tuple[str, ...]
    needed: bool
    status: FieldStatus
    workers: tuple[WorkerRef, ...]
    """Who said it, in this run."""
    nearest: str | None = None
    """For a name never seen: the most similar unexpected name that was seen."""
    by_alias: str | None = None
    """The alias that was seen instead."""

    @property
    def missed(self) -> bool:
        """Whether the name is needed and observable, but no worker sent it or its alias."""
        return self.needed and self.status == "never seen" and self.by_alias is None


class ContractView(Struct, frozen=True):
    """The names of `/status` in one run: expected, seen, never seen, unexpected."""

    answered: tuple[WorkerRef, ...]
    """The workers whose names were seen."""
    names: tuple[NameView, ...]
    """The configured names in the configuration's order, then the other names that the monitor reads."""
    unexpected: tuple[str, ...]
    """Names that were seen but not expected: sorted and limited in number."""
    unexpected_more: bool = False
    """True: more unexpected names were seen than `unexpected` lists."""

    @property
    def never_seen(self) -> tuple[NameView, ...]:
        """Return the needed names that no worker sent."""
        return tuple(name for name in self.names if name.missed)

    def nearest_to(self, field: str) -> str | None:
        """Return the name most similar to a field that was never seen; None: field seen, or no match."""
        return next((name.nearest for name in self.names if name.name == field and name.missed), None)
