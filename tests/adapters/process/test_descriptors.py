"""How many workers can be polled at once below a limit of open files, and what the user reads when they are more."""

from __future__ import annotations

import resource

import pytest

from metabonk_tui.adapters.process import descriptors
from metabonk_tui.adapters.process.proc import Proc, read_bytes


@pytest.mark.parametrize(
    ("limit", "workers", "at_once"),
    [(1024, 100, None), (64, 40, None), (32, 8, None), (32, 9, 8), (40, 50, 16), (24, 5, 4), (8, 5, 4)],
)
def test_too_few(monkeypatch: pytest.MonkeyPatch, limit: int, workers: int, at_once: int | None) -> None:
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda _: (limit, limit))
    why = descriptors.why_too_few(workers)
    if at_once is None:
        assert why == ""
    else:
        assert f"limit {limit}" in why
        assert f"{at_once} workers are polled at a time" in why


def test_no_limit_is_no_shortage(monkeypatch: pytest.MonkeyPatch) -> None:
    infinity = descriptors.resource.RLIM_INFINITY
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda _: (infinity, infinity))
    assert descriptors.why_too_few(256) == ""


def test_without_a_descriptor_no_process_is_taken_for_gone() -> None:
    proc = Proc()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            proc.stat(1)
        with pytest.raises(OSError, match="Too many open files"):
            list(proc.pids())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert proc.stat(1) is not None
    assert read_bytes("/proc/self/no-such-file") is None
