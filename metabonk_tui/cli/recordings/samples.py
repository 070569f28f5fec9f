"""Names the sample recordings that come with the program. Does not: open them."""

from __future__ import annotations

from pathlib import Path

from metabonk_tui.adapters.state.package_data import samples_dir
from metabonk_tui.cli.exit_codes import UsageError

PREFIX = "sample"
SAMPLES = {
    "sample:failed": "five workers, env file not exported, killed by the kernel after 75 minutes",
    "sample:rescued": "the same pool with three workers and the file exported: SUCCESS",
}
"""The names of the samples with what each shows; `sample` alone is the first one."""


def is_sample(name: str) -> bool:
    """Return whether a name means a sample recording, also one that does not exist."""
    return name == PREFIX or name.startswith(f"{PREFIX}:")


def sample_path(name: str) -> Path:
    """Return the path of a sample recording. Raises UsageError, which lists the samples."""
    full = next(iter(SAMPLES)) if name == PREFIX else name
    path = samples_dir() / f"{full.partition(':')[2]}.db"
    if full not in SAMPLES:
        raise UsageError(f"no such sample: {name}; there are {' and '.join(SAMPLES)}")
    return path
