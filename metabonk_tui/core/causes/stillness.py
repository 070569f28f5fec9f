"""Records when selected fields of a worker last changed: one `Stillness` a worker and generation.

Does not: judge what an unchanged field means.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Presence, WorkerStatus
from metabonk_tui.core.status.decode import compared, number, text, value
from metabonk_tui.core.worker.tracker import WorkerTrack

INPUTS = (
    "dynamic_ui_text_density",
    "dynamic_ui_motion",
    "dynamic_ui_ui_shape_count",
    "dynamic_ui_has_centered_panel",
)
"""The last inputs of the state classifier; absent until it has run on a frame."""
ENGAGED = "system2_trigger_engaged_count"
HINTS = "vlm_hints_used"
MOVING = ("step", *INPUTS)
STEADY_SEEN = 3
FieldValue = float | str | None | tuple[float | None, ...]


class FieldStillness(Struct, frozen=True):
    """An unchanged value, its start, and the number of good statuses in a row that showed it, up to `STEADY_SEEN`."""

    value: FieldValue = None
    since_t: float = 0.0
    seen: int = 0

    def steady_s(self, t: float) -> float:
        """Return the seconds since the last change; 0: unknown, or fewer than `STEADY_SEEN` statuses showed it."""
        return 0.0 if self.value is None or self.seen < STEADY_SEEN else t - self.since_t


NO_VALUE = FieldStillness()


class Stillness(Struct, frozen=True):
    """The unchanged fields of one generation of one worker."""

    generation: int
    began_t: float
    """Time of the first good status of this generation."""
    step: FieldStillness = NO_VALUE
    inputs: FieldStillness = NO_VALUE
    ui_state: FieldStillness = NO_VALUE
    engaged: FieldStillness = NO_VALUE
    hints: FieldStillness = NO_VALUE
    unanswered_since_t: float | None = None
    """When System2 engaged without a response since; None: no request is open."""


def observe(
    before: Mapping[WorkerRef, Stillness], tracks: Mapping[WorkerRef, WorkerTrack], t: float
) -> dict[WorkerRef, Stillness]:
    """Take in the workers that answered at `t`; the others keep what is known of them."""
    stillness = {}
    for ref, track in tracks.items():
        known = before.get(ref)
        if track.status is not None and track.last_good_t == t:
            if known is None or known.generation != track.generation:
                known = Stillness(track.generation, t)
            known = _observe(known, track.status, t)
        if known is not None:
            stillness[ref] = known
    return stillness


def _observe(stillness: Stillness, status: WorkerStatus, t: float) -> Stillness:
    step_now, *inputs = compared(status, MOVING)
    engaged_now, hints_now = value(status, ENGAGED), value(status, HINTS)
    engaged, hints, ui_state = stillness.engaged, stillness.hints, stillness.ui_state
    # These stand from one second to the next, and the others move.
    if engaged.seen < STEADY_SEEN or engaged_now != engaged.value:
        engaged = _with_value(engaged, engaged_now, t)
    if hints.seen < STEADY_SEEN or hints_now != hints.value:
        hints = _with_value(hints, hints_now, t)
    shown = text(status, "dynamic_ui_state_type")
    if ui_state.seen < STEADY_SEEN or shown != ui_state.value:
        ui_state = _with_value(ui_state, shown, t)
    return replace(
        stillness,
        step=_with_value(stillness.step, step_now, t),
        inputs=_with_value(stillness.inputs, None if inputs[0] is None else tuple(inputs), t),
        ui_state=ui_state,
        engaged=engaged,
        hints=hints,
        unanswered_since_t=_unanswered_since_t(stillness, engaged, hints, t),
    )


def _with_value(known: FieldStillness, value: FieldValue, t: float) -> FieldStillness:
    if value == known.value and known.seen:
        return known if known.seen >= STEADY_SEEN else replace(known, seen=known.seen + 1)
    return FieldStillness(value, t, 1)


def _unanswered_since_t(
    stillness: Stillness, engaged: FieldStillness, hints: FieldStillness, t: float
) -> float | None:
    if engaged.value is None or hints.value is None:
        return None
    first = not stillness.engaged.seen or stillness.engaged.value is None
    if first:
        return t if engaged.value and not hints.value else None
    if hints.value != stillness.hints.value:
        return None
    moved = engaged.value != stillness.engaged.value
    return t if moved and stillness.unanswered_since_t is None else stillness.unanswered_since_t


def lacks_key(status: WorkerStatus, name: str) -> bool:
    """Return whether an observable key is absent from a status."""
    return number(status, name).presence is Presence.ABSENT
