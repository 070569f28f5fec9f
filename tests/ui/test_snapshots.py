"""The real app in a terminal of each size, as pictures. Renew them with --snapshot-update and look at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from tests.support.rare_snapshots import ALL
from tests.ui.conftest import ScriptedMonitor, read_config

CASES = [
    ("healthy", (120, 40), "dark", ()),
    ("stop", (80, 24), "dark", ()),
    ("memory-watch", (200, 60), "dark", ()),
    ("mixed", (120, 40), "light", ("right", "down")),
    ("stop", (120, 40), "ansi-16", ()),
    ("stop", (120, 40), "high-contrast", ("v",)),
    ("64", (80, 24), "dark", ()),
    ("mixed", (120, 40), "dark", ("right", "right", "enter")),
    ("stop", (80, 24), "ascii", ()),
    ("partial", (120, 40), "dark", ()),
    ("partial", (80, 24), "light", ()),
    ("over", (120, 40), "dark", ()),
    ("leak", (120, 40), "dark", ("m",)),
    ("leak", (80, 24), "light", ("m",)),
    ("leak", (200, 60), "ansi-16", ("m",)),
]

NAMES = [f"{scene}-{wide}x{high}-{'-'.join((theme, *keys))}" for scene, (wide, high), theme, keys in CASES]


@pytest.mark.parametrize(("scene", "size", "theme", "keys"), CASES, ids=NAMES)
def test_the_app_looks_like_this(
    scene: str,
    size: tuple[int, int],
    theme: str,
    keys: tuple[str, ...],
    make_app: Callable[..., MonitorApp],
    snap_compare: Any,
) -> None:
    glyphs = ASCII if theme == "ascii" else UNICODE
    config = read_config(theme="dark" if theme == "ascii" else theme)
    app = make_app(ScriptedMonitor(ALL[scene]()), screens=all_screens(), config=config, glyphs=glyphs, zone=UTC)
    assert snap_compare(app, press=keys, terminal_size=size)
