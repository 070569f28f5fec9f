"""A checkpoint runs nothing, is read back equal, and is rebuilt when it cannot be read."""

import logging
import os
import pickle
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.store import checkpoint, restore
from metabonk_tui.adapters.store.checkpoint import UnusableCheckpoint, pack, unpack
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.model.host import (
    ExitReading,
    GpuReading,
    KernelKill,
    KernelLogReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.sample import (
    BadValue,
    EnvFileReading,
    EnvReading,
    Event,
    PoolReading,
    Sample,
    WatchReading,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import rebuild
from metabonk_tui.core.step.pipeline import step, stepper
from metabonk_tui.core.step.state import with_true_rhythm
from tests.support import samples as scripts
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import CONFIG, GB, changed, play, script

END_S = 2400.0


def _life(slot: int, t: float) -> scripts.Answer:
    """A run with a restart, a silent worker, a worker that goes down, and unusable values."""
    if slot == 1:
        return scripts.silent(slot, t)
    if slot == 2 and t > 900:
        return "refused"
    known = scripts.playing(slot, t) if t > 600 else scripts.healthy(slot, t)
    if slot == 0 and t > 1200:
        known = scripts.healthy(slot, t, since_t=1200)
    return known | {"loss": BadValue("nan", "NaN"), "rows": [{"n": 1, "bad": BadValue("infinite", "inf")}]}


def _busy(sample: Sample, number: int) -> Sample:
    """Add what a live sample has besides the answers of the workers."""
    t = sample.t
    more: dict[str, Any] = {
        "processes": (
            *(ProcessReading("worker", GB + number * 10**6, w(s), 40 + s, 0.0, 2 * GB) for s in range(2)),
            ProcessReading("launcher", 10**7, None, 39, 0.0, 10**7, "python"),
        ),
        "gpus": (GpuReading(0, 3 * GB, 24 * GB),),
        "watch": WatchReading(True, "key", 10.0, on_critical="stop"),
        "pool": PoolReading("launcher", 3, 39, 0.0, True, "us"),
        "lag_s": 0.01,
    }
    if number == 0:
        more["earlier_peaks"] = (RunPeaks(1.0, GB, None),)
        more["env_file"] = EnvFileReading(
            "/env", {"A": "1"}, frozenset({"A"}), unread=("A",), launcher_sets={"A": None}, source="3 files"
        )
        more["environments"] = {w(0): EnvReading({"METABONK_A": "1"}), w(1): EnvReading(None, "gone")}
        more["log_tails"] = {w(1): ("RuntimeError: CUDA out of memory",)}
    if number == 95:
        more["kernel_log"] = KernelLogReading(kills=(KernelKill(42, "python", GB, "/a", "/a/b"),))
        more["exits"] = (ExitReading("worker", "-9", w(2), 42),)
        more["events"] = (Event(t, "noted", "warn", "by hand", w(2), {"bad": BadValue("nan", "NaN"), "of": (1, 2)}),)
    return changed(sample, **more)


def scenario() -> list[Sample]:
    """Return 40 minutes of three workers, a sample each 20 s."""
    return [_busy(sample, number) for number, sample in enumerate(script(_life, every_s=20.0, for_s=END_S))]


@pytest.fixture(scope="module")
def stepped() -> tuple[list[Sample], list[Snapshot]]:
    known = scenario()
    return known, play(known)


def differences(a: Snapshot, b: Snapshot) -> list[str]:
    """Name the fields in which two Snapshots differ, state included."""
    return [name for name in Snapshot.__struct_fields__ if getattr(a, name) != getattr(b, name)]


@settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_a_snapshot_comes_back_equal_and_steps_on_to_the_same(
    stepped: tuple[list[Sample], list[Snapshot]], data: st.DataObject
) -> None:
    samples, snapshots = stepped
    at = data.draw(st.integers(0, len(samples) - 2))
    found = unpack(pack(snapshots[at], at + 1))
    assert not isinstance(found, UnusableCheckpoint), found
    seq, restored = found
    assert seq == at + 1
    assert differences(replace(snapshots[at], ended_runs=()), restored) == []
    for number in range(at + 1, min(at + 25, len(samples))):
        restored = step(restored, samples[number], CONFIG)
        assert differences(replace(snapshots[number], ended_runs=()), restored) == [], number


class _Command:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def _dotted(command: str) -> bytes:
    """A pickle that reaches the types of functions and code through dotted names below our own core."""

    def named(dotted: str) -> bytes:
        words = ("metabonk_tui.core.text.clean", dotted)
        return b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in words) + b"\x93"

    code = compile(f"__import__('os').system({command!r})", "x", "eval")
    parts = (
        *(0, 0, 0, 0, code.co_stacksize, code.co_flags, code.co_code, code.co_consts, code.co_names, ()),
        *("x", "x", "x", 1, code.co_linetable, code.co_exceptiontable),
    )
    made = named("clean_text.__code__.__class__") + pickle.dumps(parts, 3)[2:-1] + b"R"
    return b"\x80\x04" + named("clean_text.__class__") + made + b"}\x86R" + b")R."


def _pickled(command: str) -> list[bytes]:
    plain = pickle.dumps((1, _Command(command)))
    global_system = b"cos\nsystem\n(S'" + command.encode() + b"'\ntR."
    return [plain, global_system, _dotted(command)]


Disguise = Callable[[bytes], bytes]
DISGUISES: dict[str, Disguise] = {
    "as it was stored": lambda raw: zlib.compress(raw, 3),
    "bare": lambda raw: raw,
    "behind our head": lambda raw: checkpoint._head() + zlib.compress(raw),
    "as one text of ours": lambda raw: checkpoint._head() + zlib.compress(msgspec.msgpack.encode((raw, []))),
    "as an extension": lambda raw: (
        checkpoint._head() + zlib.compress(msgspec.msgpack.encode(([], [[0, msgspec.msgpack.Ext(1, raw)]])))
    ),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_pickle_runs_nothing(disguise: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    for raw in _pickled(f"touch {marker}"):
        assert isinstance(unpack(DISGUISES[disguise](raw)), UnusableCheckpoint)
    assert not marker.exists()


def test_these_pickles_do_run_where_pickles_are_loaded(tmp_path: Path) -> None:
    for number, _ in enumerate(_pickled("")):
        marker = tmp_path / f"ran-{number}"
        pickle.loads(_pickled(f"touch {marker}")[number])
        assert marker.exists(), number


def _spoilt(good: bytes) -> dict[str, object]:
    head, inner = checkpoint._head(), zlib.decompress(good[len(checkpoint._head()) :])
    return {
        "unknown format": b"MBC0" + good[4:],
        "another version": good[:4] + bytes(32) + good[36:],
        "not bytes": "MBC1",
        "damaged": good[:-20],
        "damaged: wrong length": good + b"x",
        "damaged: ": head + zlib.compress(inner[:-5]),
        "too big": good + bytes(checkpoint.MAX_PACKED_BYTES),
        "unpacked": head + zlib.compress(bytes(checkpoint.MAX_BYTES + 1), 1),
        "Expected": head + zlib.compress(msgspec.msgpack.encode(({"seq": "1"}, []))),
        "": head + zlib.compress(b"\x92" + b"\x91" * 200_000),
    }


def test_what_cannot_be_read_has_a_reason(stepped: tuple[list[Sample], list[Snapshot]]) -> None:
    for reason, packed in _spoilt(pack(stepped[1][100], 101)).items():
        found = unpack(packed)
        assert isinstance(found, UnusableCheckpoint), reason
        assert reason in found.reason


def _stored(path: Path, samples: list[Sample], cache: Callable[[bytes], object], seq: int) -> None:
    writer = RunWriter(path, CONFIG)
    packed: object = b""
    for number, (sample, snapshot) in enumerate(zip(samples, play(samples), strict=True), 1):
        writer.add(sample, snapshot, {})
        if number == 61:
            packed = cache(pack(snapshot, seq))
    writer.finish()
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("INSERT INTO cache VALUES (?, ?, ?)", (checkpoint.NAME, checkpoint.key(CONFIG), packed))
    base.close()


@pytest.mark.parametrize(
    ("cache", "seq", "used"),
    [
        (lambda packed: packed, 61, True),
        (lambda packed: packed, 62_000, False),
        (lambda packed: packed, -1, False),
        (lambda packed: packed[:-9], 61, False),
        (lambda _: "text", 61, False),
        (lambda _: 7, 61, False),
    ],
)
def test_an_unusable_checkpoint_is_logged_and_the_run_rebuilt(
    cache: Callable[[bytes], object], seq: int, used: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, samples = tmp_path / "run.db", scenario()[:80]
    _stored(path, samples, cache, seq)
    with caplog.at_level(logging.WARNING):
        past = restore.load_past(path, 80, checkpoint.key(CONFIG), 10.0)
    assert (past.known is not None) == used
    assert used != ("run.db: rebuilt from its samples" in caplog.text)
    rebuilt = rebuild(past, stepper(CONFIG), with_true_rhythm)
    assert rebuilt is not None
    assert differences(play(samples)[-1], rebuilt) == []
    with Recording(path) as recording:
        assert recording.newest_seq == 80
