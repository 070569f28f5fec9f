"""The history by the minute looks at the views only where a worker may be in a worse condition than OK."""

import pytest
from hypothesis import given

from metabonk_tui.core.model.condition import WorkerCondition, condition
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.step import history
from metabonk_tui.core.step.state import Tick
from tests.core.step.test_properties import RELAXED, streams
from tests.support.samples import HOUR, Life, healthy, play, playing, script, silent, with_fields, without


def sound_steps(samples: list[Sample]) -> int:
    """Step, and return in how many steps the short way was taken; where it is taken, all workers are OK."""
    taken = 0
    is_sound = history._is_sound

    def checked(tick: Tick) -> bool:
        nonlocal taken
        if is_sound(tick):
            taken += 1
            assert max(map(condition, tick.workers)) is WorkerCondition.OK
            return True
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_is_sound", checked)
        patch.setattr(history.minutes, "is_due", lambda *_, **__: True)
        play(samples, anew=True)
    return taken


@given(streams())
@RELAXED
def test_whatever_comes_the_short_way_finds_what_the_views_show(samples: list[Sample]) -> None:
    sound_steps(samples)


growing = with_fields(playing, meta_success_sequences=lambda t: t // 10, meta_learner_sequences_learned=lambda t: t)


@pytest.mark.parametrize(("life", "is_taken"), [(growing, True), (healthy, False), (silent, False)])
def test_the_short_way_is_that_of_sound_workers(life: Life, is_taken: bool) -> None:
    assert bool(sound_steps(list(script(life, for_s=HOUR, every_s=60.0)))) is is_taken


def test_a_worker_without_a_component_is_looked_at() -> None:
    assert not sound_steps(list(script(without(growing, "intrinsic_reward_total"), for_s=600)))
