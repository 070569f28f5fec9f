"""The environment screen: what it proves, what it refuses to claim, and that it fits everywhere."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import EnvView
from metabonk_tui.ui.style.spans import plain, width
from tests.support.draw import SIZES, chosen, defaults, rows_of, text_of
from tests.support.snapshots import healthy, many, stop

WANTED: Mapping[str, str] = defaults().required_environment
FILE = EnvFileReading("/pool/metabonk.env", {**WANTED, "METABONK_UI_BASE_EPS": "0.2"}, frozenset())
REWARD = "METABONK_INTRINSIC_REWARD"


def with_environment(
    snapshot: Snapshot, values: Mapping[str, str] | None, file: EnvFileReading | None = FILE, error: str | None = None
) -> Snapshot:
    """Every worker's process was started with these values."""
    view = EnvView(0, len(WANTED), (), (), error)
    workers = tuple(replace(worker, environment=values, env=view) for worker in snapshot.workers)
    return replace(snapshot, workers=workers, env_file=file)


def draw_screen(snapshot: Snapshot, wide: int = 120, high: int = 40, **over: object) -> str:
    return text_of(snapshot, wide, high, "environment", **over)


def line(text: str, key: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(key))


def test_a_file_that_is_not_exported_is_named_with_what_is_missing_where() -> None:
    text = draw_screen(with_environment(stop(3), {"METABONK_SYSTEM2_ENABLED": "1", "METABONK_RUN_ID": "r7"}))
    assert "not exported: sourced without set -a" in text
    assert "missing in 3/3 processes" in text
    assert "/pool/metabonk.env" in text
    reward = line(text, REWARD)
    assert "NO" in reward
    assert reward.count("missing") == 3
    assert "absent 3/3" in reward
    assert text.index(REWARD) < text.index("METABONK_SYSTEM2_ENABLED"), "mismatches stand first"
    assert "METABONK_RUN_ID  r7" in text


def test_an_override_names_both_values_and_the_workers() -> None:
    exported = replace(FILE, exported=frozenset(FILE.values))
    text = draw_screen(with_environment(stop(3), {**WANTED, "METABONK_SYSTEM2_ENABLED": "0"}, exported))
    assert "overridden: METABONK_SYSTEM2_ENABLED is 1 in the file but 0 in w0-w2" in text
    assert "set -a" not in text


def test_what_is_not_permitted_is_never_right() -> None:
    text = draw_screen(with_environment(healthy(), None, error="not permitted"))
    assert "3/3 processes cannot be read: not permitted" in text
    assert "● 1" not in line(text, REWARD)[50:], "the file is right, no process is known to be"
    assert "unknown" in line(text, REWARD)
    assert f"0/{len(WANTED)} required keys without a mismatch; {len(WANTED)} unknown" in text


def test_a_process_that_cannot_be_read_is_not_counted_as_one_without_the_key() -> None:
    lost = with_environment(stop(7), {"METABONK_SYSTEM2_ENABLED": "1"})
    unread = replace(lost.workers[0], environment=None, env=EnvView(0, len(WANTED), (), (), "not permitted"))
    text = draw_screen(replace(lost, workers=(*[unread] * 5, *lost.workers[5:])))
    assert "— 0/2" in line(text, REWARD)
    assert "? 2/7" in line(text, "METABONK_SYSTEM2_ENABLED")


@pytest.mark.parametrize(
    ("values", "warns"),
    [
        # The shell exported what the file does not: that is no fault.
        (WANTED, False),
        ({key: value for key, value in WANTED.items() if key != REWARD}, True),
    ],
)
def test_a_file_without_export_is_a_fault_only_where_a_process_lacks_the_key(
    values: Mapping[str, str], warns: bool
) -> None:
    rows = [row.split() for row in draw_screen(with_environment(healthy(), values)).splitlines()]
    (reward,) = (row for row in rows if row[:2] == [REWARD, "1"])
    assert ("NO" in reward) is warns
    assert ("no" in reward) is not warns


def test_everything_right_says_nothing_is_wrong() -> None:
    text = draw_screen(with_environment(healthy(), WANTED, replace(FILE, exported=frozenset(FILE.values))))
    assert f"{len(WANTED)}/{len(WANTED)} required keys without a mismatch" in text
    assert "missing" not in text
    assert "set -a" not in text


def test_a_file_that_cannot_be_read_says_so() -> None:
    file = EnvFileReading("/pool/x", {}, frozenset(), "/pool/x does not exist")
    assert "/pool/x does not exist" in draw_screen(with_environment(stop(3), WANTED, file))
    assert "none configured" in draw_screen(with_environment(stop(3), WANTED, None))


def test_keys_that_nobody_reads_are_listed_with_what_is_read_instead() -> None:
    file = replace(FILE, unread=("METABONK_SOMETHING", "METABONK_UI_BASE_EPS", "METABONK_WORKER_MEMORY_LIMIT_MB"))
    text = draw_screen(with_environment(stop(3), WANTED, file), 120, 60)
    assert "workers read METABONK_DYNAMIC_EPS_BASE instead" in line(text, "▲ METABONK_UI_BASE_EPS")
    assert "workers read no key instead" in line(text, "▲ METABONK_WORKER_MEMORY_LIMIT_MB")
    assert line(text, "▲ METABONK_SOMETHING").rstrip().endswith("METABONK_SOMETHING")
    assert "read by none of the source files" in text
    read = replace(file, source="914 files of /srv/metabonk")
    assert "read by none of 914 files of /srv/metabonk" in draw_screen(
        with_environment(stop(3), WANTED, read), 120, 60
    )
    large = replace(FILE, source="/root has more than 5000 source files")
    assert "unknown: /root has more than 5000" in draw_screen(with_environment(stop(3), WANTED, large), 120, 60)
    assert "source was not found" in draw_screen(with_environment(stop(3), WANTED, FILE), 120, 60)


@pytest.mark.parametrize("wide", [60, 80, 120, 200])
def test_many_workers_are_counted(wide: int) -> None:
    text = draw_screen(with_environment(many(16), {}), wide)
    assert "0/16" in text


@pytest.mark.parametrize("size", [*SIZES, (1, 1), (59, 24), (70, 30)], ids=str)
@pytest.mark.parametrize("workers", [1, 3, 6, 64])
def test_it_fits_every_size(size: tuple[int, int], workers: int) -> None:
    file = replace(FILE, unread=("METABONK_UI_BASE_EPS",))
    for values in (None, {}, {**WANTED, REWARD: "0"}, {REWARD: "x" * 300, "METABONK_名": "値" * 80}):
        for ascii_ in (False, True):
            snapshot = with_environment(healthy(workers), values, file)
            rows = rows_of(snapshot, *size, "environment", ascii=ascii_)
            assert len(rows) == size[1]
            assert all(width(row) <= size[0] for row in rows)
            if ascii_:
                assert all(plain(row).isascii() for row in rows)


def test_the_selected_worker_is_the_one_below() -> None:
    assert "W2  " in draw_screen(with_environment(healthy(), {**WANTED, "METABONK_X": "1"}), 120, 60, state=chosen(2))
