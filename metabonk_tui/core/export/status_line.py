"""Formats the status summary as one line for a shell prompt or tmux, and judges its age. Pure.

A prompt calls this every few seconds, so heavy modules (dataclasses, typing) are not imported. The summary is not
trusted: a value of the wrong type counts as missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from metabonk_tui.core.model import levels
from metabonk_tui.core.text import numbers as fmt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from metabonk_tui.core.model.level_names import Level

SCHEMA = 1
LINE_CELLS = 70
TMUX_CELLS = 40
WORD_CELLS = 16
UNRESOLVED = "does not resolve"
"""Ends the reason of a verdict about a host whose name has no address."""
STALE_INTERVALS = 3
STALE_S = 10.0
"""A summary older than this, and than three intervals, is stale."""
AHEAD_S = 5.0
"""A summary written further in the future comes from another clock."""
NOT_KNOWN = 3

UNICODE = {
    "go": "●", "caution": "▲", "stop": "■", "unknown": "◌", "stale": "~", "dot": "·", "fall": "▼", "ellipsis": "…",
}  # fmt: skip
ASCII = {
    "go": "*", "caution": "!", "stop": "#", "unknown": ".", "stale": "~", "dot": "|", "fall": "v", "ellipsis": "..",
}  # fmt: skip
_ASCII_OF = {"→": "->", "±": "+-", "…": "..", "≥": ">=", "≤": "<=", "–": "-", "×": "x", "·": "."}
_TMUX = {"go": "fg=black,bg=green", "caution": "fg=black,bg=yellow", "stop": "fg=white,bg=red,bold", "unknown": "bold"}
"""Sets both colours, because tmux's default bar is green and would hide green text."""

StatusSummary = Mapping[str, object]
Piece = tuple[str, str]
"""(level that sets the colour, or "", text)"""
LinePart = tuple[int, tuple[Piece, ...]]
"""(drop order: the highest goes first, pieces)"""


def fault(summary: object) -> str:
    """Return why the summary is unusable; "": usable."""
    if not isinstance(summary, dict):
        return "not a file of ours"
    schema = _number(summary, "schema")
    if schema is not None and schema > SCHEMA:
        return f"written by a newer metabonk-tui (schema {schema:g})"
    if schema != SCHEMA or _number(summary, "written_at") is None or not _text(summary, "verdict", "word"):
        return "not a file of ours"
    return "" if _level(summary) is not None else "not a file of ours"


def _level(summary: StatusSummary) -> Level | None:
    """Return the level of the verdict; None: an unknown level."""
    return next((level for level in levels.LEVELS if level == _text(summary, "verdict", "level")), None)


def age_s(summary: StatusSummary, now: float) -> float:
    """Return the age in real seconds; negative: the clock went back."""
    return now - (_number(summary, "written_at") or 0.0)


def is_stale(summary: StatusSummary, now: float) -> bool:
    """Return whether the writer stopped renewing the summary without ending in order."""
    old_s = age_s(summary, now)
    return not is_ended(summary) and not -AHEAD_S <= old_s <= _limit_s(summary)


def is_ended(summary: StatusSummary) -> bool:
    """Return whether the writing monitor ended in order."""
    return summary.get("ended") is True


def is_demo(summary: StatusSummary) -> bool:
    """Return whether the pool is that of a demo."""
    return bool(_text(summary, "demo"))


def exit_code(summary: StatusSummary, now: float) -> int:
    """Return 0 go, 1 caution, 2 STOP, 3 not known, stale or ended, or a demo, which says nothing of the training."""
    level = _level(summary)
    if level is None or is_demo(summary) or is_ended(summary) or is_stale(summary, now):
        return NOT_KNOWN
    return levels.exit_code(level)


def most_severe(summaries: list[StatusSummary], now: float) -> StatusSummary:
    """Return the summary of a watched pool, of a demo only without another, then the most severe, then the newest."""

    def rank(summary: StatusSummary) -> tuple[bool, bool, int, float]:
        live = not is_ended(summary) and not is_stale(summary, now)
        order = levels.order(_level(summary) or "go") if live else 0
        return live, not is_demo(summary), order, _number(summary, "written_at") or 0.0

    return max(summaries, key=rank)


def line(summary: StatusSummary, now: float, glyphs: Mapping[str, str], pools: int = 1) -> str:
    """Return the line as plain text; `pools` is the number of pools."""
    parts = _fitting(_parts(summary, now, glyphs, pools, tight=False), LINE_CELLS, 3)
    shown_text = f" {glyphs['dot']} ".join("".join(text for _, text in pieces) for _, pieces in parts)
    return clip(shown_text, LINE_CELLS, glyphs)


def tmux(summary: StatusSummary, now: float, glyphs: Mapping[str, str], pools: int = 1) -> str:
    """Return a shorter line with tmux colours. Each colour repeats a glyph or a word."""
    parts = _fitting(_parts(summary, now, glyphs, pools, tight=True), TMUX_CELLS, 1)
    return " ".join("".join(_styled(piece) for piece in pieces) for _, pieces in parts)


def unknown(text: str, glyphs: Mapping[str, str], *, for_tmux: bool = False) -> str:
    """Return the line for an unknown status with its reason."""
    shown_text = f"{glyphs['unknown']} {_plain(text, glyphs)}"
    return escape(clip(shown_text, TMUX_CELLS, glyphs)) if for_tmux else shown_text


def escape(text: str) -> str:
    """Escape text so that tmux shows it literally."""
    return text.replace("#", "##")


def clip(text: str, cells: int, glyphs: Mapping[str, str]) -> str:
    """Cut text to `cells` and mark the cut with an ellipsis."""
    end = glyphs["ellipsis"]
    return text if len(text) <= cells else text[: cells - len(end)].rstrip() + end


def _parts(
    summary: StatusSummary, now: float, glyphs: Mapping[str, str], pools: int, *, tight: bool
) -> list[LinePart]:
    parts: list[LinePart] = [(0, _head(summary, now, glyphs, tight))]
    if (why := _waiting_for(summary, glyphs)) and not tight:
        parts.append((1, (("", why),)))
    elif why.endswith(UNRESOLVED):
        parts.append((1, (("", "host unknown"),)))
    up, desired = _number(summary, "workers", "up"), _number(summary, "workers", "desired")
    if up is not None and desired is not None:
        few = "caution" if up < desired else ""
        parts.append((3, ((few, fmt.share(int(up), int(desired)) + ("" if tight else " up")),)))
    parts += _memory(summary, glyphs, tight)
    if summary.get("recording") is False:
        parts.append((4, (("caution", "unrecorded" if tight else "not recorded"),)))
    port = _number(summary, "base_port")
    if pools > 1 and port is not None:
        parts.append((5, (("", f":{port:g}" + ("" if tight else f" of {pools} pools")),)))
    if tight:
        return parts
    gate, attention = _gate(summary), _number(summary, "workers", "attention")
    key, text = _text(summary, "next", "key"), _text(summary, "next", "text")
    parts += [(6, gate)] if gate else []
    parts += [(7, (("", f"{attention:g} to look at"),))] if attention else []
    parts += [(8, (("", f"{_plain(key, glyphs)} {_plain(text, glyphs)}"),))] if key and text else []
    return parts


def _head(summary: StatusSummary, now: float, glyphs: Mapping[str, str], tight: bool) -> tuple[Piece, ...]:
    """Return the verdict with its age, after a STALE or unwatched warning if it may be outdated."""
    level = _text(summary, "verdict", "level")
    over = " ended" if _at(summary, ("verdict", "ended")) is True else ""
    verdict = f"{glyphs[level]} {clip(_plain(_text(summary, 'verdict', 'word'), glyphs), WORD_CELLS, glyphs)}{over}"
    since, elapsed = _number(summary, "verdict", "since_s"), _number(summary, "run", "elapsed_s")
    held = "" if over or since is None or elapsed is None else f" {(fmt.about if tight else fmt.age)(elapsed - since)}"
    old_s = age_s(summary, now)
    long = "" if tight else "for "
    verdict = f"DEMO {verdict}" if is_demo(summary) else verdict
    if is_ended(summary):
        head = f"{glyphs['unknown']} unwatched {long}{fmt.about(old_s)}"
    elif not is_stale(summary, now):
        return ((level, verdict), ("", held))
    elif old_s < 0:
        head = f"{glyphs['stale']} STALE -{fmt.about(-old_s)}"
    else:
        head = f"{glyphs['stale']} STALE {long}{fmt.about(old_s)}"
    return (("unknown", head), ("", f" was {verdict}" if tight else f", was {verdict}{held}"))


def _waiting_for(summary: StatusSummary, glyphs: Mapping[str, str]) -> str:
    """Return why there is no verdict yet, without its explanation: "no pool found"; "" for every other word."""
    because = _at(summary, ("verdict", "because"))
    first = because[0] if isinstance(because, list) and because else ""
    if _text(summary, "verdict", "word") != "WAITING" or not isinstance(first, str):
        return ""
    return _plain(first.partition(": ")[0], glyphs)


def _memory(summary: StatusSummary, glyphs: Mapping[str, str], tight: bool) -> list[LinePart]:
    available = _number(summary, "memory", "available_bytes")
    if available is None:
        return [(2, (("", "mem ?" if tight else "memory not observed"),))]
    free: Piece = ("", f"{fmt.gigabytes(available)}GB" if tight else f"{fmt.gigabytes(available)} GB free")
    level, consequence = _leads_to(summary)
    leads = f"{glyphs['fall']} {_plain(consequence, glyphs)}"
    if not consequence:
        return [(2, (free,))]
    return [(2, (free,)), (1, ((level, leads),))] if tight else [(1, (free, (level, f" {leads}")))]


def _leads_to(summary: StatusSummary) -> Piece:
    """Return the consequence of the memory state, the most severe first; ("", ""): memory is fine."""
    kills = _number(summary, "memory", "oom_kills")
    if kills:
        return "stop", f"OOM kill {kills:g}"
    state, level = _text(summary, "memory", "forecast", "state"), _text(summary, "memory", "level")
    if state in ("WARNING", "CRITICAL"):
        # The uncertainty band would take too much room here.
        shown_text = _text(summary, "memory", "forecast", "text").partition(",")[0].partition(" ±")[0]
        return ("stop" if state == "CRITICAL" else "caution"), shown_text
    return {"crit": ("stop", "critical"), "warn": ("caution", "below floor")}.get(level, ("", ""))


def _gate(summary: StatusSummary) -> tuple[Piece, ...]:
    checks = _number(summary, "gate", "checks")
    passed, failed = _number(summary, "gate", "passed"), _number(summary, "gate", "failed")
    if not checks or passed is None or failed is None:
        phase = _text(summary, "gate", "phase")
        return (("", phase),) if phase else ()
    if failed:
        return (("stop", f"gate {failed:g}/{checks:g} failed"),)
    return (("", f"gate {passed:g}/{checks:g} passed"),)


def _fitting(parts: list[LinePart], cells: int, between: int) -> list[LinePart]:
    """Drop the least important parts until the others fit in `cells`."""

    def width(kept: list[LinePart]) -> int:
        return sum(len(text) for _, pieces in kept for _, text in pieces) + between * (len(kept) - 1)

    while len(parts) > 1 and width(parts) > cells:
        parts.remove(max(parts, key=lambda part: part[0]))
    return parts


def _styled(piece: Piece) -> str:
    level, text = piece
    return f"#[{_TMUX[level]}]{escape(text)}#[default]" if level else escape(text)


def _limit_s(summary: StatusSummary) -> float:
    return max(STALE_S, STALE_INTERVALS * (_number(summary, "interval_s") or 0.0))


def _plain(text: str, glyphs: Mapping[str, str]) -> str:
    """Replace control characters, and in ASCII mode every non-ASCII character."""
    safe = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return safe if glyphs is not ASCII else "".join(c if c.isascii() else _ASCII_OF.get(c, "?") for c in safe)


def _at(tree: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _number(tree: object, *keys: str) -> float | None:
    found = _at(tree, keys)
    usable = isinstance(found, int | float) and not isinstance(found, bool) and -1e18 < found < 1e18
    return float(found) if usable else None  # type: ignore[arg-type]


def _text(tree: object, *keys: str) -> str:
    found = _at(tree, keys)
    return found if isinstance(found, str) else ""
