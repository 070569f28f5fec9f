"""Judges the required environment: of one worker's process, and of each key from the env file to its effect.

Pure. An unreadable value is unknown and never counts as right. Does not: decide what a wrong value leads to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.config.schema import ComponentConfig, Config
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, EnvReading
from metabonk_tui.core.model.worker import ComponentState, EnvView, WorkerView
from metabonk_tui.core.text.clean import show_cr
from metabonk_tui.core.text.mask import mask_text

EnvCheckResult = Literal["right", "wrong", "missing", "unknown"]
EnvCheckVerdict = Literal["ok", "mismatch", "unknown"]
_RANK: Mapping[EnvCheckVerdict, int] = {"mismatch": 0, "unknown": 1, "ok": 2}
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")
"""MetaBonk reads every value that is not in `_TRUE` as false; these are the usual forms."""


def is_same_value(value: str, wanted: str) -> bool:
    """Return whether a value means what a component needs: the plan, the preflight and the table all ask here.

    MetaBonk compares without case and outer space; 1, true, yes and on are equal, and so are 0, false, no and off.
    What was read from a process is masked, so both are compared without their secrets.
    """
    value, wanted = (mask_text(show_cr(text)).strip().lower() for text in (value, wanted))
    return value == wanted or any(value in words and wanted in words for words in (_TRUE, _FALSE))


def is_on(value: str | None) -> bool:
    """Return whether MetaBonk reads this value as true."""
    return value is not None and is_same_value(value, "1")


def view(env: EnvReading | None, config: Config) -> EnvView | None:
    """Compare the environment of a process with the required one; None when it was never read."""
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


def shown_value(value: str | None) -> str:
    """Write an empty value as "", so that a sentence does not end in nothing."""
    return value if value is not None and value.strip() else '""'


def wrong_keys(env: EnvView) -> list[str]:
    """Format each key that is not as required: "A missing", "B is 0"."""
    wrong = [f"{key} is {shown_value(value)}" for key, value, _ in env.wrong]
    return [f"{key} missing" for key in env.missing] + wrong


class EnvCheckCell(Struct, frozen=True):
    """One key in one worker's process."""

    ref: WorkerRef
    result: EnvCheckResult
    value: str | None
    """Value at the start of the process; None: missing or unknown."""
    why: str = ""
    """Why the value is unknown: "not permitted", "not read yet"."""


class EnvCheckEffect(Struct, frozen=True):
    """What `/status` of one worker shows of the component that needs the key."""

    ref: WorkerRef
    text: str
    """"seen", "absent", "zero", "stalled" ..."""
    state: ComponentState


class EnvCheckRow(Struct, frozen=True):
    """One required key, from the env file to its effect."""

    key: str
    wanted: str
    components: tuple[str, ...]
    """Ids of the components that need the key; empty: required by the configuration itself."""
    file: EnvCheckResult
    file_value: str | None
    exported: bool | None
    """Does a plain `source` hand it to child processes? None: not known, or not in the file."""
    overridden: tuple[WorkerRef, ...]
    """The workers whose process has another value than the file: something between the two set it."""
    cells: tuple[EnvCheckCell, ...]
    effects: tuple[EnvCheckEffect, ...]
    """Effects on the first component that needs the key; empty without one."""
    verdict: EnvCheckVerdict

    def refs(self, result: EnvCheckResult) -> tuple[WorkerRef, ...]:
        """List the workers of which this is so."""
        return tuple(cell.ref for cell in self.cells if cell.result == result)

    @property
    def right(self) -> int:
        """In how many processes it is right."""
        return len(self.refs("right"))


def env_check_table(
    config: Config, env_file: EnvFileReading | None, workers: Sequence[WorkerView]
) -> tuple[EnvCheckRow, ...]:
    """Return one row for each required key: mismatches first, then unknown ones, each in configured order."""
    rows = [_row(key, wanted, config, env_file, workers) for key, wanted in config.required_environment.items()]
    return tuple(sorted(rows, key=lambda row: _RANK[row.verdict]))


def not_exported(rows: Sequence[EnvCheckRow]) -> tuple[EnvCheckRow, ...]:
    """List the keys that are right in the file, would not be exported by a plain `source`, and lack in a process."""
    return tuple(row for row in rows if row.file == "right" and row.exported is False and row.refs("missing"))


def _row(
    key: str, wanted: str, config: Config, env_file: EnvFileReading | None, workers: Sequence[WorkerView]
) -> EnvCheckRow:
    needs = tuple(component for component in config.component if key in component.environment)
    cells = tuple(_cell(key, wanted, worker) for worker in workers)
    readable = env_file if env_file is not None and env_file.error is None else None
    in_file = readable.values.get(key) if readable is not None else None
    return EnvCheckRow(
        key=key,
        wanted=wanted,
        components=tuple(component.id for component in needs),
        file="unknown" if readable is None else _check_value(in_file, wanted),
        file_value=in_file,
        exported=key in readable.exported if readable is not None and in_file is not None else None,
        overridden=_overridden(in_file, cells),
        cells=cells,
        effects=tuple(_effects(needs[0], workers)) if needs else (),
        verdict=_verdict(cells),
    )


def _cell(key: str, wanted: str, worker: WorkerView) -> EnvCheckCell:
    values = worker.environment
    if values is None:
        why = worker.env.error if worker.env is not None and worker.env.error else "not read yet"
        return EnvCheckCell(worker.ref, "unknown", None, why)
    value = values.get(key)
    return EnvCheckCell(worker.ref, _check_value(value, wanted), value)


def _check_value(value: str | None, wanted: str) -> EnvCheckResult:
    if value is None:
        return "missing"
    return "right" if is_same_value(value, wanted) else "wrong"


def _overridden(in_file: str | None, cells: Sequence[EnvCheckCell]) -> tuple[WorkerRef, ...]:
    if in_file is None:
        return ()
    return tuple(cell.ref for cell in cells if cell.value is not None and not is_same_value(cell.value, in_file))


def _effects(component: ComponentConfig, workers: Sequence[WorkerView]) -> list[EnvCheckEffect]:
    found = []
    for worker in workers:
        view = next((part for part in worker.components if part.id == component.id), None)
        if view is not None:
            text = "seen" if view.window_activity == "showing" else view.state.value.lower()
            found.append(EnvCheckEffect(worker.ref, text, view.state))
    return found


def _verdict(cells: Sequence[EnvCheckCell]) -> EnvCheckVerdict:
    """Judge by the processes alone: the file proves nothing about the environment of a process."""
    if any(cell.result in ("wrong", "missing") for cell in cells):
        return "mismatch"
    return "unknown" if not cells or any(cell.result == "unknown" for cell in cells) else "ok"
