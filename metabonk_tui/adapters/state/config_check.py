"""Lists every mistake of the configuration in effect at once: types, values against each other, what they name.

Does not: change anything. A monitor that starts checks the types alone.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from metabonk_tui.adapters.state.config_files import find_config, read_config_text
from metabonk_tui.adapters.state.config_world import outside_mistakes
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.consistency import inconsistencies
from metabonk_tui.core.config.hosts import only_watched
from metabonk_tui.core.config.load import contradictions, merge, parse_toml
from metabonk_tui.core.config.mistakes import Mistake, by_line, in_tree, without
from metabonk_tui.core.config.schema import Config


class CheckedConfig(Struct, frozen=True):
    """What a whole check of the configuration found."""

    where: str
    """The file in effect and its origin, for people."""
    mistakes: tuple[str, ...]
    """A line for each: file, line number, key, what is wrong. Empty: none."""
    config: Config | None
    """The configuration without its wrong keys; None: even that is not valid."""


def check_config(
    explicit: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    more: Callable[[Config], Iterable[Mistake]] = lambda config: (),
) -> CheckedConfig:
    """Check the file in effect and the typed `overrides`. Raises ConfigError for what is no readable TOML.

    `more` finds mistakes that only the screens know, such as commands that do not exist.
    Blocks up to 3 s for each host whose name server does not answer.
    """
    path, origin = find_config(explicit, environ)
    default = tomllib.loads(default_config_text())
    text = None if path is None else read_config_text(path, origin)
    written = {} if text is None else parse_toml(text, str(path))
    own = merge(written, dict(overrides or {}))
    wrong = in_tree(merge(default, own), default)
    rest = without(own, wrong)
    config = _converted(default, rest)
    if config is None:  # a table is left that needs its wrong key, as a webhook needs its kind
        rest = without(own, [Mistake(mistake.path.rpartition(".")[0], "") for mistake in wrong])
        config = _converted(default, rest)
    if config is not None and own:
        found = [Mistake(key, problem) for key, problem in contradictions(config)]
        # Of a pool on several hosts nothing is launched from here: its launcher is not looked for.
        config = only_watched(config) if config.host else config
        found += inconsistencies(config)
        found += more(config)
        known = {mistake.path for mistake in found}
        # A value that contradicts another one needs no look at the machine.
        wrong += found + [mistake for mistake in outside_mistakes(config, rest) if mistake.path not in known]
    where = f"{path} ({origin})" if path else origin
    return CheckedConfig(where, tuple(by_line(wrong, str(path or origin), text)), config)


def _converted(default: dict[str, Any], own: dict[str, Any]) -> Config | None:
    try:
        return msgspec.convert(merge(default, own), Config, strict=True)
    except msgspec.ValidationError:
        return None
