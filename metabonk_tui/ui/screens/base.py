"""The page that most screens are: the header, what is drawn of the Snapshot, the keys."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.style.spans import EMPTY, Row
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.verdict.screen import nothing_seen


def headed(frame: Frame, draw: Callable[[Frame, Snapshot], tuple[Row, ...]]) -> Page:
    """Draw what the person came for below the header; before the first look only that there was none."""
    if frame.snapshot is None:
        return Page(top=nothing_seen(frame), bottom=(footer(frame),))
    top = (*header(frame, frame.snapshot), *((EMPTY,) if frame.height >= 14 else ()))
    return Page(top, draw(frame, frame.snapshot), (footer(frame),))
