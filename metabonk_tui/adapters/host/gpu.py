"""Reads the used and total memory of each GPU through NVML, if NVML is installed.

Does not: find the process that uses the memory, or run anything on the GPU.
"""

from __future__ import annotations

import importlib
from typing import Any

from metabonk_tui.core.model.host import GpuReading


class Gpus:
    """Reads device memory in bytes. Without the library (extra `gpu`) or a driver `read` returns None."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self.problem: str | None = None
        """The reason why there are no readings, for people."""
        try:
            self._nvml = importlib.import_module("pynvml")
            self._nvml.nvmlInit()
        except ImportError:
            self.problem = "the NVML library is not installed (extra `gpu`)"
        except self._nvml.NVMLError as error:
            self._nvml, self.problem = None, f"no GPU: {error}"

    @property
    def can_read(self) -> bool:
        """Whether there is a library and a driver to ask."""
        return self._nvml is not None

    def read(self) -> tuple[GpuReading, ...] | None:
        """Read every device; None: no GPU, or the driver does not answer (see `problem`)."""
        if self._nvml is None:
            return None
        readings = []
        try:
            for index in range(self._nvml.nvmlDeviceGetCount()):
                memory = self._nvml.nvmlDeviceGetMemoryInfo(self._nvml.nvmlDeviceGetHandleByIndex(index))
                readings.append(GpuReading(index, int(memory.used), int(memory.total)))
        except self._nvml.NVMLError as error:
            self.problem = f"the GPU driver does not answer: {error}"
            return None
        self.problem = None
        return tuple(readings) or None
