"""Lets MetaBonk run without a GPU. Python imports this module at the start of every process of the pool.

It replaces the checks for a GPU, gives the gameplay detector frames that do not come from a GPU, and makes a
worker's loop raise while the file $REAL_WORK/frozen-PORT exists. Changes no file of MetaBonk.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import io
import os
import sys
import threading
import time
import types
from typing import Any

COMMAND = " ".join(getattr(sys, "orig_argv", ()))
IS_WORKER = "src.worker.main" in COMMAND
CHECKS = {
    "src.common.gpu_contract": ("enforce_gpu_contract", lambda **_: None),
    "src.common.device": ("require_cuda", lambda: False),
    "src.common.cuda131": ("require_cuda131", lambda: False),
}
"""The function of each module that refuses to run without a GPU, and what replaces it."""


class PatchingLoader(importlib.abc.Loader):
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._loader.exec_module(module)
        setattr(module, *CHECKS[module.__name__])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class PatchingFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in CHECKS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = PatchingLoader(spec.loader)  # type: ignore[assignment]
        return spec


def pretend_gpu() -> None:
    """Give the start script a torch that has one GPU. It only asks for it."""
    torch = types.ModuleType("torch")
    torch.version = types.SimpleNamespace(cuda="13.0")  # type: ignore[attr-defined]
    torch.cuda = types.SimpleNamespace(  # type: ignore[attr-defined]
        is_available=lambda: True, device_count=lambda: 1, get_device_capability=lambda *_: (12, 0)
    )
    sys.modules["torch"] = torch


def decoded_frame(worker: Any) -> Any:
    """Return the worker's newest frame as an array; None: it has none, or it is no picture."""
    data = getattr(worker, "_latest_jpeg_bytes", None) or getattr(worker, "_latest_jpeg", None)
    if not data:
        return None
    import numpy
    from PIL import Image

    try:
        return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except OSError:
        return None


def feeding(original: Any) -> Any:
    """Return the worker's detection of gameplay, given the newest frame where it has none from the GPU."""

    def update(worker: Any, game_state: Any, *, frame: Any = None, **options: Any) -> Any:
        if os.path.exists(os.path.join(os.environ["REAL_WORK"], f"frozen-{worker.port}")):
            raise RuntimeError("CUDA error: device-side assert triggered")
        return original(worker, game_state, frame=decoded_frame(worker) if frame is None else frame, **options)

    return update


def feed_gameplay_detector() -> None:
    """Wrap the worker's detection of gameplay as soon as its class exists."""
    for _ in range(600):
        service = getattr(sys.modules.get("__main__"), "WorkerService", None)
        if service is not None and hasattr(service, "_update_gameplay_state"):
            service._update_gameplay_state = feeding(service._update_gameplay_state)
            return
        time.sleep(0.05)


if "start_omega.py" in COMMAND:
    pretend_gpu()
if IS_WORKER:
    # MetaBonk's env files select xdotool; the stand-in for the game understands BonkLink only.
    os.environ["METABONK_USE_BONKLINK"] = "1"
    os.environ["METABONK_INPUT_BACKEND"] = "bonklink"
    os.environ.pop("METABONK_DISABLE_BONKLINK", None)
    threading.Thread(target=feed_gameplay_detector, daemon=True).start()
sys.meta_path.insert(0, PatchingFinder())
