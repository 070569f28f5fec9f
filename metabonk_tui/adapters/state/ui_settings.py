"""Keeps what the operator changed by keys in a file of the state folder, never in the configuration.

Does not: know what a setting means. A file that cannot be read is ignored, and the reason is said.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from metabonk_tui.adapters.files.private import read_private, write_private_json
from metabonk_tui.core.config.schema import NO_SETTINGS, UiSettings
from metabonk_tui.core.text.clean import clean_text

NAME = "ui.json"
MAX_BYTES = 10_000
MAX_INTERVAL_S = 60.0


class UiSettingsFile:
    """The kept settings of the screens; the newest monitor that writes wins."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> tuple[UiSettings, str]:
        """Return the settings, and why they cannot be read: "" when they can, or when there are none."""
        try:
            return decode_settings(read_private(self.path, MAX_BYTES)), ""
        except FileNotFoundError:
            return NO_SETTINGS, ""
        except OSError as error:
            return NO_SETTINGS, clean_text(f"kept settings ignored: {error.strerror or error}")
        except ValueError as error:
            return NO_SETTINGS, clean_text(f"kept settings ignored: {NAME}: {error}")

    def write(self, settings: UiSettings) -> str:
        """Replace the file; return why it cannot be written, "" when it was."""
        try:
            write_private_json(self.path, msgspec.to_builtins(settings))
        except OSError as error:
            return clean_text(error.strerror or str(error))
        return ""


def decode_settings(content: bytes) -> UiSettings:
    """Decode a kept file. Raises ValueError, whose text says what is wrong."""
    try:
        settings = msgspec.json.decode(content, type=UiSettings)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    if not 0 <= settings.interval_s <= MAX_INTERVAL_S:
        raise ValueError(f"interval_s: expected 0 to {MAX_INTERVAL_S:g}, found {settings.interval_s:g}")
    return settings
