"""Workers do not move under the cursor, and nothing is selected before a key selects it."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import snapshots as scenes
from tests.ui.conftest import ScriptedMonitor, read_config

SIZE = (80, 24)


class Desk:
    """The real screens, keys and Snapshots, without a terminal."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.controller = Controller(ScriptedMonitor(snapshot), read_config(), all_screens())
        self.controller.update(snapshot)
        self.at_s = 0.0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.at_s += 1.0
            self.controller.press(key, key if len(key) == 1 else None, self.at_s, *SIZE)

    @property
    def lines(self) -> list[str]:
        return [plain(row) for row in self.controller.rows(*SIZE)]

    @property
    def order(self) -> list[str]:
        """The workers of the first row of cells."""
        at = next(i for i, line in enumerate(self.lines) if line.startswith(" WORKERS"))
        return [word for word in self.lines[at + 1].replace("▸", " ").split() if word.isdigit()]


def down(snapshot: Snapshot, slot: int) -> Snapshot:
    """Return a later Snapshot in which this worker is down."""
    workers = [replace(worker, reach=Reach.DOWN) if worker.slot == slot else worker for worker in snapshot.workers]
    return replace(snapshot, t=snapshot.t + 1, workers=tuple(workers))


def test_before_the_first_key_nothing_is_selected_and_the_worst_come_first() -> None:
    desk = Desk(scenes.many(72))
    assert "▸" not in "".join(desk.lines)
    assert desk.order[:4] == ["13", "21", "22", "40"]
    desk.controller.update(down(scenes.many(72), 50))
    assert desk.order[:4] == ["13", "50", "21", "22"], "none of those is among them: the worst come first again"
    desk.press("j")
    assert desk.controller.state.ref == scenes.many(72).workers[13].ref


def test_under_the_cursor_no_worker_moves_until_it_is_asked_for() -> None:
    desk = Desk(scenes.many(72))
    desk.press("j", "right", "right")
    before = desk.order
    assert desk.controller.state.ref == scenes.many(72).workers[22].ref
    desk.controller.update(down(scenes.many(72), 50))
    assert desk.order == before
    assert "worst first, held" in "".join(desk.lines)
    desk.press("a")
    assert desk.order[:4] == ["13", "50", "21", "22"]
    assert "held" not in "".join(desk.lines)
    assert desk.controller.state.ref == scenes.many(72).workers[22].ref, "the cursor stays with its worker"
    desk.press("a")
    assert desk.order[:4] == ["00", "01", "02", "03"]
    desk.press("a", "escape")
    assert "▸" not in "".join(desk.lines)
    desk.controller.update(scenes.many(72))
    assert desk.order[:4] == ["13", "21", "22", "40"], "without a cursor the order is free again"


def test_a_screen_of_one_worker_stays_with_it_and_nothing_is_stopped_unselected() -> None:
    desk = Desk(scenes.many(72))
    desk.press("K")
    assert "select a worker first" in desk.lines[-1]
    desk.press("enter")
    assert desk.controller.screen == "worker"
    assert desk.controller.frame(*SIZE).worker == scenes.many(72).workers[13], "the worst one"
    desk.controller.update(down(scenes.many(72), 4))
    worker = desk.controller.frame(*SIZE).worker
    assert worker is not None
    assert worker.slot == 13


def test_numbers_that_change_do_not_sort_the_table_under_the_cursor() -> None:
    snapshot = scenes.healthy(5)
    desk = Desk(snapshot)
    desk.press("z", "z", "s", "s", "s", "j")
    assert desk.controller.state.held == tuple(worker.ref for worker in desk.controller.frame(*SIZE).workers)
    first = desk.controller.frame(*SIZE).workers[0]
    workers = tuple(replace(each, components=snapshot.workers[2].components) for each in snapshot.workers)
    desk.controller.update(replace(snapshot, t=snapshot.t + 1, workers=workers))
    assert desk.controller.frame(*SIZE).workers[0].ref == first.ref


def test_the_footer_says_that_esc_lets_go_of_the_cursor() -> None:
    desk = Desk(scenes.mixed())

    def of_esc() -> list[tuple[str, bool]]:
        return [(hint.label, hint.keep) for hint in desk.controller.frame(*SIZE).hints if hint.key == "Esc"]

    assert of_esc() == []
    desk.press("j")
    assert of_esc() == [("clear cursor", False)], "it is dropped where the row is short"
    desk.press("escape")
    assert "▸" not in "".join(desk.lines)
    assert of_esc() == []


def test_up_offers_each_filter_once_the_last_one_first() -> None:
    desk = Desk(scenes.mixed())
    for keys, wanted in ((("up",), "ill"), (("up", "up"), "down"), (("up",), "down"), (("up", "up"), "ill")):
        desk.press("/", *keys, "enter")
        assert desk.controller.state.filter == wanted
        desk.press("escape")
