"""Gathers the evidence for causes, and merges findings on several workers into one ranked cause.

Does not: know any particular cause.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from metabonk_tui.core.causes.stillness import Stillness, lacks_key
from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef, worker_ranges
from metabonk_tui.core.model.sample import EnvFileReading, WorkerStatus
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach, WorkerView
from metabonk_tui.core.status.decode import text
from metabonk_tui.core.status.log_lines import is_from, without_prefix
from metabonk_tui.core.worker.component import SILENT

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_STALLED, _ZERO = (ComponentState.STALLED, ComponentState.ZERO)

GATED_FIELDS = ("dynamic_ui_text_density", "intrinsic_reward_total", "meta_success_sequences")
"""One key of each component that appears only while the component is on."""
SETTLED_S = 30.0
"""A worker observed for less than this may still be starting up."""
SHOWN_PROOFS = 2
"""How many different proofs of one cause its text gives in full."""
SilentComponent = tuple[ComponentView, ComponentConfig]


class WorkerEvidence(Struct, frozen=True):
    """One answering worker with its status, history, environment and log lines."""

    ref: WorkerRef
    reach: Reach
    states: tuple[ComponentState, ...]
    """Those of its components."""
    views: Sequence[WorkerView]
    """The views of all workers; of a healthy one, nothing reads its view."""
    place: int
    """Where its own view is."""
    status: WorkerStatus
    stillness: Stillness
    environ: Mapping[str, str] | None
    """None: not read, or unreadable."""
    log: tuple[str, ...]
    """The relevant log lines so far, oldest first."""

    @property
    def view(self) -> WorkerView:
        """The view of the worker."""
        return self.views[self.place]

    @property
    def looks_unloaded(self) -> bool:
        """Whether `/status` lacks the keys of every gated component."""
        return all(lacks_key(self.status, name) for name in GATED_FIELDS)

    @property
    def mode(self) -> str | None:
        """System2's trigger mode; None: System2 is off or failed."""
        return text(self.status, "system2_trigger_mode")

    def is_settled(self, t: float, least_s: float = SETTLED_S) -> bool:
        """Return whether this generation was observed for at least `least_s` seconds."""
        return t - self.stillness.began_t >= least_s

    @property
    def own_log(self) -> tuple[str, ...]:
        """The lines that no other worker wrote, oldest first."""
        name = text(self.status, "instance_id")
        return tuple(line for line in self.log if is_from(line, name))

    def find_in_log(self, *words: str) -> str | None:
        """Return the worker's last log line that contains all the words, in any case; None: no such line."""
        wanted = [word.lower() for word in words]
        own = reversed(self.own_log)
        return next((line for line in own if all(word in line.lower() for word in wanted)), None)


class Evidence(Struct, frozen=True):
    """The evidence of one tick, for all workers."""

    t: float
    workers: tuple[WorkerEvidence, ...]
    """The answering workers. The status of the others is unknown."""
    total: int
    env_file: EnvFileReading | None
    memory: MemoryView
    config: Config
    foreign_fields: tuple[str, ...] = ()

    @property
    def file_values(self) -> Mapping[str, str] | None:
        """The variables that the env file sets; None: not read."""
        return None if self.env_file is None or self.env_file.error is not None else self.env_file.values

    @property
    def file_name(self) -> str:
        """The path of the env file, quoted for a shell command."""
        path = self.env_file.path if self.env_file is not None else self.config.pool.launcher.env_file
        return shlex.quote(path) if path else "YOUR_ENV_FILE"

    def silent_components(self, worker: WorkerEvidence) -> Iterator[SilentComponent]:
        """Yield the components of a worker that are silent although they are due."""
        for place, spec in enumerate(self.config.component):
            state = worker.states[place]
            early = spec.due == "gameplay" and state in (_ZERO, _STALLED)
            if state in SILENT and not early:
                yield worker.view.components[place], spec


class WorkerFinding(Struct, frozen=True):
    """A cause on one worker."""

    worker: WorkerEvidence
    confidence: float
    because: str


def make_cause(
    name: tuple[str, str], findings: Iterable[WorkerFinding], evidence: Evidence, *, confirm: str, fix: str
) -> Cause | None:
    """Make one cause of what was found on several workers, the strongest proof first; None: nothing was found."""
    found = sorted(findings, key=lambda item: (-item.confidence, item.worker.ref))
    if not found:
        return None
    groups: dict[str, list[WorkerRef]] = {}
    for one in found:
        groups.setdefault(one.because, []).append(one.worker.ref)
    sentences = []
    for because, where in list(groups.items())[:SHOWN_PROOFS]:
        everywhere = len(where) == evidence.total and len(where) > 1
        sentences.append(
            f"{because}, on {f'{len(where)}/{evidence.total} workers' if everywhere else worker_ranges(where)}"
        )
    if rest := [ref for where in list(groups.values())[SHOWN_PROOFS:] for ref in where]:
        sentences.append(f"alike on {worker_ranges(rest)}")
    return Cause(
        id=name[0],
        name=name[1],
        confidence=round(min(0.99, found[0].confidence), 2),
        because="; ".join(sentences),
        confirm=confirm,
        fix=fix,
        workers=tuple(sorted(one.worker.ref for one in found)),
    )


def quote_line(line: str) -> str:
    """Quote a log line without its worker prefix, so that equal lines of several workers merge."""
    return f'"{without_prefix(line)}"'


def environ_command(worker: WorkerEvidence, pattern: str = "METABONK_") -> str:
    """Return the shell command that shows the environment of a worker's process."""
    pid = worker.view.pid if worker.view.pid is not None else "PID"
    return f"tr '\\0' '\\n' < /proc/{pid}/environ | grep {shlex.quote(pattern)}"


def log_command(worker: WorkerEvidence, pattern: str) -> str:
    """Return the shell command that searches a worker's log."""
    if worker.view.pid is not None:
        where = f"/proc/{worker.view.pid}/fd/1"
    else:
        folder = text(worker.status, "game_log_path") or "runs/RUN"
        where = shlex.quote(f"{folder}/logs/worker_{worker.view.slot}.log")
    return f"grep -nE {shlex.quote(pattern)} {where}"


def status_command(worker: WorkerEvidence, evidence: Evidence, pattern: str) -> str:
    """Write the command that shows some fields of a worker's status."""
    host, port = evidence.config.pool.host, worker.view.port or evidence.config.pool.base_port + worker.ref.slot
    host = f"[{host}]" if ":" in host else host
    url = shlex.quote(f"http://{host}:{port}/status")
    return f"curl -s {url} | tr ',' '\\n' | grep -E {shlex.quote(pattern)}"
