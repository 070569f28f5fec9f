"""Stands for the bindings of GStreamer: every name exists, and every call returns such a thing again."""

from __future__ import annotations

import sys
import types
from typing import Any


class Anything:
    def __getattr__(self, name: str) -> Anything:
        return Anything()

    def __call__(self, *_: Any, **__: Any) -> Anything:
        return Anything()


def require_version(*_: str) -> None:
    pass


repository = types.ModuleType("gi.repository")
for namespace in ("Gst", "GstAllocators", "GstVideo", "GstApp", "GLib", "GObject"):
    setattr(repository, namespace, Anything())
sys.modules["gi.repository"] = repository
