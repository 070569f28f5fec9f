"""Checks the terminal from its environment. Does not: write to it, or ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.schema import UiConfig

FULL_CELLS, FULL_ROWS = 80, 24
TMUX_LIMIT_S = 2.0
TmuxOptions = Mapping[str, str]
"""Values of `set-clipboard` and `allow-passthrough`; "" for one that this tmux does not have."""


def terminal_findings(ui: UiConfig, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Check the terminal that this process was started in."""
    wide, high = size()
    yield size_finding(wide, high)
    if not wide:
        return
    yield _colours(environ)
    yield unicode_finding(ui, environ, sys.stdout.encoding or "")
    tmux = read_tmux(environ) if environ.get("TMUX") else None
    yield clipboard_finding(environ, tmux)
    yield notification_finding(ui, environ, tmux)


def size() -> tuple[int, int]:
    """Return columns and rows of the terminal that any of the standard streams is; (0, 0): none is."""
    for descriptor in (1, 0, 2):
        try:
            return tuple(os.get_terminal_size(descriptor))  # type: ignore[return-value]
        except OSError:
            continue
    return 0, 0


def size_finding(wide: int, high: int) -> Finding:
    """Judge the size of the terminal; (0, 0): there is none."""
    if not wide:
        return Finding(
            "terminal",
            "size",
            "MISSING",
            "no terminal",
            "the monitor cannot open here; check, record, status and report can run",
            "over ssh: ssh -t HOST metabonk-tui",
        )
    seen = f"{wide} columns, {high} rows"
    if wide >= FULL_CELLS and high >= FULL_ROWS:
        return Finding("terminal", "size", "PASS", seen)
    return Finding(
        "terminal", "size", "MISSING", seen, "workers are drawn smaller, and panes are left out", "use 80x24 or more"
    )


def _colours(environ: Mapping[str, str]) -> Finding:
    from metabonk_tui.ui.terminal.colors import color_name, is_monochrome

    seen = f"TERM={environ.get('TERM', '')} COLORTERM={environ.get('COLORTERM', '')}".strip()
    if is_monochrome(environ):
        why = "NO_COLOR is set" if environ.get("NO_COLOR") else f"{seen} has no colours"
        return Finding("terminal", "colours", "MISSING", why, "glyphs and words alone show the states")
    name = color_name(environ) or "as TEXTUAL_COLOR_SYSTEM says"
    if name == "standard":
        return Finding(
            "terminal",
            "colours",
            "MISSING",
            f"16 colours ({seen})",
            "themes are drawn in the nearest of 16 colours",
            "export COLORTERM=truecolor, if the terminal can",
        )
    return Finding("terminal", "colours", "PASS", f"{name} ({seen})")


def unicode_finding(ui: UiConfig, environ: Mapping[str, str], encoding: str) -> Finding:
    """Judge whether the glyphs can be drawn."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or "C"
    seen = f"locale {locale}, encoding {encoding}"
    if ui.glyphs == "ascii":
        return Finding("terminal", "Unicode", "PASS", f'not needed: ui.glyphs = "ascii" ({seen})')
    if "utf" in encoding.lower() and "utf" in locale.lower():
        return Finding("terminal", "Unicode", "PASS", seen)
    return Finding(
        "terminal",
        "Unicode",
        "MISSING",
        seen,
        "glyphs may be drawn as question marks or boxes",
        'export LANG=C.UTF-8, or set ui.glyphs = "ascii"',
    )


def read_tmux(environ: Mapping[str, str]) -> TmuxOptions | None:
    """Ask tmux for two options of this pane; None: it did not answer."""
    names = ("set-clipboard", "allow-passthrough")
    pane = ("-t", environ["TMUX_PANE"]) if environ.get("TMUX_PANE") else ()
    command = ("tmux", "display-message", "-p", *pane, "#{set-clipboard}\n#{allow-passthrough}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TMUX_LIMIT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    if done.returncode:
        return None
    values = [line.strip() for line in done.stdout.split("\n")]
    # In a format, tmux writes a flag as a number.
    return dict(zip(names, [{"0": "off", "1": "on", "2": "all"}.get(value, value) for value in values], strict=False))


def clipboard_finding(environ: Mapping[str, str], tmux: TmuxOptions | None) -> Finding:
    """Judge whether `y` reaches the clipboard: it writes OSC 52."""
    costs = "y copies nothing"
    if environ.get("TMUX"):
        if tmux is None:
            return Finding("terminal", "clipboard", "MISSING", "tmux does not say", costs)
        value = tmux.get("set-clipboard", "")
        if value == "on":
            return Finding("terminal", "clipboard", "PASS", "tmux has set-clipboard on")
        return Finding(
            "terminal",
            "clipboard",
            "MISSING",
            f"tmux has set-clipboard {value or 'unset'}",
            costs,
            "tmux set -s set-clipboard on",
        )
    return _without_tmux("clipboard", environ, costs, "OSC 52 goes straight to the terminal, which may refuse it")


def notification_finding(ui: UiConfig, environ: Mapping[str, str], tmux: TmuxOptions | None) -> Finding:
    """Judge whether desktop notifications reach the terminal: tmux passes them on only where it is permitted."""
    costs = "no desktop notification of a critical alert"
    if ui.notify == "off":
        return Finding("terminal", "notifications", "PASS", 'switched off: ui.notify = "off"')
    if environ.get("TMUX"):
        value = (tmux or {}).get("allow-passthrough", "")
        if tmux is not None and value in ("on", "all", ""):
            # A tmux before 3.3 has no such option, and passes everything on.
            return Finding("terminal", "notifications", "PASS", f"tmux passes them on (allow-passthrough {value})")
        return Finding(
            "terminal",
            "notifications",
            "MISSING",
            f"tmux has allow-passthrough {value or 'unknown'}",
            costs,
            "tmux set -g allow-passthrough on",
        )
    return _without_tmux("notifications", environ, costs, f"{ui.notify} goes straight to the terminal")


def _without_tmux(title: str, environ: Mapping[str, str], costs: str, found: str) -> Finding:
    term = environ.get("TERM", "")
    if environ.get("STY"):
        return Finding("terminal", title, "MISSING", "GNU screen drops the sequence", costs, "use tmux")
    if term in ("", "linux", "dumb", "vt100"):
        return Finding("terminal", title, "MISSING", f"TERM={term} has none", costs)
    return Finding("terminal", title, "PASS", found)
