"""Makes the panes of one Snapshot, each when it is first asked for. Does not: place them."""

from __future__ import annotations

from functools import cached_property

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.views.dashboard import panes
from metabonk_tui.ui.views.layout.panes import Pane

LOG_CELLS = 160
"""Below this width the lines of logs are on their screen only."""


class PaneSet:
    """The panes of one Snapshot, each made when it is first asked for."""

    def __init__(self, frame: Frame, snapshot: Snapshot) -> None:
        self.frame, self.snapshot = frame, snapshot
        self.ellipsis = frame.glyphs.ellipsis
        self.stop = snapshot.verdict.level == "stop"
        self.partial = snapshot.verdict.kind is VerdictKind.PARTIAL

    @cached_property
    def why(self) -> Pane:
        if self.stop:
            return panes.why(self.frame, self.snapshot, self.frame.width < 110)
        return self.decision

    @cached_property
    def causes(self) -> tuple[Pane, ...]:
        return () if self.stop else _if_made(panes.causes(self.frame, self.snapshot))

    @cached_property
    def decision(self) -> Pane:
        """The decision matrix, or in its place how the run compares with its ghost."""
        ghost = _if_made(panes.ghost(self.frame, self.snapshot))
        return ghost[0] if ghost else panes.decision(self.frame, self.snapshot)

    @cached_property
    def whole_why(self) -> Pane:
        return panes.whole_why(self.frame, self.snapshot)

    @property
    def reasons(self) -> tuple[Pane, ...]:
        return (self.why, *self.causes)

    @cached_property
    def events(self) -> Pane:
        return panes.events(self.frame, self.snapshot)

    @cached_property
    def learning(self) -> tuple[Pane, ...]:
        """The curve of the episodes, while nothing else needs the place; empty before one ended."""
        is_calm = self.snapshot.verdict.level == "go" and not self.causes and self.frame.ghost is None
        return _if_made(panes.learning(self.frame, self.snapshot)) if is_calm else ()

    @cached_property
    def gate(self) -> Pane:
        return panes.gate(self.frame, self.snapshot)

    @cached_property
    def file(self) -> tuple[Pane, ...]:
        # It compares the environment of every worker, so it is made only where it is drawn.
        return _if_made(panes.file_and_process(self.frame, self.snapshot)) if self.partial else ()

    @cached_property
    def owners(self) -> Pane:
        return panes.owners(self.frame, self.snapshot)

    @cached_property
    def memory_panes(self) -> tuple[Pane, ...]:
        return (self.owners, *_if_made(panes.fits(self.frame, self.snapshot)))

    @cached_property
    def compare(self) -> tuple[Pane, ...]:
        """The comparison with the ghost's run, where there is width for its table; empty without one."""
        return _if_made(panes.compare(self.frame)) if self.frame.width >= LOG_CELLS else ()

    @cached_property
    def log(self) -> tuple[Pane, ...]:
        return _if_made(panes.log(self.frame, self.snapshot)) if self.frame.width >= LOG_CELLS else ()

    def memory(self, high: int, share: float = 1.0) -> Pane:
        """Return the memory chart with at most this share of the rows."""
        pane = panes.memory(self.frame, self.snapshot)
        return replace(pane, most=max(pane.least, int(high * share)))


def _if_made(pane: Pane | None) -> tuple[Pane, ...]:
    return () if pane is None else (pane,)
