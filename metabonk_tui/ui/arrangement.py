"""Carries out the commands that arrange the workers: density, order, direction, zoom, the cursor; keeps it.

The cursor stays with its worker. Does not: draw or sort.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config, UiSettings
from metabonk_tui.ui.density import DENSITIES
from metabonk_tui.ui.frame import Frame, UiState, is_moved, with_selected
from metabonk_tui.ui.sorting import AUTOMATIC, BY_ID, WORST, next_sort, sort_names

ZOOM = "zoom_"
"""Begins the commands that show a pane alone; the pane's name follows."""


def arranged(name: str, frame: Frame) -> UiState | None:
    """Return the state after a command; None for one that arranges nothing."""
    state = frame.state
    if name == "density":
        following = DENSITIES.index(state.density) + 1
        return _anew(frame, replace(state, density=DENSITIES[following % len(DENSITIES)]))
    if name == "attention":
        # Under a cursor the order is held: the first key sorts again, before the next one returns to ids. In the grid,
        # which begins with the worst, too: `a` and Enter open the worst worker everywhere.
        is_current = state.sort == WORST and not is_moved(frame)
        return _anew(frame, replace(state, sort=BY_ID if is_current else WORST, inverted=False))
    if name in ("sort", "sort_before"):
        by = next_sort(frame.snapshot, frame.sort, -1 if name == "sort_before" else 1)
        return _anew(frame, replace(state, sort=by, inverted=False))
    if name == "invert":
        return _anew(frame, replace(state, inverted=not state.inverted))
    if name.startswith(ZOOM):
        pane = name.removeprefix(ZOOM)
        return replace(state, zoom="" if state.zoom == pane else pane)
    if name == "ghost":
        return replace(state, hides_ghost=not state.hides_ghost)
    if name in ("next", "previous", "left", "right"):
        return _moved(frame, 1 if name in ("next", "right") else -1)
    return None


def clears(state: UiState) -> str:
    """Return what Esc takes back on the dashboard: "zoom", "filter", "cursor"; "": none of them."""
    return "zoom" if state.zoom else "filter" if state.filter else "cursor" if state.ref is not None else ""


def taken_back(state: UiState) -> UiState | None:
    """Take back the zoom, else the filter, else the selection; None: there is none of them."""
    if state.zoom:
        return replace(state, zoom="")
    if state.filter:
        return replace(state, filter="")
    return replace(state, ref=None, held=()) if state.ref is not None else None


class ThemeChoice:
    """The theme on screen, and the one that the operator chose by a key."""

    def __init__(self, names: tuple[str, ...], chosen: str, configured: str) -> None:
        """Begin with the kept choice, "" for none, else the configured theme."""
        self.chosen = chosen
        self.shown = chosen if chosen in names else configured
        self.names: tuple[str, ...] = ()
        self.offer(names)

    def offer(self, names: tuple[str, ...]) -> None:
        """Set the available themes; the first one is shown where the present one is not among them."""
        self.names = names
        if self.shown not in names:
            self.shown = names[0] if names else ""

    def choose(self, name: str = "") -> str:
        """Show a theme, "" for the next one; return what is said about it."""
        name = name or self.names[(self.names.index(self.shown) + 1) % len(self.names)]
        self.shown = self.chosen = name
        return f"theme {name}" if len(self.names) > 1 else "this terminal shows no colours"


def _moved(frame: Frame, step: int) -> UiState:
    """Put the cursor `step` workers further, in the order of their ids."""
    refs = [worker.ref for worker in frame.snapshot.workers] if frame.snapshot else []
    if not refs or frame.worker is None:
        return frame.state
    return with_selected(frame, refs[(refs.index(frame.worker.ref) + step) % len(refs)])


def _anew(frame: Frame, state: UiState) -> UiState:
    """Sort the workers anew; a cursor holds the new order."""
    free = replace(state, held=())
    return free if state.ref is None else with_selected(replace(frame, state=free), state.ref)


def started(settings: UiSettings, config: Config) -> UiState:
    """Return the choices to begin with; a setting that means nothing any more is left out."""
    density = next((each for each in DENSITIES if each == settings.density), DENSITIES[0])
    is_known = settings.sort in sort_names(component.id for component in config.component)
    sort = settings.sort if is_known else AUTOMATIC
    return UiState(density=density, sort=sort, inverted=settings.inverted and is_known)


def kept(state: UiState, theme: str, every_s: float) -> UiSettings:
    """Return the settings to keep of these choices. `theme` is "" while the configured one was not changed."""
    return UiSettings(theme, state.density, state.sort, state.inverted, every_s)
