"""Lists the fields of a Sample once: how each is written in a recording, and what merging two Samples does with it.

A new field of plain readings is a field of Sample, or of HostReading, and a line here. A recording of the only host
has the fields of that host beside those of the Sample; with several, each has an object of its own under `hosts`.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from metabonk_tui.core.model.host import (
    ExitReading,
    GpuReading,
    KernelLogReading,
    LinkReading,
    MemoryReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.sample import EnvFileReading, EnvReading, Observation, PoolReading, WatchReading

Form = Literal["one", "several", "number", "workers", "environments", "lines", "exits"]
"""How a field is written: an object, a list of objects, a number; the others have a form of their own."""


class SampleField(NamedTuple):
    """One field of a Sample that a recording has in the object of the Sample itself."""

    name: str
    form: Form
    kind: type[Any]
    """What the field, or each of its entries, is read as."""
    each_tick: bool = False
    """True: every Sample reads it, so the newer of two Samples counts. False: it is present only when it changes."""
    of_host: bool = False
    """True: a field of HostReading, for each host. False: a field of Sample."""
    key: str = ""
    """The key of a field of lines in a recording; "": its name."""

    @property
    def line_key(self) -> str:
        """The key of a field of lines in a recording."""
        return self.key or self.name


SAMPLE_FIELDS = (
    SampleField("workers", "workers", Observation, each_tick=True),
    SampleField("memory", "one", MemoryReading, each_tick=True, of_host=True),
    SampleField("processes", "several", ProcessReading, each_tick=True, of_host=True),
    SampleField("earlier_peaks", "several", RunPeaks, of_host=True),
    SampleField("gpus", "several", GpuReading, each_tick=True, of_host=True),
    SampleField("environments", "environments", EnvReading),
    SampleField("env_file", "one", EnvFileReading),
    SampleField("log_tails", "lines", str, key="logs"),
    SampleField("log_ends", "lines", str),
    SampleField("exits", "exits", ExitReading, of_host=True),
    SampleField("kernel_log", "one", KernelLogReading, of_host=True),
    SampleField("link", "one", LinkReading, each_tick=True, of_host=True),
    SampleField("pool", "one", PoolReading, each_tick=True),
    SampleField("watch", "one", WatchReading, each_tick=True),
    SampleField("lag_s", "number", float, each_tick=True),
    SampleField("interval_s", "number", float, each_tick=True),
)
"""In the order in which a recording has them."""
EACH_TICK = frozenset({"t", *(field.name for field in SAMPLE_FIELDS if field.each_tick)})
SLOT_KEY = "slot"
"""The key of a reading's worker in a recording: its slot, because the reading is of one host."""
HOSTS_KEY = "hosts"
"""The key of the readings of hosts with names."""
