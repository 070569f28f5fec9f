"""Declares the spans of time that charts show, and steps between them with `+` and `-`."""

from __future__ import annotations

SPANS: tuple[tuple[float, str], ...] = (
    (600.0, "10 min"),
    (1800.0, "30 min"),
    (3600.0, "1 h"),
    (3 * 3600.0, "3 h"),
    (8 * 3600.0, "8 h"),
    (0.0, "the whole run"),
)
"""Seconds and name of each; 0: the whole run."""
USUAL = 1
WHOLE = len(SPANS) - 1


def span_s(at: int, elapsed_s: float) -> float:
    """Return the seconds that the span with this number shows in a run of this age."""
    return SPANS[at][0] or max(elapsed_s, SPANS[0][0])


def span_name(at: int) -> str:
    """Name a span: "last 30 min", "the whole run"."""
    return SPANS[at][1] if at == WHOLE else f"last {SPANS[at][1]}"


def zoomed(at: int, command: str, elapsed_s: float) -> int:
    """Return the next shorter or longer span; a span longer than the run is the whole run."""
    if command.endswith("zoom_in"):
        shorter = [n for n in range(WHOLE) if SPANS[n][0] < span_s(at, elapsed_s)]
        return shorter[-1] if shorter else at
    longer = at + 1
    return min(longer, WHOLE) if longer < WHOLE and SPANS[longer][0] < elapsed_s else WHOLE
