"""Opens the program's own log file. Does not: log to stderr, which is the screen while the monitor is open."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from metabonk_tui.adapters.state.config_files import state_dir

LOG_BYTES = 1_000_000


def log_path() -> Path:
    return state_dir() / "metabonk-tui.log"


def open_log() -> str:
    """Send every log record to the file until the process ends; return why that is impossible, or ""."""
    root = logging.getLogger()
    if any(isinstance(handler, RotatingFileHandler) for handler in root.handlers):
        return ""
    try:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_path(), maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True)
        with log_path().open("a", encoding="utf-8"):
            pass
    except OSError as error:
        root.addHandler(logging.NullHandler())
        return f"no log: {log_path()}: {error.strerror or error}"
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # httpx logs one line per poll at INFO
    logging.captureWarnings(True)
    return ""


def log_exception(error: BaseException) -> str:
    """Write a traceback to the log; return a text that names the file, or why there is none."""
    problem = open_log()
    if problem:
        return problem
    logging.getLogger("metabonk_tui").critical("internal error", exc_info=error)
    return f"the traceback is in {log_path()}"
