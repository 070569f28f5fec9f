"""Writes the user's configuration file and the JSON Schema that its first line names. Never over one that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from metabonk_tui.adapters.files.new_file import move_aside, write_new_file
from metabonk_tui.adapters.state.config_files import find_config, user_config_path
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.core.config.template import SCHEMA_FILE, ChosenValue, config_template


class WriteError(Exception):
    """The file cannot be written; the message says why."""


def target_path(explicit: str | None) -> Path:
    """Return the file that would be in effect, whether it exists or not."""
    found, _ = find_config(explicit)
    return (found or user_config_path()).expanduser().absolute()


def write_config(
    path: Path, chosen: Mapping[str, ChosenValue], schema: str, *, replaces: bool = False
) -> Iterator[str]:
    """Write the file, and yield what was done. `replaces`: a file that is there is renamed. Raises WriteError."""
    try:
        text = config_template(default_config_text(), chosen)
        if replaces:
            yield f"{path} is renamed to {move_aside(path).name}"
        write_new_file(path, text)
        yield f"{path} is written"
    except ValueError as error:
        raise WriteError(str(error)) from None
    except FileExistsError:
        raise WriteError(f"{path} exists: nothing was written") from None
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from None
    yield from _write_schema(path.with_name(SCHEMA_FILE), schema)


def _write_schema(path: Path, schema: str) -> Iterator[str]:
    """Write what editors read; without it the configuration works all the same."""
    renew = f"after an upgrade, {PROGRAM} schema config prints the new one"
    try:
        write_new_file(path, schema)
        yield f"{path.name} is written beside it: editors check the configuration with it; {renew}"
    except FileExistsError:
        yield f"{path.name} beside it exists and stays; {renew}"
    except OSError as error:
        yield f"{path} cannot be written: {error.strerror or error}; editors go without it"
