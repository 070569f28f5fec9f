"""Prints the state of a pool from the status file that its monitor renews.

Does not: import heavy modules, because shell prompts call it for every command.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping

from metabonk_tui.adapters.state.paths import state_path
from metabonk_tui.adapters.state.status_file import UnreadableStatusFile, find, folder_of, read
from metabonk_tui.core.export import status_line
from metabonk_tui.core.text.encoding import shows_unicode

FORMATS = ("line", "json", "tmux")


def show(how: str, host: str | None, port: int | None, now: float | None = None) -> int:
    """Print the state in one of `FORMATS`; return the exit code: 0 go, 1 caution, 2 STOP, 3 not known."""
    now = time.time() if now is None else now
    glyphs = glyphs_for(sys.stdout.encoding or "ascii", os.environ)
    summaries, problem = _read_summaries(host, port)
    if not summaries:
        problem = problem or _no_monitor_text(host, port)
        print(_json({"problem": problem}, True, None, 0) if how == "json" else _unknown_text(problem, how, glyphs))
        return status_line.NOT_KNOWN
    chosen = status_line.most_severe(summaries, now)
    if how == "json":
        print(_json(chosen, status_line.is_stale(chosen, now), status_line.age_s(chosen, now), len(summaries)))
    else:
        write = status_line.tmux if how == "tmux" else status_line.line
        print(write(chosen, now, glyphs, len(summaries)))
    return status_line.exit_code(chosen, now)


def glyphs_for(encoding: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the ASCII glyphs where encoding or locale is not UTF-8, or where glyphs are two cells wide."""
    return status_line.UNICODE if shows_unicode(encoding, environ) else status_line.ASCII


def _read_summaries(host: str | None, port: int | None) -> tuple[list[status_line.StatusSummary], str]:
    """Read the usable status files, and the fault of the newest unusable one, or ""."""
    folder = folder_of(state_path())
    summaries: list[status_line.StatusSummary] = []
    problem = ""
    try:
        paths = find(folder, host, port)
    except UnreadableStatusFile as error:
        return [], f"{folder}: {error}"
    for path in paths:
        try:
            found = read(path)
            fault = status_line.fault(found)
        except UnreadableStatusFile as error:
            fault = str(error)
        if fault:
            problem = problem or f"{fault}: {path}"
        elif isinstance(found, dict):
            summaries.append(found)
    return summaries, problem


def _no_monitor_text(host: str | None, port: int | None) -> str:
    where = [f"port {port}"] if port is not None else []
    where = [f"{host}", *where] if host is not None else where
    return f"no monitor of {' '.join(where)}" if where else "no monitor"


def _unknown_text(problem: str, how: str, glyphs: Mapping[str, str]) -> str:
    return status_line.unknown(problem, glyphs, for_tmux=how == "tmux")


def _json(summary: status_line.StatusSummary, stale: bool, age_s: float | None, pools: int) -> str:
    return json.dumps(
        {"schema": status_line.SCHEMA, **summary, "stale": stale, "age_s": age_s, "pools": pools}, indent=2
    )
