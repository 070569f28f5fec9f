"""Shows the logs of the pool's processes: one of them or all merged, with search; in a replay the recorded lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from msgspec.structs import replace

from metabonk_tui.core.logs.model import MERGED
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.log_view import FILTERS, FIRST, LogChoice, cursor_of, follows
from metabonk_tui.ui.screens.base import HeadedScreen
from metabonk_tui.ui.style.spans import EMPTY, Row, cut, fit, gap, mark, side_by_side
from metabonk_tui.ui.views.logs.head import find_row, from_row, level_rows, title_row
from metabonk_tui.ui.views.logs.list import list_rows
from metabonk_tui.ui.views.logs.recorded import chosen, log_rows
from metabonk_tui.ui.views.logs.side import side_rows
from metabonk_tui.ui.views.logs.space import (
    FIND_ROWS,
    SIDE_CELLS,
    TITLE_ROWS,
    LogSpace,
    first_in_sight,
    log_space,
    past_last_in_sight,
)

STEPS = {"next": 1, "right": 1, "previous": -1, "left": -1}
FILES = STEPS | {"log_next": 1, "log_previous": -1}


class LogsScreen(HeadedScreen):
    """Shows the lines of one log or of all; where no file can be read, the recorded lines that may name a cause."""

    name: ClassVar[str] = "logs"

    def body(self, frame: Frame, snapshot: Snapshot, room: int) -> Page:
        """Draw the lines in sight, with what was read of which log above them."""
        if not frame.logs.available:
            return Page(body=log_rows(frame, snapshot))
        space = self._space(frame, snapshot)
        head: list[Row] = [title_row(frame, space)] if frame.height >= TITLE_ROWS else []
        head += [from_row(frame)] if space.has_from else []
        head += level_rows(frame) if space.has_levels else ()
        head += [EMPTY] if space.has_blanks else []
        rows = list_rows(frame, space)
        if space.has_side:
            beside = side_rows(frame, snapshot, space.room)
            rows = list(side_by_side([(rows, space.wide), (beside, SIDE_CELLS)], 0))
        rows += [EMPTY] * (space.room - len(rows))
        ellipsis = frame.glyphs.ellipsis
        return Page(
            top=tuple(cut(row, frame.width, ellipsis) for row in head),
            body=tuple(cut(row, frame.width, ellipsis) for row in rows),
        )

    def bottom(self, frame: Frame) -> tuple[Row, ...]:
        """Draw the search above the keys."""
        keys = super().bottom(frame)
        if not frame.logs.available or frame.snapshot is None:
            return keys
        if frame.height < FIND_ROWS:
            return keys
        space = self._space(frame, frame.snapshot)
        rule: Row = (gap(1), mark(frame.glyphs.rule * max(0, frame.width - 2), "line"))
        found = fit(find_row(frame, space), frame.width, frame.glyphs.ellipsis)
        return (rule, found, *((EMPTY,) if space.has_blanks else ()), *keys) if frame.height >= 20 else (found, *keys)

    def _space(self, frame: Frame, snapshot: Snapshot) -> LogSpace:
        return log_space(frame, len(self.top(frame, snapshot)))

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Move the cursor, choose another log, or change what is shown."""
        if frame.snapshot is None:
            return None
        if not frame.logs.available:
            return self._next_recorded(command, frame)
        choice = self._chosen(command, frame, self._space(frame, frame.snapshot))
        return None if choice is None else replace(frame.state, log=choice)

    def _chosen(self, command: str, frame: Frame, space: LogSpace) -> LogChoice | None:
        view, choice = frame.logs, frame.state.log
        if command in FILES and view.names:
            at = view.names.index(view.source) if view.source in view.names else 0
            name = view.names[(at + FILES[command]) % len(view.names)]
            return replace(choice, source=name, cursor=None, top=None, follow=None, to_hit="")
        if command in ("log_follow", "end"):
            return self._moved(replace(choice, cursor=None, top=None, follow=True, to_hit=""), "follow")
        if command == "home":
            return self._moved(replace(choice, cursor=FIRST, top=FIRST, follow=False, to_hit=""), "start")
        if command == "log_errors":
            shown = FILTERS[(FILTERS.index(choice.filter) + 1) % len(FILTERS)]
            return replace(self._at(frame, space, cursor_of(view, choice), None), filter=shown)
        if command == "log_wrap":
            return replace(choice, wrap=not choice.wrap)
        if command == "back":
            return replace(choice, wanted="") if choice.wanted else None
        if command in ("log_hit", "log_hit_before"):
            return self._hit(command == "log_hit", frame, space)
        steps: dict[str, Callable[[], LogChoice]] = {
            "up": lambda: self._step(frame, space, -1),
            "down": lambda: self._step(frame, space, 1),
            "page_up": lambda: self._page(frame, space, -1),
            "page_down": lambda: self._page(frame, space, 1),
        }
        return steps[command]() if command in steps else None

    def _at(self, frame: Frame, space: LogSpace, place: int, top: int | None) -> LogChoice:
        """Put the cursor on a line; a line that is followed stays so."""
        view, choice = frame.logs, frame.state.log
        if not view.lines or (top is None and follows(view, choice)):
            return choice
        place = min(max(place, 0), len(view.lines) - 1)
        first = None if top is None else view.anchor(min(max(top, 0), len(view.lines) - 1))
        return replace(choice, cursor=view.anchor(place), top=first, follow=False, to_hit="")

    def _step(self, frame: Frame, space: LogSpace, by: int) -> LogChoice:
        view, choice = frame.logs, frame.state.log
        place, top = cursor_of(view, choice) + by, first_in_sight(view, choice, space)
        return self._read_on(self._at(frame, space, place, min(top, max(0, place))), frame, by, place)

    def _page(self, frame: Frame, space: LogSpace, by: int) -> LogChoice:
        view, choice = frame.logs, frame.state.log
        top = first_in_sight(view, choice, space)
        lines = max(1, past_last_in_sight(view, choice, space, top) - top - 1)
        place = cursor_of(view, choice) + by * lines
        return self._read_on(self._at(frame, space, place, top + by * lines), frame, by, place)

    def _hit(self, is_next: bool, frame: Frame, space: LogSpace) -> LogChoice:
        view, choice = frame.logs, frame.state.log
        cursor = cursor_of(view, choice) + (follows(view, choice) and not is_next)
        found = [i for i in view.hits if (i > cursor if is_next else i < cursor)]
        if not found:
            return self._search_on(is_next, frame)
        place = found[0] if is_next else found[-1]
        top = first_in_sight(view, choice, space)
        in_sight = top <= place < past_last_in_sight(view, choice, space, top)
        if in_sight:
            return self._at(frame, space, place, top)
        return replace(self._at(frame, space, place, place), top=None)

    def _search_on(self, is_next: bool, frame: Frame) -> LogChoice:
        """Ask for the nearest hit outside the lines in memory; the cursor goes to it when it is read."""
        view, choice = frame.logs, frame.state.log
        if not view.lines or not choice.wanted or not (view.has_newer if is_next else view.has_older):
            return choice
        place = len(view.lines) - 1 if is_next else 0
        bound_t = view.order_t[place] if view.source == MERGED else None
        move = LogMove("hit after" if is_next else "hit before", choice.move.number + 1, bound_t, choice.wanted)
        side: Literal["before", "after"] = "after" if is_next else "before"
        return replace(choice, cursor=view.anchor(place), top=None, follow=False, move=move, to_hit=side)

    def _read_on(self, choice: LogChoice, frame: Frame, by: int, place: int) -> LogChoice:
        """Ask for lines before or after those in memory when the cursor comes near their end."""
        view = frame.logs
        if by < 0 and view.has_older and place < frame.height:
            return self._moved(choice, "older")
        if by > 0 and view.has_newer and place > len(view.lines) - frame.height:
            return self._moved(choice, "newer")
        return choice

    def _moved(self, choice: LogChoice, kind: str) -> LogChoice:
        return replace(choice, move=LogMove(kind, choice.move.number + 1))  # type: ignore[arg-type]

    def _next_recorded(self, command: str, frame: Frame) -> UiState | None:
        """Select the next choice of recorded lines: all workers, then each worker in turn."""
        if command not in STEPS or frame.snapshot is None:
            return None
        pane = (frame.state.pane + STEPS[command]) % (len(frame.snapshot.workers) + 1)
        state = replace(frame.state, pane=pane)
        (first, *others) = chosen(replace(frame, state=state), frame.snapshot) or (None,)
        return replace(state, ref=first.ref) if first is not None and not others else state
