"""What a cause may be inferred from, and how findings on several workers become one ranked cause.

Knows readings and views. Refuses to know any particular cause.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from metabonk_tui.core.causes.stillness import Signs, never
from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, WorkerStatus
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.core.status.decode import text
from metabonk_tui.core.status.log_lines import is_from, without_prefix
from metabonk_tui.core.verdict.text import labels
from metabonk_tui.core.worker.component import SILENT

TRUE = ("1", "true", "yes", "on")
GATED = ("dynamic_ui_text_density", "intrinsic_reward_total", "meta_success_sequences")
"""One key of each component that appears only while the component is on."""
SETTLED_S = 30.0
"""A worker that we have seen for less than this may still be getting ready."""
SAID = 2
"""So many different proofs of one cause are told in full."""
Quiet = tuple[ComponentView, ComponentConfig]


@dataclass(frozen=True, slots=True)
class WorkerClues:
    """One worker that answers, with what was read around it."""

    view: WorkerView
    status: WorkerStatus
    signs: Signs
    environ: Mapping[str, str] | None
    """None: not read, or not readable."""
    log: tuple[str, ...]
    """What its log told so far that may matter, oldest first."""

    @property
    def unloaded(self) -> bool:
        """Does `/status` look as if every component were off?"""
        return all(never(self.status, name) for name in GATED)

    @property
    def mode(self) -> str | None:
        """System2's trigger mode; None while System2 is off or failed."""
        return text(self.status, "system2_trigger_mode")

    def settled(self, t: float, least_s: float = SETTLED_S) -> bool:
        """Say whether this generation was watched long enough to judge what it does not do."""
        return t - self.signs.began_t >= least_s

    def logged(self, *words: str) -> str | None:
        """Return the last line of its log that has all of these words, in any case."""
        wanted = [word.lower() for word in words]
        name = text(self.status, "instance_id")
        own = (line for line in reversed(self.log) if is_from(line, name))
        return next((line for line in own if all(word in line.lower() for word in wanted)), None)


@dataclass(frozen=True, slots=True)
class Clues:
    """Everything that a cause may be inferred from."""

    t: float
    workers: tuple[WorkerClues, ...]
    """Those that answer; of the others nothing can be said from outside."""
    total: int
    env_file: EnvFileReading | None
    memory: MemoryView
    config: Config
    foreign_fields: tuple[str, ...] = ()

    @property
    def file_values(self) -> Mapping[str, str] | None:
        """What the env file sets; None where it was not read."""
        return None if self.env_file is None or self.env_file.error is not None else self.env_file.values

    @property
    def file_name(self) -> str:
        """The env file, for a command."""
        told = self.env_file.path if self.env_file is not None else self.config.pool.launcher.env_file
        return shlex.quote(told) if told else "YOUR_ENV_FILE"

    def quiet(self, worker: WorkerClues) -> Iterator[Quiet]:
        """List the components that are silent on a worker and ought not to be."""
        for component, spec in zip(worker.view.components, self.config.component, strict=True):
            if component.state not in SILENT:
                continue
            early = component.due == "gameplay" and component.state in (ComponentState.ZERO, ComponentState.STALLED)
            if not early:
                yield component, spec


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause on one worker."""

    worker: WorkerClues
    confidence: float
    because: str


def reachable(view: WorkerView) -> bool:
    """Say whether what a worker last said still describes it."""
    return view.status is not None and view.reach in (Reach.UP, Reach.STALE)


def cause(name: tuple[str, str], findings: Iterable[Finding], clues: Clues, *, confirm: str, fix: str) -> Cause | None:
    """Make one cause of what was found on several workers, the strongest proof first; None: nothing was found."""
    found = sorted(findings, key=lambda one: (-one.confidence, one.worker.view.ref))
    if not found:
        return None
    groups: dict[str, list[WorkerRef]] = {}
    for one in found:
        groups.setdefault(one.because, []).append(one.worker.view.ref)
    said = []
    for because, where in list(groups.items())[:SAID]:
        everywhere = len(where) == clues.total and len(where) > 1
        said.append(f"{because}, on {f'{len(where)}/{clues.total} workers' if everywhere else labels(where)}")
    if rest := [ref for where in list(groups.values())[SAID:] for ref in where]:
        said.append(f"alike on {labels(rest)}")
    return Cause(
        id=name[0],
        name=name[1],
        confidence=round(min(0.99, found[0].confidence), 2),
        because="; ".join(said),
        confirm=confirm,
        fix=fix,
        workers=tuple(sorted(one.worker.view.ref for one in found)),
    )


def quoted(line: str) -> str:
    """Quote a line of a log without who says it: that follows, and workers that say the same are told together."""
    return f'"{without_prefix(line)}"'


def on(value: str | None) -> bool:
    """Say whether MetaBonk takes this value for true."""
    return value is not None and value.strip().lower() in TRUE


def some(names: Sequence[str], most: int = 2) -> str:
    """Write a list of names, cut: "A, B and 3 more"."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def environ_command(worker: WorkerClues, pattern: str = "METABONK_") -> str:
    """Write the command that shows the environment of a worker's process."""
    pid = worker.view.pid if worker.view.pid is not None else "PID"
    return f"tr '\\0' '\\n' < /proc/{pid}/environ | grep {shlex.quote(pattern)}"


def log_command(worker: WorkerClues, pattern: str) -> str:
    """Write the command that searches a worker's log."""
    if worker.view.pid is not None:
        where = f"/proc/{worker.view.pid}/fd/1"
    else:
        folder = text(worker.status, "game_log_path") or "runs/RUN"
        where = shlex.quote(f"{folder}/logs/worker_{worker.view.slot}.log")
    return f"grep -nE {shlex.quote(pattern)} {where}"


def status_command(worker: WorkerClues, clues: Clues, pattern: str) -> str:
    """Write the command that shows some fields of a worker's status."""
    host, port = clues.config.pool.host, worker.view.port or clues.config.pool.base_port + worker.view.ref.slot
    host = f"[{host}]" if ":" in host else host
    url = shlex.quote(f"http://{host}:{port}/status")
    return f"curl -s {url} | tr ',' '\\n' | grep -E {shlex.quote(pattern)}"
