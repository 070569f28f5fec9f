"""GPU memory where there is a library and a driver, and a reason where there is not."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from metabonk_tui.adapters.host.gpu import Gpus
from metabonk_tui.core.model.host import GpuReading


class NVMLError(Exception):
    pass


def library(sizes: list[tuple[int, int]], broken: str = "") -> Any:
    """Make a module with the functions of NVML that are used; `broken` names one that fails."""
    module: Any = ModuleType("pynvml")
    module.NVMLError = NVMLError

    def function(name: str, answer: Any) -> None:
        def call(*arguments: Any) -> Any:
            if name == broken:
                raise NVMLError("Driver Not Loaded")
            return answer(*arguments)

        setattr(module, name, call)

    function("nvmlInit", lambda: None)
    function("nvmlDeviceGetCount", lambda: len(sizes))
    function("nvmlDeviceGetHandleByIndex", lambda index: index)
    function("nvmlDeviceGetMemoryInfo", lambda index: SimpleNamespace(used=sizes[index][0], total=sizes[index][1]))
    return module


def test_every_device_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library([(1, 10), (2, 20)]))
    gpus = Gpus()
    assert gpus.read() == (GpuReading(0, 1, 10), GpuReading(1, 2, 20))
    assert gpus.problem is None
    assert gpus.can_read


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        (None, "not installed"),
        (library([], broken="nvmlInit"), "no GPU"),
        (library([(1, 2)], broken="nvmlDeviceGetMemoryInfo"), "does not answer"),
    ],
)
def test_without_library_or_driver_there_is_a_reason_and_no_reading(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], module: Any, problem: str
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    gpus = Gpus()
    assert gpus.read() is None
    assert problem in (gpus.problem or "")
    assert gpus.can_read is (problem == "does not answer"), "a driver may answer later"
    assert capfd.readouterr() == ("", "")


def test_no_device_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library([]))
    assert Gpus().read() is None
