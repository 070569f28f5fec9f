"""Shows every key of the command table, what the signs mean, and where files are kept."""

from __future__ import annotations

from typing import ClassVar

from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.ui.commands import COMMANDS, GROUPS, CommandGroup, key_name
from metabonk_tui.ui.frame import Frame, MonitorScreen, Page
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, gap, left, mark, side_by_side
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.layout.section import title

MEANINGS: dict[ComponentState, str] = {
    ComponentState.ACTIVE: "grew, or is not zero, within the window",
    ComponentState.STALLED: "was active, has not grown for the window",
    ComponentState.ZERO: "present, never above zero",
    ComponentState.ABSENT: "key not in /status; this is not 0",
    ComponentState.UNPROVEN: "above zero, but its proof is absent",
    ComponentState.BAD: "NaN, infinite, or the wrong type",
    ComponentState.UNOBSERVED: "this source does not record it",
    ComponentState.STALE: "older than three polls",
    ComponentState.RESTING: "has shown; does not move where its worker is",
    ComponentState.STRANGER: "what answers is no MetaBonk worker",
    ComponentState.DOWN: "the worker cannot be reached",
    ComponentState.PENDING: "starting, no data yet",
}


class HelpScreen(MonitorScreen):
    """One page to look things up."""

    name: ClassVar[str] = "help"

    def __init__(self, places: tuple[tuple[str, str], ...] = ()) -> None:
        self._places = places

    def page(self, frame: Frame) -> Page:
        """Draw keys at the left, signs and places at the right; one under the other where it is narrow."""
        top = header(frame, frame.snapshot) if frame.snapshot else ()
        if frame.width >= 100:
            half = (frame.width - 5) // 2
            # The monitor's own keys stand at the right, so that both columns are about as long.
            keys = _keys(half, frame.glyphs, ("view", "look", "act"))
            signs = (*_keys(half, frame.glyphs, ("app",)), EMPTY, *self._signs(half, frame.glyphs))
            columns = [(_cut(keys, half, frame.glyphs), half), (_cut(signs, half, frame.glyphs), half)]
            body = tuple((gap(1), *row) for row in side_by_side(columns, 3))
        else:
            wide = max(10, frame.width - 2)
            rows = (*_keys(wide, frame.glyphs, tuple(GROUPS)), EMPTY, *self._signs(wide, frame.glyphs))
            body = tuple((gap(1), *row) for row in rows)
        return Page((*top, EMPTY), _cut(body, frame.width, frame.glyphs), (footer(frame),))

    def _signs(self, wide: int, glyphs: Glyphs) -> tuple[Row, ...]:
        rows: list[Row] = [title("STATES", wide, glyphs)]
        for state, meaning in MEANINGS.items():
            token, word = STATE_TOKENS[state], STATE_WORDS[state]
            rows.append(
                (
                    mark(glyphs.state(state), token),
                    gap(1),
                    left(word, 12, token, token == "crit"),
                    Span(meaning, "text"),
                )
            )
        rows += [EMPTY, title("VERDICTS", wide, glyphs, (Span("shape equals exit code", "muted"),))]
        for glyph, token, explanation in (
            (glyphs.go, "ok", "exit 0: CONTINUE, LAUNCH 24H, SUCCESS"),
            (glyphs.caution, "warn", "exit 1: ADD MEMORY WATCH, TUNE EPSILON"),
            (glyphs.stop, "crit", "exit 2: STOP"),
            (glyphs.unknown, "unknown", "exit 3: WAITING, VALIDATING, UNDECIDED"),
        ):
            rows.append((mark(glyph, token), gap(1), Span(explanation, "text")))
        rows.append((Span("*", "strong"), gap(1), Span("after a name: computed here, not a key of /status", "text")))
        if self._places:
            rows += [EMPTY, title("WHERE THINGS ARE", wide, glyphs)]
            rows += [(left(what, 10, "muted"), Span(where, "text")) for what, where in self._places]
        return tuple(rows)


def _cut(rows: tuple[Row, ...], wide: int, glyphs: Glyphs) -> tuple[Row, ...]:
    return tuple(cut(row, wide, glyphs.ellipsis) for row in rows)


def _keys(wide: int, glyphs: Glyphs, groups: tuple[CommandGroup, ...]) -> tuple[Row, ...]:
    rows: list[Row] = []
    for group in groups:
        rows += [EMPTY] if rows else []
        rows.append(title(GROUPS[group].upper(), wide, glyphs))
        for command in COMMANDS:
            if command.group == group:
                keys = " ".join(key_name(key) for key in command.keys)
                rows.append((left(keys, 17, "strong", True), gap(1), Span(command.what, "text")))
    return tuple(rows)
