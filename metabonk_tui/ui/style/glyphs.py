"""Defines every glyph by name, in Unicode and in ASCII, and the token and word of each state.

Does not: lay out. ASCII glyphs may be wider, so rows are built with the chosen set and never translated later.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec import Struct

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.level_names import AnyLevel
from metabonk_tui.core.model.snapshot import CheckResult
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.text.encoding import shows_unicode


class Glyphs(Struct, frozen=True):
    """One set of glyphs. Every Unicode glyph is one cell wide; some ASCII ones are two."""

    # component states
    active: str = "●"
    stalled: str = "◐"
    zero: str = "○"
    absent: str = "—"
    unproven: str = "◌"
    bad: str = "!"
    stale: str = "~"
    unobserved: str = "?"
    down: str = "×"
    resting: str = "◍"
    stranger: str = "?"
    pending: str = "·"
    # levels: shape equals exit code
    go: str = "●"
    caution: str = "▲"
    stop: str = "■"
    unknown: str = "◌"
    # stand-alone
    skipped: str = "~"
    to_come: str = "·"
    cursor: str = "▸"
    best: str = "◂"
    dot: str = "·"
    """Separates facts in one line."""
    # gauge
    used: str = "━"
    half: str = "╸"
    free: str = "─"
    floor: str = "┃"
    # rules, bars, tree
    rule: str = "─"
    heavy: str = "━"
    bar: str = "┃"
    """Left edge of the selected panel."""
    vertical: str = "│"
    tee: str = "├"
    corner: str = "└"
    branch: str = "┬"
    heavy_corner: str = "┗"
    heavy_branch: str = "┳"
    # dialog border
    top_left: str = "╭"
    top_right: str = "╮"
    bottom_left: str = "╰"
    bottom_right: str = "╯"
    # in words
    arrow: str = "→"
    head_arrow: str = "→"
    """For column heads, where there is one cell only."""
    up: str = "↑"
    down_arrow: str = "↓"
    plus_minus: str = "±"
    times: str = "×"
    ellipsis: str = "…"
    caret: str = "█"
    """The text cursor of an input field."""
    # sparkline and chart
    sparks: str = "▁▂▃▄▅▆▇█"
    braille: bool = True
    """False: the chart uses `history`, `forecast`, `floor_dash`."""
    history: str = "o"
    forecast: str = "."
    floor_dash: str = "-"

    def state(self, state: ComponentState) -> str:
        return str(getattr(self, state.value.lower()))

    def level(self, level: AnyLevel) -> str:
        """Return the glyph of a level, a severity or a memory level."""
        return str(getattr(self, levels.of_severity(level)))

    def check(self, result: CheckResult) -> str:
        return str(getattr(self, _CHECKS[result]))

    def text(self, text: str) -> str:
        """Convert text from elsewhere to this set; a character without an ASCII form becomes `?`."""
        if self.braille or text.isascii():
            return text
        return "".join(c if c.isascii() else _ASCII_OF.get(c, "?") for c in text)


UNICODE = Glyphs()
ASCII = Glyphs(
    active="*",
    stalled="%",
    zero="o",
    absent="-",
    unproven=".",
    down="x",
    resting="+",
    pending=".",
    go="*",
    caution="!",
    stop="#",
    unknown=".",
    to_come=".",
    cursor=">",
    best="<",
    dot=".",
    used="=",
    half="-",
    free="-",
    floor="|",
    rule="-",
    heavy="=",
    bar="|",
    vertical="|",
    tee="|",
    corner="`",
    branch="+",
    heavy_corner="`",
    heavy_branch="+",
    top_left="+",
    top_right="+",
    bottom_left="+",
    bottom_right="+",
    arrow="->",
    head_arrow=">",
    up="^",
    down_arrow="v",
    plus_minus="+-",
    times="x",
    ellipsis="..",
    caret="_",
    sparks=".:-=+#",
    braille=False,
)

_CHECKS: Mapping[CheckResult, str] = {
    "PASS": "go",
    "PARTIAL": "caution",
    "FAIL": "stop",
    "UNKNOWN": "unknown",
    "SKIPPED": "skipped",
    "TO COME": "to_come",
}

CHECK_TOKENS: Mapping[CheckResult, str] = {
    "PASS": "ok",
    "PARTIAL": "warn",
    "FAIL": "crit",
    "UNKNOWN": "unknown",
    "SKIPPED": "unknown",
    "TO COME": "muted",
}


def level_token(level: AnyLevel) -> str:
    """Return the colour token of a level, a severity or a memory level."""
    return levels.tone(level)


STATE_TOKENS: Mapping[ComponentState, str] = {
    ComponentState.ACTIVE: "ok",
    ComponentState.STALLED: "warn",
    ComponentState.ZERO: "muted",
    ComponentState.ABSENT: "crit",
    ComponentState.UNPROVEN: "unknown",
    ComponentState.BAD: "crit",
    ComponentState.STALE: "unknown",
    ComponentState.UNOBSERVED: "unknown",
    ComponentState.DOWN: "crit",
    ComponentState.RESTING: "okdim",
    ComponentState.STRANGER: "unknown",
    ComponentState.PENDING: "muted",
}

STATE_WORDS: Mapping[ComponentState, str] = {
    state: state.value if STATE_TOKENS[state] == "crit" else state.value.lower() for state in ComponentState
}
"""Upper case for states that need the operator; these are also bold."""

_ASCII_OF: Mapping[str, str] = {
    **{getattr(UNICODE, name): getattr(ASCII, name) for name in (
        "active", "stalled", "zero", "absent", "unproven", "resting", "caution", "stop", "cursor", "best", "used",
        "half", "free", "floor", "vertical", "tee", "corner", "branch", "top_left", "top_right", "bottom_left",
        "bottom_right",
        "arrow", "plus_minus", "times", "ellipsis", "dot", "up", "down_arrow",
    )},
    "²": "^2",
    "–": "-",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "≥": ">=",
    "≤": "<=",
}  # fmt: skip


ASCII_TERMS = frozenset({"linux", "vt52", "vt100", "vt102", "vt220", "vt320", "ansi", "cons25", "sun"})
"""Terminals that have a font of 256 or 512 signs, or none of Unicode; a name like vt100-w counts too."""


def choose_glyphs(wanted: str, environ: Mapping[str, str] = os.environ, encoding: str = "utf-8") -> Glyphs:
    """Choose a set: "unicode", "ascii", or "auto", which finds out what the terminal shows.

    ASCII is for a locale that is not UTF-8 or is CJK, and for terminals without a font of Unicode.

    Several glyphs are East Asian "ambiguous": many terminals of CJK locales draw them two cells wide.
    """
    if wanted == "unicode":
        return UNICODE
    has_font = environ.get("TERM", "").partition("-")[0] not in ASCII_TERMS
    return UNICODE if wanted != "ascii" and has_font and shows_unicode(encoding, environ) else ASCII
