"""Says in which settings two runs are not the same: workers, profile, environment of the processes. Pure.

Does not: judge what a difference leads to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Snapshot

OWN_KEYS = re.compile(
    r"_(?:RUN|WORKER|INSTANCE|SESSION)_(?:ID|DIR|PORT|INDEX)$|_(?:PID|PORT)$|^METABONK_(?:DEMO|TUI)_"
)
"""Keys that are another in every run, or in every process."""
NOT_SET = "not set"
VARIES = "not the same in every worker"
PREFIX = "METABONK_"


class RunSetup(Struct, frozen=True):
    """What a run was started with."""

    workers: int
    profile: str
    environment: Mapping[str, str] | None
    """The variables of the processes, `VARIES` where they differ among them; None: none was read."""


class SetupDifference(Struct, frozen=True):
    """One setting that is not the same in two runs."""

    name: str
    here: str
    there: str


class SetupComparison(Struct, frozen=True):
    """Two runs' settings, compared."""

    differences: tuple[SetupDifference, ...]
    is_environment_known: bool
    """Whether the environment of both was read; else it may differ unseen."""


def setup_of(snapshot: Snapshot) -> RunSetup:
    """Return what a run was started with, as far as this Snapshot shows it."""
    read = [worker.environment for worker in snapshot.workers if worker.environment is not None]
    keys = {key for values in read for key in values if OWN_KEYS.search(key) is None}
    common = {
        key: values.pop() if len(values := {env.get(key, NOT_SET) for env in read}) == 1 else VARIES for key in keys
    }
    run = snapshot.run
    workers = len(snapshot.workers) if run.desired is None else run.desired
    return RunSetup(workers, run.profile, common if read else None)


def compare_setups(here: RunSetup, there: RunSetup) -> SetupComparison:
    """Return what is not the same, the number of workers first."""
    found: list[SetupDifference] = []
    if here.workers != there.workers:
        found.append(SetupDifference("workers", str(here.workers), str(there.workers)))
    if here.profile and there.profile and here.profile != there.profile:
        found.append(SetupDifference("profile", here.profile, there.profile))
    own, other = here.environment, there.environment
    if own is None or other is None:
        return SetupComparison(tuple(found), False)
    for key in sorted(own.keys() | other.keys()):
        if own.get(key) != other.get(key):
            name = key.removeprefix(PREFIX)
            found.append(SetupDifference(name, _shown(own.get(key)), _shown(other.get(key))))
    return SetupComparison(tuple(found), True)


def sentence(found: SetupDifference) -> str:
    """Write a difference: "workers 5, there 3"."""
    return f"{found.name} {found.here}, there {found.there}"


def _shown(value: str | None) -> str:
    return NOT_SET if value is None else value or '""'
