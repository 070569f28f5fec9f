"""Why components are silent: every cause that can be proven from outside, ranked. Pure; healthy names nothing."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.causes.clues import Clues
from metabonk_tui.core.causes.configuration import (
    component_disabled,
    config_not_loaded,
    intrinsic_not_applied,
    launcher_override,
    unread_keys,
)
from metabonk_tui.core.causes.naming import wrong_names
from metabonk_tui.core.causes.running import (
    classifier_ambiguous,
    classifier_no_frames,
    system2_never_triggers,
    system2_no_answer,
    zombie_worker,
)
from metabonk_tui.core.causes.starting import init_failed
from metabonk_tui.core.snapshot import Cause

CAUSES: tuple[Callable[[Clues], Cause | None], ...] = (
    config_not_loaded,
    launcher_override,
    component_disabled,
    init_failed,
    intrinsic_not_applied,
    classifier_no_frames,
    classifier_ambiguous,
    system2_no_answer,
    system2_never_triggers,
    zombie_worker,
    wrong_names,
    unread_keys,
)
"""In the order in which equally sure ones are told."""


def causes(clues: Clues) -> tuple[Cause, ...]:
    """Name every cause that the clues support, the surest first."""
    found = [cause for find in CAUSES if (cause := find(clues)) is not None]
    return tuple(sorted(found, key=lambda cause: -cause.confidence))
