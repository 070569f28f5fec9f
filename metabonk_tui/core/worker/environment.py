"""The required environment of one worker's process, judged. Refuses to know what a wrong one leads to."""

from __future__ import annotations

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.model.worker import EnvView


def view(env: EnvReading | None, config: Config) -> EnvView | None:
    """Judge what was read of a process against what is required; None: it was never read."""
    if env is None:
        return None
    required = config.required_environment
    values = env.values
    if values is None:
        return EnvView(0, len(required), (), (), env.error or "not readable")
    missing = tuple(key for key in required if key not in values)
    wrong = tuple(
        (key, values[key], wanted)
        for key, wanted in required.items()
        if key in values and not is_same_value(values[key], wanted)
    )
    return EnvView(len(required) - len(missing) - len(wrong), len(required), missing, wrong, None)


_TRUE = ("1", "true", "yes", "on")


def is_same_value(value: str, wanted: str) -> bool:
    """Compare as MetaBonk does: 1, true, yes and on are one value."""
    value, wanted = value.strip().lower(), wanted.strip().lower()
    return value == wanted or (value in _TRUE and wanted in _TRUE)
