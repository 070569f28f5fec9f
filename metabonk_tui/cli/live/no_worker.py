"""Says what helps where no worker answered: a host that does not resolve, and the verb that finds what is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.clean import clean_text

if TYPE_CHECKING:
    from metabonk_tui.adapters.state.config_files import LoadedConfig
    from metabonk_tui.core.model.pool import PoolSearch


def pool_search(loaded: LoadedConfig) -> PoolSearch | None:
    """Return where a pool is looked for; None: the configuration file describes one."""
    return None if loaded.describes_pool else search_of(loaded)


def search_of(loaded: LoadedConfig, how: str = "") -> PoolSearch:
    """Return where a pool is looked for; `how`: the command prefix with the options that select it."""
    from metabonk_tui.adapters.host.local import is_this_machine
    from metabonk_tui.adapters.state.config_files import user_config_path
    from metabonk_tui.cli.suggest import program
    from metabonk_tui.core.model.pool import PoolSearch

    return PoolSearch(
        config_path=short_path(str(loaded.path or user_config_path())),
        has_file=loaded.path is not None,
        is_local=is_this_machine(loaded.config.pool.host),
        program=program(),
        how=how,
        describes_pool=loaded.describes_pool,
    )


def short_path(path: str) -> str:
    """Write a path below the home folder with "~", without control characters."""
    home = os.path.expanduser("~").rstrip("/")
    return clean_text(f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path)


def saw_none(snapshot: Snapshot) -> bool:
    """Return whether no worker has answered since the run began."""
    return not any(worker.last_good_t is not None for worker in snapshot.workers)


def no_worker_hint(config: Config, how: str) -> str:
    """Write the hint for a command prefix `how`. Blocks up to 3 s for a name server that does not answer."""
    from metabonk_tui.adapters.host.names import why_unresolved

    problem = "" if config.is_spread else why_unresolved(config.pool.host)
    return f"{problem + '; ' if problem else ''}no worker answered; to see what is missing: {how} doctor"
