"""Shows what the signs mean, every key of the command table, and where files are kept; `/` searches."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import COMMANDS, GROUPS, Command, CommandGroup, key_name
from metabonk_tui.ui.density import SIDE_ROWS
from metabonk_tui.ui.frame import Frame, MonitorScreen, Page, UiState
from metabonk_tui.ui.screens.base import with_blank
from metabonk_tui.ui.style.glyphs import STATE_TOKENS, STATE_WORDS, Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cut, gap, left, mark, plain, side_by_side
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.layout.section import muted, paragraph, title
from metabonk_tui.ui.views.layout.short import short

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
    """One page to look things up: the signs, the keys of the screen one came from, then every other key."""

    name: ClassVar[str] = "help"

    def __init__(self, places: tuple[tuple[str, str], ...] = ()) -> None:
        self._places = places

    def page(self, frame: Frame) -> Page:
        """Draw signs at the left, keys at the right; one under the other where it is narrow; only hits of a search."""
        top = header(frame, frame.snapshot) if frame.snapshot else ()
        g = frame.glyphs
        own = own_keys(frame)
        if frame.state.find:
            body: tuple[Row, ...] = tuple((gap(1), *row) for row in self._found(frame, max(10, frame.width - 2)))
        elif frame.width >= 100:
            half = (frame.width - 5) // 2
            acts = _keys(half, frame, ("act", "app"), own)
            left_rows = (*self._signs(half, g), EMPTY, *acts, EMPTY, *self._where(half, g))
            right_rows = (*_own(half, frame, own), *_keys(half, frame, ("view", "look", "log"), own))
            columns = [(_cut(left_rows, half, g), half), (_cut(right_rows, half, g), half)]
            body = tuple((gap(1), *row) for row in side_by_side(columns, 3))
        else:
            wide = max(10, frame.width - 2)
            keys = (*_own(wide, frame, own), *_keys(wide, frame, tuple(GROUPS), own))
            rows = (*self._signs(wide, g), EMPTY, *keys, EMPTY, *self._where(wide, g))
            body = tuple((gap(1), *row) for row in rows)
        page = Page(with_blank(frame, top), _cut(body, frame.width, g), (footer(frame),))
        return page if frame.height >= SIDE_ROWS else short(page, frame.width, frame.height - len(top) - 1)

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Clear the search before the screen is left."""
        return replace(frame.state, find="") if command == "back" and frame.state.find else None

    def _found(self, frame: Frame, wide: int) -> list[Row]:
        """Draw every line that contains the searched text."""
        g, wanted = frame.glyphs, frame.state.find.lower()
        lines = (
            *self._signs(wide, g), *_keys(wide, frame, tuple(GROUPS), titled=False), *self._where(wide, g)
        )  # fmt: skip
        titles = [title(name, wide, g) for name in ("STATES", "WHERE THINGS ARE")]
        hits = [row for row in lines if wanted in plain(row).lower() and row not in titles]
        note = f"{len(hits)} {'line' if len(hits) == 1 else 'lines'} with “{frame.state.find}”"
        head = title("FOUND", wide, g, (muted(g.text(note)),), focused=True)
        return [head, *(hits or [(muted("nothing; Esc shows everything"),)])]

    def _signs(self, wide: int, glyphs: Glyphs) -> tuple[Row, ...]:
        rows: list[Row] = [title("STATES", wide, glyphs, focused=True)]
        for state, meaning in MEANINGS.items():
            token, word = STATE_TOKENS[state], STATE_WORDS[state]
            head: Row = (mark(glyphs.state(state), token), gap(1), left(word, 12, token, token == "crit"))
            rows += paragraph(meaning, wide, indent=head)
        rows += [EMPTY, title("VERDICTS", wide, glyphs, (Span("shape equals exit code", "muted"),))]
        for glyph, token, explanation in (
            (glyphs.go, "ok", "exit 0: CONTINUE, LAUNCH 24H, SUCCESS"),
            (glyphs.caution, "warn", "exit 1: PARTIAL, ADD MEMORY WATCH, TUNE EPSILON"),
            (glyphs.caution, "warn", "exit 1: CONTINUE while something is missing"),
            (glyphs.stop, "crit", "exit 2: STOP"),
            (glyphs.unknown, "unknown", "exit 3: WAITING, VALIDATING, UNDECIDED"),
        ):
            rows += paragraph(explanation, wide, indent=(mark(glyph, token), gap(1)))
        derived = "after a name: computed here, not a key of /status"
        rows += paragraph(derived, wide, indent=(Span("*", "strong"), gap(1)))
        return tuple(rows)

    def _where(self, wide: int, glyphs: Glyphs) -> tuple[Row, ...]:
        if not self._places:
            return ()
        rows = [(left(what, 15, "muted"), Span(where, "text")) for what, where in self._places]
        return (title("WHERE THINGS ARE", wide, glyphs), *rows)


def own_keys(frame: Frame) -> tuple[Command, ...]:
    """List the commands that the screen one came from has and others do not."""
    here = CommandContext(frame.snapshot, frame.came_from, frame.worker, mode=frame.mode, has_log_files=True)
    elsewhere = replace(here, screen="")
    return tuple(
        command
        for command in COMMANDS
        if command.screen in ("", frame.came_from) and not command.refusal(here) and command.refusal(elsewhere)
    )


def _cut(rows: tuple[Row, ...], wide: int, glyphs: Glyphs) -> tuple[Row, ...]:
    return tuple(cut(row, wide, glyphs.ellipsis) for row in rows)


def _own(wide: int, frame: Frame, own: tuple[Command, ...]) -> tuple[Row, ...]:
    if not own:
        return ()
    head = title(f"KEYS ON THE {frame.came_from.upper()} SCREEN", wide, frame.glyphs)
    return (head, *(_key_row(command, frame) for command in own), EMPTY)


def _keys(
    wide: int,
    frame: Frame,
    groups: tuple[CommandGroup, ...],
    without: tuple[Command, ...] = (),
    titled: bool = True,
) -> tuple[Row, ...]:
    rows: list[Row] = []
    for group in groups:
        listed = [command for command in COMMANDS if command.group == group and command not in without]
        if listed and titled:
            rows += [EMPTY] if rows else []
            rows.append(title(GROUPS[group].upper(), wide, frame.glyphs))
        rows += [_key_row(command, frame) for command in listed]
    return tuple(rows)


def _key_row(command: Command, frame: Frame) -> Row:
    keys = " ".join(key_name(key) for key in frame.own_keys.get(command.id, command.keys))
    return (left(keys, 17, "strong", True), gap(1), Span(command.what, "text"))
