"""The list of events: a verdict has the glyph of its word, as the core tells it."""

from dataclasses import replace

import pytest

from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.step.event_log import EventLog
from metabonk_tui.ui.style.glyphs import LEVEL_TOKENS, UNICODE
from metabonk_tui.ui.style.spans import mark
from metabonk_tui.ui.views.run.events import event_mark
from tests.support import snapshots as scenes


@pytest.mark.parametrize("word", list(VerdictKind))
def test_a_verdict_has_the_glyph_of_its_word(word: VerdictKind) -> None:
    event_log = EventLog(0.0, ())
    event_log.emit_verdict(replace(scenes.healthy().verdict, kind=word))
    (event,) = event_log.events
    assert event_mark(event, UNICODE) == mark(UNICODE.level(word.level), LEVEL_TOKENS[word.level])
