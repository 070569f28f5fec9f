"""The dashboard of a monitor without a pool: every size, the keys that make sense, and a pool that appears."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.style.glyphs import ASCII
from metabonk_tui.ui.way_keys import way_effect
from tests.support import snapshots as scenes
from tests.support.samples import down, header, last, room, script
from tests.ui.views.dashboard.conftest import SittingAt

SEARCH = PoolSearch("~/.config/metabonk-tui/config.toml", has_file=False, is_local=True)
PROBLEM = "launch.py is not in /srv: set pool.launcher.directory to your MetaBonk checkout"


def searched(pool: PoolReading) -> Snapshot:
    run = header(0.0, None, 10.0, how="first sample")
    return last(
        script(down, for_s=60, run=run, processes=lambda _t: (), memory=lambda _t: room(16), pool=lambda _t: pool)
    )


NOTHING = searched(PoolReading(backend="launcher", controller="us", problem=PROBLEM))


class Sitting(SittingAt):
    """A person at a monitor without a pool."""

    def __init__(self, snapshot: Snapshot = NOTHING, search: PoolSearch | None = SEARCH, **how: object) -> None:
        super().__init__(snapshot, search, **how)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16), (38, 50), (80, 6), (20, 5)])
@pytest.mark.parametrize("glyphs", [None, ASCII])
def test_no_size_shows_a_worker_that_nobody_launched(size: tuple[int, int], glyphs: object) -> None:
    text = Sitting(**({"glyphs": glyphs} if glyphs else {})).text(*size)
    assert "w0" not in text
    assert "starting" not in text
    if size[0] >= 60 and size[1] >= 16:
        assert "metabonk-tui demo" in text
        assert "metabonk-tui setup" in text
        assert "metabonk-tui --base-port PORT" in text
    if size[0] >= 80 and size[1] >= 24:
        assert "VERDICT" in text
        assert "127.0.0.1:5000 to 5002: all refuse" in text
        assert "no file at ~/.config/metabonk-tui/config.toml" in text
        assert PROBLEM.split(":")[0] in text


@pytest.mark.parametrize("key", ["/", "z", "a", "s", "I", "1", "6", "Enter", "Tab"])
def test_keys_about_workers_say_that_there_is_no_pool(key: str) -> None:
    sitting = Sitting()
    assert sitting.press(key).endswith("no pool yet")
    assert "LOOKED FOR" in sitting.text()


@pytest.mark.parametrize(
    ("key", "shown"), [("?", "STATES"), ("m", "MEMORY"), ("v", "DECISION"), ("!", "Esc back"), (":", "Enter run")]
)
def test_the_other_keys_work(key: str, shown: str) -> None:
    sitting = Sitting()
    assert sitting.press(key) == ""
    assert shown in sitting.text(120, 40)


def test_the_footer_has_the_keys_that_make_sense() -> None:
    foot = Sitting().text().splitlines()[-1]
    assert [word for word in ("? help", "q quit", "T theme", "y copy", ": commands") if word not in foot] == []
    assert "filter" not in foot
    assert "L launch" not in foot, "nothing can be launched from here"
    ready = Sitting(searched(PoolReading(backend="launcher", controller="us")))
    assert "L launch" in ready.text().splitlines()[-1]
    ready.press("L")
    assert ready.controller.dialog is not None


def test_what_is_copied_is_what_is_shown() -> None:
    sitting = Sitting()
    effect = sitting.controller.press("y", "y", 1.0, 80, 24)
    assert "LOOKED FOR" in effect.copy
    assert "metabonk-tui demo" in effect.copy


def test_a_pool_that_appears_takes_the_page_and_its_end_keeps_it() -> None:
    sitting = Sitting()
    assert "LOOKED FOR" in sitting.text()
    sitting.controller.update(scenes.healthy())
    assert "w0" in sitting.text()
    assert "filter" in sitting.text(120, 40).splitlines()[-1]


def test_with_a_configured_pool_the_dashboard_is_as_usual() -> None:
    text = Sitting(search=None).text()
    assert "LOOKED FOR" not in text
    assert "w0" in text


def test_it_says_how_many_workers_would_fit() -> None:
    assert NOTHING.memory.budget is not None
    assert f"fits ~{NOTHING.memory.budget.fits} workers" in Sitting().text(80, 24)


def ways_of(sitting: Sitting, key: str) -> Effect | None:
    return way_effect(key, key if len(key) == 1 else None, 1.0, sitting.controller, 80, 24)


@pytest.mark.parametrize(
    ("key", "runs_verbs", "expected"),
    [
        ("1", True, ("demo",)),
        ("2", True, ("setup",)),
        ("3", True, ()),
        ("q", True, None),
        ("4", True, None),
        ("enter", True, None),
        ("1", False, None),
        ("3", False, None),
    ],
)
def test_a_number_does_what_stands_beside_it(key: str, runs_verbs: bool, expected: tuple[str, ...] | None) -> None:
    sitting = Sitting(search=replace(SEARCH, runs_verbs=runs_verbs))
    assert ("\n 1 metabonk-tui demo\n" in sitting.text()) == runs_verbs
    assert ("\n 3 metabonk-tui --base-port PORT\n" in sitting.text()) == runs_verbs
    effect = ways_of(sitting, key)
    assert (None if effect is None else effect.run) == expected
    assert (sitting.controller.dialog is not None) == (key == "3" and runs_verbs)
    sitting.controller.dialog = None
    sitting.press("?")
    assert ways_of(sitting, key) is None


def test_a_number_starts_nothing_where_a_pool_is() -> None:
    sitting = Sitting(scenes.stop(), search=replace(SEARCH, runs_verbs=True))
    assert [ways_of(sitting, key) for key in ("1", "2", "3", "enter")] == [None] * 4


@pytest.mark.parametrize(
    ("typed", "elsewhere", "expected"),
    [
        ("5600", "", ("--base-port", "5600")),
        ("node2:5600", "", ("--host", "node2", "--base-port", "5600")),
        ("", "5 workers of this checkout listen on 5600, 5601; pool.base_port is 5000", ("--base-port", "5600")),
        ("", "1 worker of this launch listens on 7000; pool.base_port is 5000", ("--base-port", "7000")),
        ("", "", ()),
    ],
)
def test_3_asks_for_the_address_of_the_other_pool(typed: str, elsewhere: str, expected: tuple[str, ...]) -> None:
    snapshot = searched(PoolReading(backend="launcher", controller="us", elsewhere=elsewhere))
    sitting = Sitting(snapshot, search=replace(SEARCH, runs_verbs=True))
    ways_of(sitting, "3")
    assert "port or host" in sitting.text()
    for character in typed:
        sitting.press(character)
    effect = sitting.controller.press("enter", None, 2.0, 80, 24)
    assert effect.run == expected
    assert sitting.controller.dialog is None


def test_3_says_what_it_takes_and_keeps_a_text_that_is_no_address() -> None:
    sitting = Sitting(search=replace(SEARCH, runs_verbs=True))
    ways_of(sitting, "3")
    for character in "70000":
        sitting.press(character)
    assert sitting.controller.press("enter", None, 2.0, 80, 24).run == ()
    foot = sitting.text().splitlines()[-1]
    assert "not valid; type 5600, node2 or node2:5600" in foot
    assert "70000" in foot
    for size in [(80, 6), (40, 12), (30, 24), (20, 5)]:
        sitting.text(*size)
    sitting.press("escape")
    assert "LOOKED FOR" in sitting.text()
