"""Steadies the headline: a change shows only after it has lasted. Pure."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Verdict, VerdictKind
from metabonk_tui.core.verdict.decide import VerdictDraft, mark_path
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.verdict.next_steps import next_steps

SPARSE_S = 60.0
"""Where samples lie at least this far apart, a change shows at once."""


class Hysteresis(Struct, frozen=True):
    """The verdict on the screen, and the one that may replace it."""

    shown: Verdict | None = None
    """None: before the first evaluation."""
    pending: tuple[VerdictKind, int, float] | None = None
    """A verdict that is not shown yet: (kind, consecutive evaluations, since)."""
    leaning: tuple[VerdictKind, int] | None = None
    """During validation: (kind that it would be, consecutive evaluations)."""


def apply(
    hysteresis: Hysteresis, draft: VerdictDraft, inputs: VerdictInputs, config: Config, *, after_gap: bool = False
) -> tuple[Hysteresis, Verdict]:
    """Return the new state and the verdict to show: a change must last `hold_evaluations`.

    A kill shows at once, and so does what is found after a gap: the word from before it is out of date. At the end
    of the gate, evaluations counted during validation count as well.
    """
    shown, t = hysteresis.shown, inputs.t
    hold = _evaluations_to_hold(inputs, config, after_gap)
    if shown is not None and inputs.changing and not draft.latched:
        # Our own operations on the pool prove nothing about the run.
        kept = replace(shown, nodes=draft.nodes)
        return replace(hysteresis, shown=kept, pending=None), kept
    leaning = hysteresis.leaning
    if draft.would_be is not None:
        count = leaning[1] + 1 if leaning and leaning[0] is draft.would_be else 1
        leaning = (draft.would_be, count)
    kind, since_t = draft.kind, t
    pending: tuple[VerdictKind, int, float] | None = None
    if shown is None:
        since_t = t
    elif kind is shown.kind:
        since_t = shown.since_t
    else:
        same = hysteresis.pending is not None and hysteresis.pending[0] is kind
        count, since_t = (hysteresis.pending[1] + 1, hysteresis.pending[2]) if same and hysteresis.pending else (1, t)
        revealed = shown.kind is VerdictKind.VALIDATING and leaning is not None and leaning[0] is kind
        if revealed and leaning is not None and not same:
            count += leaning[1]
        if draft.latched or count >= hold:
            pass
        else:
            pending = (kind, count, since_t)
            kind, since_t = shown.kind, shown.since_t
    if shown is not None and pending is not None:
        kept = replace(shown, nodes=mark_path(shown.kind, shown.would_be, draft.nodes))
        return Hysteresis(kept, pending, leaning), kept
    changed = shown is not None and shown.kind is not kind
    verdict = Verdict(
        kind=kind,
        since_t=since_t,
        because=draft.because,
        nodes=draft.nodes,
        would_be=draft.would_be,
        changes_when=draft.changes_when,
        next_steps=next_steps(kind, inputs, draft.missing),
        was=(shown.kind if changed else shown.was) if shown else None,
        early=draft.early,
        caution=bool(draft.missing),
    )
    if draft.would_be is None:
        leaning = None
    return Hysteresis(verdict, None, leaning), verdict


def _evaluations_to_hold(inputs: VerdictInputs, config: Config, after_gap: bool) -> int:
    return 1 if after_gap or inputs.nominal_s >= SPARSE_S else config.verdict.hold_evaluations
