"""The screens as text, kept and looked at. Draw them anew with METABONK_TUI_GOLDEN=write and read the difference."""

from __future__ import annotations

import os

import pytest

from tests.support.draw import chosen, text_of
from tests.support.log_views import searched
from tests.support.paths import UI_GOLDEN as GOLDEN
from tests.support.rare_snapshots import ALL
from tests.support.snapshots import SCENES

CASES = [
    *(
        ("dashboard", scene, size)
        for scene in SCENES
        if scene not in ("hostile", "alarmed")
        for size in ((80, 24), (120, 40), (200, 60))
    ),
    *(("dashboard", scene, size) for scene in ("healthy", "stop", "64") for size in ((40, 12), (20, 5), (120, 7))),
    *(("verdict", scene, (120, 60)) for scene in ("healthy", "stop", "memory-watch", "waiting", "mixed")),
    *(("verdict", scene, (80, 60)) for scene in ("stop", "memory-watch")),
    *(
        ("memory", scene, size)
        for scene in ("healthy", "leak", "learning", "no-memory", "mixed")
        for size in ((80, 24), (120, 40), (200, 60))
    ),
    *(("memory", "leak", size) for size in ((80, 60), (40, 12), (20, 5))),
    *(("alerts", "alarmed", size) for size in ((80, 24), (120, 40), (200, 60), (40, 12), (20, 5))),
    ("alerts", "healthy", (80, 24)),
    *(("dashboard", "alarmed", size) for size in ((80, 24), (120, 40))),
    ("worker", "mixed", (120, 60)),
    ("worker", "waiting", (120, 60)),
    ("worker", "mixed", (80, 90)),
    ("worker", "accused", (80, 90)),
    ("worker", "accused", (120, 60)),
    ("verdict", "accused", (120, 60)),
    *(("worker", "killed", size) for size in ((80, 60), (120, 60), (200, 60))),
    *(("verdict", "killed", size) for size in ((40, 60), (80, 60), (120, 60), (200, 60))),
    *(("logs", scene, size) for scene in ("logged", "healthy") for size in ((80, 24), (120, 40), (200, 60))),
    *(("dashboard", scene, size) for scene in ("partial", "over") for size in ((80, 24), (120, 40), (200, 60))),
    *(("verdict", scene, (120, 60)) for scene in ("partial", "over")),
    *(("obituary", "died", size) for size in ((80, 24), (120, 40), (200, 60))),
    *(("memory", "thrashing", size) for size in ((80, 60), (120, 60), (200, 60))),
]


@pytest.mark.parametrize(("screen", "scene", "size"), CASES, ids=lambda value: str(value))
def test_it_still_looks_like_this(screen: str, scene: str, size: tuple[int, int]) -> None:
    slot = 2 if screen == "worker" else None
    screen_text = text_of(ALL[scene](), *size, screen, state=chosen(slot))
    kept = GOLDEN / f"{screen}-{scene}-{size[0]}x{size[1]}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)], ids=str)
@pytest.mark.parametrize("source", ["merged", "w3"])
def test_the_logs_still_look_like_this(source: str, size: tuple[int, int]) -> None:
    snapshot = ALL["memory-watch"]()
    view, choice = searched(snapshot.t, source)
    screen_text = text_of(snapshot, *size, "logs", state=chosen(log=choice), logs=view)
    kept = GOLDEN / f"logs-{source}-{size[0]}x{size[1]}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")


def test_the_logs_in_ascii_still_look_like_this() -> None:
    snapshot = ALL["memory-watch"]()
    view, choice = searched(snapshot.t, "merged")
    screen_text = text_of(snapshot, 80, 24, "logs", ascii=True, state=chosen(log=choice), logs=view)
    kept = GOLDEN / "ascii-logs-merged-80x24.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")
    assert screen_text.isascii()


def test_the_memory_screen_in_ascii_still_looks_like_this() -> None:
    screen_text = text_of(ALL["leak"](), 80, 60, "memory", ascii=True)
    kept = GOLDEN / "ascii-memory-leak-80x60.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")
    assert screen_text.isascii()


def test_the_alerts_in_ascii_still_look_like_this() -> None:
    screen_text = text_of(SCENES["alarmed"](), 80, 24, "alerts", ascii=True)
    kept = GOLDEN / "ascii-alerts-alarmed-80x24.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")
    assert screen_text.isascii()


def test_ascii_still_looks_like_this() -> None:
    screen_text = text_of(ALL["stop"](), 80, 24, ascii=True, state=chosen(2))
    kept = GOLDEN / "ascii-stop-80x24.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")
