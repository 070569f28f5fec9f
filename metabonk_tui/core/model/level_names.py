"""The words that say how loud a verdict, an event, an alert or a memory reading is."""

from __future__ import annotations

from typing import Literal

Level = Literal["go", "caution", "stop", "unknown"]
"""Of a verdict."""


Severity = Literal["info", "ok", "warn", "crit"]
"""Of an event."""


AlertSeverity = Literal["info", "warn", "crit"]


MemoryLevel = Literal["ok", "warn", "crit", "unknown"]


AnyLevel = Level | Severity | MemoryLevel
