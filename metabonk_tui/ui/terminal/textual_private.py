"""Uses the private names of Textual that the monitor cannot do without. A release of Textual may remove any of them.

All uses are here, except the method `_fatal_error`, which the app must override.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any

from rich.console import RenderableType
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

PRIVATE_NAMES: Mapping[type, frozenset[str]] = {
    App: frozenset(
        {"_driver", "_sync_available", "_return_code", "_exit_renderables", "_close_messages_no_wait", "_fatal_error"}
    ),
    LinuxDriver: frozenset({"_file", "_writer_thread"}),
}
"""By class. A test fails when Textual no longer has one of them, or when a class of the monitor uses another."""


def driver_of(app: App[Any]) -> Driver | None:
    """Return the app's driver; None before the app runs. Textual has no public call to write an escape sequence."""
    return app._driver


def is_synchronised(app: App[Any]) -> bool:
    """Return whether the terminal shows a frame at once when it is marked as one. Textual asks the terminal."""
    return app._sync_available


def close_with(app: App[Any], code: int, last_words: RenderableType) -> None:
    """Close the app with an exit code and print this below its screen.

    `App.exit` does the same, but not from `_fatal_error`, when the message loop no longer works.
    """
    app._return_code = code
    app._exit_renderables.append(last_words)
    app._close_messages_no_wait()


def end_with_fault(app: App[Any]) -> None:
    """Close an app after the exception that is handled now, as Textual does for those of its own callbacks."""
    app._fatal_error()


def write_to(driver: LinuxDriver, file: TextIOWrapper) -> None:
    """Make a driver write to this file. Textual always writes to standard error."""
    driver._file = file


def end_writer(driver: LinuxDriver) -> None:
    """End Textual's thread for output: the monitor's driver writes by its own."""
    writer, driver._writer_thread = driver._writer_thread, None
    if writer is not None:
        writer.stop()


def key_parser() -> XTermParser:
    """Return a new parser of keys. Textual has no public one, and its reader ends at a byte that is not UTF-8."""
    return XTermParser()
