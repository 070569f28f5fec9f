"""Opens the program's own log file, private and without secrets.

Does not: log to stderr, which is the screen while the monitor is open, also when the log cannot be written.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from metabonk_tui.adapters.files.private import make_private_directory, open_private
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.core.text.mask import mask_lines

LOG_BYTES = 1_000_000


def log_path() -> Path:
    return state_dir() / "metabonk-tui.log"


class LogFile(RotatingFileHandler):
    """The log. Counts the records that a full disk refuses, and logs their number when it can write again."""

    def __init__(self, path: Path) -> None:
        """Prepare; the first record opens the file."""
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True)
        self.lost_records = 0
        self._why = ""

    def _open(self) -> io.TextIOWrapper:
        descriptor = open_private(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; report the lost ones after the first that is written again."""
        lost = self.lost_records
        super().emit(record)
        if lost and self.lost_records == lost:
            text = f"{lost} log records before this one are lost: {self._why}"
            self.lost_records = 0
            super().emit(logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None))

    def handleError(self, record: logging.LogRecord) -> None:
        """Count the record. The base class would print a traceback over the screen."""
        error = sys.exc_info()[1]
        self.lost_records += 1
        self._why = f"{type(error).__name__}: {error}"
        stream, self.stream = self.stream, None  # the next record opens it again
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


class MaskedFormatter(logging.Formatter):
    """Formats a record, with its traceback, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return "\n".join(mask_lines(super().format(record).split("\n")))


def open_log() -> str:
    """Send every log record to the file until the process ends; return why that is impossible, or ""."""
    root = logging.getLogger()
    if any(isinstance(handler, LogFile) for handler in root.handlers):
        return ""
    try:
        make_private_directory(log_path().parent)
        os.close(open_private(log_path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    except OSError as error:
        root.addHandler(logging.NullHandler())
        return f"no log: {log_path()}: {error.strerror or error}"
    handler = LogFile(log_path())
    handler.setFormatter(MaskedFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
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
    lost = [
        handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile) and handler.lost_records
    ]
    return f"the log cannot be written: {log_path()}" if lost else f"the traceback is in {log_path()}"
