"""Holds the headline still: a change shows only when it has lasted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Verdict, Word
from metabonk_tui.core.verdict.decide import Draft, light
from metabonk_tui.core.verdict.inputs import Facts
from metabonk_tui.core.verdict.next_steps import next_steps


@dataclass(frozen=True, slots=True)
class HeldVerdict:
    """The verdict that is shown, and what may follow it."""

    shown: Verdict | None = None
    """None only before the first evaluation."""
    pending: tuple[Word, int, float] | None = None
    """A word that is not shown yet: (word, evaluations in a row, since)."""
    leaning: tuple[Word, int] | None = None
    """While validating: what it would be, and for how many evaluations in a row."""


def hold(held: HeldVerdict, draft: Draft, facts: Facts, config: Config) -> tuple[HeldVerdict, Verdict]:
    """Let a change show only when it has held, so that the headline does not flap.

    A kill shows at once. The end of the gate is a moment, not a wobble: what was already held while
    validating shows with it.
    """
    shown, t = held.shown, facts.t
    if shown is not None and facts.changing and not draft.latched:
        # What we are doing to the pool ourselves says nothing about the run.
        kept = replace(shown, nodes=draft.nodes)
        return replace(held, shown=kept, pending=None), kept
    leaning = held.leaning
    if draft.would_be is not None:
        count = leaning[1] + 1 if leaning and leaning[0] is draft.would_be else 1
        leaning = (draft.would_be, count)
    word, since_t = draft.word, t
    pending: tuple[Word, int, float] | None = None
    if shown is None:
        since_t = t
    elif word is shown.word:
        since_t = shown.since_t
    else:
        same = held.pending is not None and held.pending[0] is word
        count, since_t = (held.pending[1] + 1, held.pending[2]) if same and held.pending else (1, t)
        revealed = shown.word is Word.VALIDATING and leaning is not None and leaning[0] is word
        if revealed and leaning is not None and not same:
            count += leaning[1]
        if draft.latched or count >= config.verdict.hold_evaluations:
            pass
        else:
            pending = (word, count, since_t)
            word, since_t = shown.word, shown.since_t
    if shown is not None and pending is not None:
        kept = replace(shown, nodes=light(shown.word, shown.would_be, draft.nodes))
        return HeldVerdict(kept, pending, leaning), kept
    changed = shown is not None and shown.word is not word
    verdict = Verdict(
        word=word,
        since_t=since_t,
        because=draft.because,
        nodes=draft.nodes,
        would_be=draft.would_be,
        changes_when=draft.changes_when,
        next_steps=next_steps(word, facts),
        was=(shown.word if changed else shown.was) if shown else None,
        early=draft.early,
    )
    if draft.would_be is None:
        leaning = None
    return HeldVerdict(verdict, None, leaning), verdict
