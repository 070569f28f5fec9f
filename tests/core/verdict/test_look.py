"""Section 3: a single look starts no gate and covers no time, and its words say so."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.verdict.look import NO_GATE, of_look
from tests.support.samples import MIN, Life, coarse, down, healthy, last, script, silent


@pytest.mark.parametrize("for_s", [30, 6 * MIN])
def test_a_look_names_no_check_that_nobody_will_make(for_s: float) -> None:
    seen = of_look(last(script(healthy, for_s=for_s)))
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert seen.verdict.because[0] == NO_GATE
    assert "watches the pool" in seen.verdict.changes_when
    texts = [*seen.verdict.because, *seen.verdicts[-1][2], *(e.text for e in seen.events if e.kind == "verdict")]
    assert not any("next in" in text for text in texts), texts


@pytest.mark.parametrize(("life", "for_s"), [(down, 30), (silent, 31 * MIN), (healthy, 31 * MIN)])
def test_every_other_word_of_a_look_stays(life: Life, for_s: float) -> None:
    seen = last(coarse(life, for_s=for_s))
    assert seen.verdict.kind is not VerdictKind.VALIDATING
    assert of_look(seen) is seen
