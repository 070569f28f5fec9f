"""Names of hosts in a column: short, different, and with the slot of a worker."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host_view import HostView
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from metabonk_tui.ui.views.layout.section import shown_host, shown_id, shown_label
from tests.support import snapshots
from tests.support.draw import text_of
from tests.support.refs import w

RACK = "gpu-node-partition-a-rack-17-unit-"
LONG = [f"{RACK}{number:04d}.cluster.example" for number in range(42, 45)]


def scene(*names: str) -> Snapshot:
    base = snapshots.healthy(2)
    workers = tuple(replace(each, ref=w(each.slot, name)) for name in names for each in base.workers)
    return replace(
        base, workers=workers, hosts={name: HostView(replace(base.memory, host=name), None) for name in names}
    )


@pytest.mark.parametrize(
    ("names", "most", "shown"),
    [
        (("n1", "n2"), 16, ("n1", "n2")),
        (tuple(LONG), 16, ("gpu-n…-unit-0042", "gpu-n…-unit-0043", "gpu-n…-unit-0044")),
        (tuple(LONG), 6, ("g…0042", "g…0043", "g…0044")),
        # Names that differ only in their domain, in the middle, or at the begin.
        (("gpu1.west.example.org", "gpu1.east.example.org"), 18, ("gpu1.w…example.org", "gpu1.e…example.org")),
        (("a" * 10 + "1" + "b" * 20, "a" * 10 + "2" + "b" * 20), 16, ("a" * 10 + "1…bbbb", "a" * 10 + "2…bbbb")),
        (("west-gpu-node-number-00001", "east-gpu-node-number-00001"), 16, ("west-…mber-00001", "east-…mber-00001")),
        (("x" * 64,), 16, ("xxxxx…xxxxxxxxxx",)),
    ],
)
def test_a_long_name_is_cut_where_the_hosts_are_alike(
    names: tuple[str, ...], most: int, shown: tuple[str, ...]
) -> None:
    assert tuple(shown_host(name, scene(*names), UNICODE, most) for name in names) == shown
    assert max(map(len, shown)) <= most


def test_names_that_no_cut_tells_apart_are_cut_all_the_same() -> None:
    names = ("a" * 20 + "1" + "b" * 20, "a" * 20 + "2" + "b" * 20)
    assert [len(shown_host(name, scene(*names), UNICODE)) for name in names] == [16, 16]


def test_the_slot_always_stands() -> None:
    snapshot = scene(*LONG)
    assert shown_label(w(7, LONG[0]), snapshot, UNICODE, 12) == "gp…t-0042/w7"
    assert shown_label(w(123, LONG[0]), snapshot, UNICODE, 3).endswith("42/w123")
    assert shown_id(w(7, LONG[0]), snapshot, UNICODE, 12) == "gpu…t-0042/7"
    assert shown_label(w(7, LONG[0]), snapshot, ASCII, 14) == "gpu..t-0042/w7"
    assert shown_label(w(7), snapshots.healthy(2), UNICODE, 2) == "w7", "without hosts nothing is cut"


def test_a_host_that_the_snapshot_does_not_list_is_cut_as_well() -> None:
    assert len(shown_host(LONG[0], snapshots.healthy(2), UNICODE)) == 16


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_dashboard_keeps_its_columns_and_names_every_host(size: tuple[int, int]) -> None:
    text = text_of(scene(*LONG), *size)
    assert all(len(line) <= size[0] for line in text.splitlines())
    for name in LONG:
        assert f"{name.partition('.')[0][-4:]}/w0" in text
    assert RACK not in text


def test_a_name_never_touches_the_number_behind_it() -> None:
    text = text_of(scene("node1", LONG[0]), 100, 30, "learning")
    assert "node1/w0 1 transition" in text
    assert f"{LONG[0]}/w1 3 transitions" in text
