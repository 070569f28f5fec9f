"""The list of events: a verdict that the core emitted has the glyph of its word."""

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import VerdictKind
from metabonk_tui.core.step.event_log import verdict_draft
from metabonk_tui.ui.style.glyphs import UNICODE, level_token
from metabonk_tui.ui.style.spans import mark
from metabonk_tui.ui.views.run.events import event_mark
from tests.support import snapshots as scenes


@pytest.mark.parametrize("word", list(VerdictKind))
def test_a_verdict_has_the_glyph_of_its_word(word: VerdictKind) -> None:
    draft = verdict_draft(replace(scenes.healthy().verdict, kind=word))
    event = Event(0.0, draft.kind, draft.severity, draft.text, facts=draft.facts)
    assert event_mark(event, UNICODE) == mark(UNICODE.level(word.level), level_token(word.level))
