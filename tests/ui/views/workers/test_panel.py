"""The word beside a worker's name."""

from collections.abc import Callable

import pytest

from metabonk_tui.ui.views.workers.panel import reach_word
from tests.support.samples import down, header, last, script


@pytest.mark.parametrize(
    ("pid", "word"),
    [
        (None, "no answer"),  # nothing shows that anything starts: perhaps nothing was launched
        (lambda slot, _t: 70 + slot, "starting"),
    ],
)
def test_only_a_worker_with_a_process_is_starting(pid: Callable[[int, float], int] | None, word: str) -> None:
    seen = last(script(down, for_s=20.0, run=header(how="first sample"), pid=pid))
    assert [reach_word(worker, seen).text for worker in seen.workers] == [word] * 3
