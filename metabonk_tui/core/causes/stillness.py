"""When the telling numbers of a worker last changed: a bounded history, one `Signs` a worker and generation.

Knows names of `/status`; refuses to know what standing still means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Presence, WorkerStatus
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.status.decode import number, text

INPUTS = (
    "dynamic_ui_text_density",
    "dynamic_ui_motion",
    "dynamic_ui_ui_shape_count",
    "dynamic_ui_has_centered_panel",
)
"""What the state classifier last saw; absent until it has run on a frame."""
ENGAGED = "system2_trigger_engaged_count"
HINTS = "vlm_hints_used"
Value = float | str | None | tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A value that stands, since when, and how many good statuses in a row showed it."""

    value: Value = None
    since_t: float = 0.0
    seen: int = 0

    def stood_s(self, t: float, least: int = 3) -> float:
        """Return for how long it has stood; 0 while it is unknown or too few answers showed it."""
        return 0.0 if self.value is None or self.seen < least else t - self.since_t


BLANK = Sign()


@dataclass(frozen=True, slots=True)
class Signs:
    """What is remembered of one generation of one worker."""

    generation: int
    began_t: float
    """Its first good status that we saw."""
    step: Sign = BLANK
    inputs: Sign = BLANK
    ui_state: Sign = BLANK
    engaged: Sign = BLANK
    hints: Sign = BLANK
    unanswered_since_t: float | None = None
    """System2 engaged then, and no response has come since."""


def observe(before: Mapping[WorkerRef, Signs], workers: Sequence[WorkerView], t: float) -> dict[WorkerRef, Signs]:
    """Take in the workers that answered at `t`; the others keep what is known of them."""
    signs = {}
    for worker in workers:
        known = before.get(worker.ref)
        if worker.status is not None and worker.last_good_t == t:
            if known is None or known.generation != worker.generation:
                known = Signs(worker.generation, t)
            known = _observe(known, worker.status, t)
        if known is not None:
            signs[worker.ref] = known
    return signs


def _observe(signs: Signs, status: WorkerStatus, t: float) -> Signs:
    inputs = tuple(number(status, name).value for name in INPUTS)
    engaged = _seen(signs.engaged, number(status, ENGAGED).value, t)
    hints = _seen(signs.hints, number(status, HINTS).value, t)
    return replace(
        signs,
        step=_seen(signs.step, number(status, "step").value, t),
        inputs=_seen(signs.inputs, None if inputs[0] is None else inputs, t),
        ui_state=_seen(signs.ui_state, text(status, "dynamic_ui_state_type"), t),
        engaged=engaged,
        hints=hints,
        unanswered_since_t=_unanswered(signs, engaged, hints, t),
    )


def _seen(sign: Sign, value: Value, t: float) -> Sign:
    if value == sign.value and sign.seen:
        return replace(sign, seen=sign.seen + 1)
    return Sign(value, t, 1)


def _unanswered(signs: Signs, engaged: Sign, hints: Sign, t: float) -> float | None:
    if engaged.value is None or hints.value is None:
        return None
    first = not signs.engaged.seen or signs.engaged.value is None
    if first:
        return t if engaged.value and not hints.value else None
    if hints.value != signs.hints.value:
        return None
    moved = engaged.value != signs.engaged.value
    return t if moved and signs.unanswered_since_t is None else signs.unanswered_since_t


def never(status: WorkerStatus, name: str) -> bool:
    """Say whether a status lacks a key that it could have had."""
    return number(status, name).presence is Presence.ABSENT
