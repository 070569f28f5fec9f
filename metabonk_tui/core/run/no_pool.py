"""Says what was looked for where no pool was found and none is configured, and which commands help. Pure.

The screen and `check` use the same rows. Does not: look for anything; every row stands on what a sample observed.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.text.mask import mask_arguments, mask_text
from metabonk_tui.core.text.numbers import gigabytes
from metabonk_tui.core.text.phrases import cut_list

NOT_THERE = (None, "refused", "reset", "closed", "timeout", "dns", "stranger", "ended")
"""Results of a poll that show no worker of a pool; None: the port was not asked yet."""
NOT_OF_A_POOL = ("ollama", "other")
"""Owners of memory that run without a pool."""
LOOKS = 3
"""Samples after which a service without a fault has answered: before, it may not have been asked."""
ELSEWHERE = "other ports"
"""The row of workers on ports that this monitor does not ask."""
OTHER_POOL = "3"
"""The key that asks for the address of another pool."""
_ONE = {
    "refused": "refuses",
    "reset": "resets the connection",
    "closed": "closes the connection",
    "timeout": "does not answer in time",
    "stranger": "answers, and is no MetaBonk worker",
}
_ALL = {
    "refused": "refuse",
    "reset": "reset the connection",
    "closed": "close the connection",
    "timeout": "do not answer in time",
    "stranger": "answer, and are no MetaBonk workers",
}


class LookedFor(Struct, frozen=True):
    """One thing that was looked for."""

    what: str
    found: bool | None
    """None: not known."""
    text: str
    brief: str = ""
    """The fact in a few words, for a row of several; "": it has no place there."""


class Way(Struct, frozen=True):
    """One command that helps."""

    command: str
    what: str
    words: tuple[str, ...] = ()
    """The words behind the program, where the command is whole as it stands and a key can start it."""
    key: str = ""
    """The key that does it, where the monitor shows keys; "": it is to be typed."""


def is_no_pool(snapshot: Snapshot) -> bool:
    """Return whether no part of a pool was ever seen: no process, no answer, no action of ours."""
    pool, verdict = snapshot.pool, snapshot.verdict
    if verdict.kind is not VerdictKind.WAITING or verdict.ended is not None or snapshot.run.how != "first sample":
        return False
    if pool.launcher_pid is not None or pool.operation is not None or pool.waiting:
        return False
    if any(owner.name.split()[0] not in NOT_OF_A_POOL for owner in snapshot.memory.owners):
        return False
    return not any(_was_seen(worker) for worker in snapshot.workers)


def _was_seen(worker: WorkerView) -> bool:
    return worker.last_good_t is not None or worker.pid is not None or worker.error not in NOT_THERE


def looked_for(snapshot: Snapshot, config: Config, search: PoolSearch) -> tuple[LookedFor, ...]:
    """Return what was looked for and where, and what was found."""
    return tuple(_looked_for(snapshot, config, search))


def _looked_for(snapshot: Snapshot, config: Config, search: PoolSearch) -> Iterator[LookedFor]:
    pool = snapshot.pool
    if config.pool.is_placed:
        yield _jobs(snapshot)
    else:
        yield _processes(snapshot, config, search)
        yield _ports(snapshot, config)
    if pool.elsewhere:
        yield LookedFor(ELSEWHERE, True, pool.elsewhere)
    # Of a run that is over the recording says that it answered, which is no look of this monitor.
    if config.pool.orchestrator and (pool.orchestrator_error is not None or not snapshot.ended_unseen):
        yield _orchestrator(snapshot, mask_text(config.pool.orchestrator))
    if search.has_file:
        says = "describes this pool" if search.describes_pool else "says nothing of a pool"
        yield LookedFor("configuration", True, f"{search.config_path} {says}")
    else:
        yield LookedFor("configuration", False, f"no file at {search.config_path}")
    if config.pool.has_launcher and search.is_local:
        yield _launcher(snapshot, config)
    ollama = next((owner for owner in snapshot.memory.owners if owner.name == "ollama"), None)
    if ollama is not None:
        yield LookedFor("Ollama", True, f"runs, with {gigabytes(ollama.bytes)} GB", "Ollama runs")
    elif snapshot.memory.owners:
        yield LookedFor("Ollama", False, "no process on this machine", "no Ollama")


def _jobs(snapshot: Snapshot) -> LookedFor:
    pool = snapshot.pool
    what, engine = ("actors", "Ray") if pool.backend == "ray" else ("jobs", "Slurm")
    if pool.problem or not pool.placed:
        return LookedFor(what, None, pool.problem)
    return LookedFor(what, False, f"{engine} lists none of this pool", f"{engine} lists none")


def _processes(snapshot: Snapshot, config: Config, search: PoolSearch) -> LookedFor:
    what = "worker processes"
    if not search.is_local:
        return LookedFor(what, None, f"not visible: {config.pool.host} is not this machine")
    if not snapshot.memory.owners:
        return LookedFor(what, None, "not read yet")
    names = cut_list([" ".join(pattern) for pattern in config.processes.worker], 2)
    text = f"none on this machine runs {names}" if names else "none on this machine"
    return LookedFor(what, False, text, "no worker process")


def _ports(snapshot: Snapshot, config: Config) -> LookedFor:
    what, host, base = "worker ports", config.pool.host, config.pool.base_port
    host = f"[{host}]" if ":" in host else host
    errors = [worker.error for worker in snapshot.workers]
    ports = [base + worker.slot for worker in snapshot.workers] or [base]
    span = f"{ports[0]}" + (f" to {ports[-1]}" if len(ports) > 1 else "")
    where, brief = f"{host}:{span}", f"port{'s' if len(ports) > 1 else ''} {span}"
    if not errors or None in errors:
        return LookedFor(what, None, f"{where}: not known yet", f"{brief}: not known yet")
    if all(error == "dns" for error in errors):
        text = f"{config.pool.host} does not resolve"
        return LookedFor(what, False, f"{text}, so no port was asked", text)
    if len(set(errors)) == 1 and errors[0] in _ALL:
        text = f"all {_ALL[errors[0]]}" if len(errors) > 1 else _ONE[errors[0]]
        return LookedFor(what, False, f"{where}: {text}", f"{brief}: {text}")
    parts = []
    for error in dict.fromkeys(errors):
        mine = [str(port) for port, each in zip(ports, errors, strict=True) if each == error]
        words = _ONE if len(mine) == 1 else _ALL
        parts.append(f"{cut_list(mine, 3)} {words.get(error or '', error)}")
    return LookedFor(what, False, f"{host}: {'; '.join(parts)}", f"{brief}: no worker answers")


def _orchestrator(snapshot: Snapshot, url: str) -> LookedFor:
    what, error = "orchestrator", snapshot.pool.orchestrator_error
    if error == "dns":
        return LookedFor(what, False, f"{url}: its host does not resolve")
    if error is not None:
        return LookedFor(what, False, f"{url}: {_ONE.get(error, error)}")
    if snapshot.run.samples < LOOKS:
        return LookedFor(what, None, f"{url}: not known yet")
    return LookedFor(what, True, f"{url}: answers, and knows no worker")


def _launcher(snapshot: Snapshot, config: Config) -> LookedFor:
    pool = snapshot.pool
    if not pool.backend:
        return LookedFor("launcher", None, "not known yet")
    if pool.problem:
        return LookedFor("launcher", False, pool.problem)
    return LookedFor("launcher", True, f"{' '.join(mask_arguments(config.pool.launcher.launch)[:2])} is there")


def ways(search: PoolSearch) -> tuple[Way, ...]:
    """Return the three commands that help where there is no pool."""
    if search.describes_pool:
        how = search.how or search.program
        # Only this machine is checked before a launch.
        preflight = (Way(f"{how} preflight", "check what a launch from here needs"),)
        return (
            *(preflight if search.is_local else ()),
            Way(f"{how} launch N", "launch N workers; a pool launched elsewhere is found by itself"),
            Way(f"{how} doctor", "say what is missing: ports, orchestrator, Ollama, launcher"),
        )
    return (
        Way(f"{search.program} demo", "see a pool fail and be saved; needs nothing else", ("demo",), "1"),
        Way(f"{search.program} setup", "set up this machine: MetaBonk, env file, ports, recorder", ("setup",), "2"),
        Way(
            f"{search.program} --base-port PORT",
            "watch a pool on other ports; --host HOST: of another machine",
            key=OTHER_POOL,
        ),
    )


def text_lines(snapshot: Snapshot, config: Config, search: PoolSearch) -> Iterator[str]:
    """Write the page as plain text: the verdict, what was looked for, what helps."""
    because = f": {snapshot.verdict.because[0]}" if snapshot.verdict.because else ""
    yield f"{snapshot.verdict.title}{because}"
    yield ""
    yield "LOOKED FOR"
    for row in looked_for(snapshot, config, search):
        yield f"  {standing(row):<9}  {row.what:<16}  {row.text}"
    yield ""
    yield "WHAT TO DO NEXT"
    for way in ways(search):
        yield f"  {way.command}"
        yield f"      {way.what}"


def standing(row: LookedFor) -> str:
    """Say in a word whether it was found."""
    return "not known" if row.found is None else "found" if row.found else "none"
