"""Prints how a pool stands, from the small file that its monitor renews.

Imports little: it is asked at every prompt.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping

from metabonk_tui.adapters.state_file import Unreadable, find, folder_of, read
from metabonk_tui.adapters.state_place import state_place
from metabonk_tui.core import brief_line as said

FORMATS = ("line", "json", "tmux")


def show(how: str, host: str | None, port: int | None, now: float | None = None) -> int:
    """Print it in one of `FORMATS` and return the exit code: 0 go, 1 caution, 2 STOP, 3 not known."""
    now = time.time() if now is None else now
    glyphs = glyphs_for(sys.stdout.encoding or "ascii", os.environ)
    briefs, problem = _briefs(host, port)
    if not briefs:
        problem = problem or _nobody(host, port)
        print(_json({"problem": problem}, True, None, 0) if how == "json" else _unknown(problem, how, glyphs))
        return said.NOT_KNOWN
    chosen = said.loudest(briefs, now)
    if how == "json":
        print(_json(chosen, said.is_stale(chosen, now), said.age_s(chosen, now), len(briefs)))
    else:
        write = said.tmux if how == "tmux" else said.line
        print(write(chosen, now, glyphs, len(briefs) - 1))
    return said.exit_code(chosen, now)


def glyphs_for(encoding: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Choose what the terminal can show, as the monitor does."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    plain = "utf" not in encoding.lower() or locale[:2] in ("zh", "ja", "ko")
    return said.ASCII if plain else said.UNICODE


def _briefs(host: str | None, port: int | None) -> tuple[list[said.Brief], str]:
    """Read the briefs that can be told, and why the newest other one cannot."""
    folder = folder_of(state_place())
    briefs: list[said.Brief] = []
    problem = ""
    try:
        paths = find(folder, host, port)
    except Unreadable as error:
        return [], f"{folder}: {error}"
    for path in paths:
        try:
            found = read(path)
            fault = said.fault(found)
        except Unreadable as error:
            fault = str(error)
        if fault:
            problem = problem or f"{fault}: {path}"
        elif isinstance(found, dict):
            briefs.append(found)
    return briefs, problem


def _nobody(host: str | None, port: int | None) -> str:
    where = [f"port {port}"] if port is not None else []
    where = [f"{host}", *where] if host is not None else where
    return f"no monitor of {' '.join(where)}" if where else "no monitor"


def _unknown(problem: str, how: str, glyphs: Mapping[str, str]) -> str:
    return said.unknown(problem, glyphs, for_tmux=how == "tmux")


def _json(brief: said.Brief, stale: bool, age_s: float | None, pools: int) -> str:
    return json.dumps({"schema": said.SCHEMA, **brief, "stale": stale, "age_s": age_s, "pools": pools}, indent=2)
