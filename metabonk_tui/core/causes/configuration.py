"""Finds causes between the env file and the process: not loaded, overridden, switched off, never read.

Without a readable environment, `/status` shows less surely which defaults a worker runs on. A key that neither the
file nor the process sets is off by default. Exporting the file would not change it: "disabled", not "not loaded".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from metabonk_tui.core.causes.evidence import (
    Evidence,
    SilentComponent,
    WorkerEvidence,
    WorkerFinding,
    environ_command,
    make_cause,
    status_command,
)
from metabonk_tui.core.causes.starting import find_complaint
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.status.decode import flag
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.environment import is_on, is_same_value, shown_value

PURE_VISION = "METABONK_PURE_VISION_MODE"
APPLY = "METABONK_INTRINSIC_APPLY_IN_PURE_VISION"
OVERRIDDEN = (
    PURE_VISION,
    "METABONK_EXPLORATION_REWARDS",
    "METABONK_RL_LOGGING",
    "METABONK_STRATEGY_FREQUENCY",
    "METABONK_SYSTEM2_",
)
"""Keys that launch.py overwrites from its JSON profile; the last entry is a prefix."""
BUILT_BY_ENVIRONMENT = (ComponentState.ABSENT, ComponentState.UNPROVEN)
"""In these states the component was not built; the first of its keys decides that."""
UNREAD_S = 120.0
"""A worker silent for less than this may only start slowly."""
UNREAD = {
    "METABONK_WORKER_MEMORY_LIMIT_MB": "",
    "METABONK_SYSTEM2_PERIODIC_PROB": "METABONK_SYSTEM2_TRIGGER_PERIODIC_STEPS",
    "METABONK_UI_BASE_EPS": "METABONK_DYNAMIC_EPS_BASE",
    "METABONK_UI_UI_EPS": "METABONK_DYNAMIC_EPS_UI",
    "METABONK_UI_STUCK_EPS": "METABONK_DYNAMIC_EPS_STUCK",
    "METABONK_UI_STUCK_THRESHOLD": "METABONK_DYNAMIC_STUCK_PATIENCE",
}
"""Keys of MetaBonk's env files that its workers never read, with the key that they read ("": none)."""


def config_not_loaded(evidence: Evidence) -> Cause | None:
    """Find required keys that no process has, although a readable env file sets them."""
    found = [one for worker in evidence.workers for one in _not_loaded(evidence, worker)]
    if not found:
        return None
    return make_cause(
        ("config-not-loaded", "config not loaded"),
        found,
        evidence,
        confirm=environ_command(found[0].worker),
        fix=_export_command(evidence),
    )


def _export_command(evidence: Evidence) -> str:
    return f"relaunch with the file exported: set -a; source {evidence.file_name}; set +a"


def _not_loaded(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    silent_components = list(evidence.silent_components(worker))
    return (
        _not_in_process(evidence, worker, silent_components)
        if worker.environ is not None
        else _not_in_sight(evidence, worker, silent_components)
    )


def _not_in_sight(
    evidence: Evidence, worker: WorkerEvidence, silent_components: Sequence[SilentComponent]
) -> Iterator[WorkerFinding]:
    """Infer from `/status` alone that a worker runs on the code's defaults."""
    confidence = _unloaded_confidence(worker)
    if not confidence or not silent_components or _has_complained(worker):
        return
    observation = "gated keys of every component absent"
    observation += f', System2 trigger mode "{worker.mode}"' if worker.mode else ""
    # A file that switches a component off explains its absence, loaded or not.
    gates = [
        key
        for pair in silent_components
        if pair[0].state in BUILT_BY_ENVIRONMENT
        for key in explaining_keys(pair, worker)
    ]
    file, required = evidence.file_values, evidence.config.required_environment
    keys = [key for key in gates if _file_sets_right(file, key, required[key])]
    if keys:
        yield WorkerFinding(worker, confidence + 0.1, f"{observation}, although the env file sets {cut_list(keys)}")
    elif file is None:
        yield WorkerFinding(worker, confidence, f"{observation}, as with the code's defaults")
    else:
        yield WorkerFinding(worker, 0.3, f"{observation}, and the env file does not switch them on either")


def _not_in_process(
    evidence: Evidence, worker: WorkerEvidence, silent_components: Sequence[SilentComponent]
) -> Iterator[WorkerFinding]:
    """Find the required keys that a readable process lacks."""
    file, environ = evidence.file_values, worker.environ or {}
    missing = [key for pair in silent_components for key in explaining_keys(pair, worker) if key not in environ]
    if not missing or missing == [APPLY]:
        # APPLY alone has its own cause: intrinsic_not_applied.
        return
    required = evidence.config.required_environment
    share = sum(key not in environ for key in required) / len(required)
    weight = 0.6 + 0.4 * share
    observation = f"{cut_list(missing)} unset in the process"
    in_file = [key for key in missing if _file_sets_right(file, key, required[key])]
    if in_file:
        exported = evidence.env_file.exported if evidence.env_file is not None else frozenset()
        how = "" if all(key in exported for key in in_file) else ", without export"
        yield WorkerFinding(
            worker, 0.97 * weight, f"{observation}, {_count_text(in_file, missing)} set right in the env file{how}"
        )
    elif file is None:
        yield WorkerFinding(worker, 0.85 * weight, observation)
    else:
        yield WorkerFinding(worker, 0.4 * weight, f"{observation}, and the env file does not set it right either")


def _count_text(some_of: list[str], keys: list[str]) -> str:
    return "all" if len(some_of) == len(keys) > 1 else str(len(some_of)) if len(keys) > 1 else "it is"


def _unloaded_confidence(worker: WorkerEvidence) -> float:
    """Return the confidence, from `/status` alone, that a worker runs on the code's defaults."""
    if not worker.looks_unloaded:
        return 0.0
    if worker.mode is not None:
        return 0.75 if worker.mode == "always" else 0.0
    return {False: 0.6, None: 0.5, True: 0.3}[flag(worker.status, "system2_enabled")]


def explaining_keys(silent_component: SilentComponent, worker: WorkerEvidence) -> tuple[str, ...]:
    """Return the keys whose lack explains a silence: the first builds the component, the others let it move."""
    component, spec = silent_component
    keys = tuple(spec.environment)
    if component.state in BUILT_BY_ENVIRONMENT:
        return keys[:1]
    if component.state is not ComponentState.ZERO:
        return ()
    pure_vision = worker.environ is None or is_on(worker.environ.get(PURE_VISION))
    return tuple(key for key in keys if key != APPLY or pure_vision)


def _has_complained(worker: WorkerEvidence) -> bool:
    """Return whether the log shows a failed component, which must have been switched on."""
    return find_complaint(worker, "") is not None


def _file_sets_right(file: Mapping[str, str] | None, key: str, wanted: str) -> bool:
    return file is not None and key in file and is_same_value(file[key], wanted)


def launcher_override(evidence: Evidence) -> Cause | None:
    """Find variables that are right in the env file and wrong in the process."""
    file = evidence.file_values
    if file is None:
        return None
    found, keys = [], []
    for worker in evidence.workers:
        environ = worker.environ or {}
        wrong = [key for pair in evidence.silent_components(worker) for key in _overridden(pair, environ, file)]
        if not wrong:
            continue
        keys += wrong
        known = any(key.startswith(OVERRIDDEN) for key in wrong)
        observation = cut_list(
            [
                f"{key} is {shown_value(file[key])} in the env file, {shown_value(environ[key])} in the process"
                for key in wrong
            ]
        )
        found.append(WorkerFinding(worker, 0.96 if known else 0.85, observation))
    if not found:
        return None
    right = cut_list([*dict.fromkeys(keys)])
    return make_cause(
        ("launcher-override", "overridden by the launcher"),
        found,
        evidence,
        confirm=environ_command(found[0].worker, keys[0]),
        fix=f"set {right} in the launcher's JSON profile (configs/launch_*.json), relaunch",
    )


def _overridden(silent: SilentComponent, environ: Mapping[str, str], file: Mapping[str, str]) -> Iterator[str]:
    """Yield a silent component's keys that are right in the file and wrong in the process."""
    component, spec = silent
    for key, wanted in spec.environment.items():
        if key in environ and _file_sets_right(file, key, wanted) and not is_same_value(environ[key], wanted):
            yield key
    pure = APPLY in spec.environment and component.state is ComponentState.ZERO
    if pure and PURE_VISION in file and is_on(environ.get(PURE_VISION)) and not is_on(file[PURE_VISION]):
        yield PURE_VISION


def component_disabled(evidence: Evidence) -> Cause | None:
    """Find flags that are set to off, or unset and off by default."""
    found = [one for worker in evidence.workers for one in _disabled(evidence, worker)]
    if not found:
        return None
    return make_cause(
        ("component-disabled", "component disabled"),
        found,
        evidence,
        confirm=environ_command(found[0].worker),
        fix=f"set the flags to 1 in {evidence.file_name}, relaunch",
    )


class _Flag(Struct, frozen=True):
    """A flag with its values in the process and in the env file; None: not set."""

    key: str
    process: str | None
    file: str | None


def _disabled(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    """Judge the flags by the best readable source: the process, the env file, then `/status`."""
    silent_components, required = list(evidence.silent_components(worker)), evidence.config.required_environment
    environ, file = worker.environ, evidence.file_values
    flags = [
        _Flag(key, (environ or {}).get(key), (file or {}).get(key))
        for pair in silent_components
        for key in explaining_keys(pair, worker)
        if is_on(required[key])
    ]
    if environ is not None:
        found = _off_in_process(flags, file is not None)
    elif file is not None:
        found = _off_in_file(flags, unset_counts=worker.looks_unloaded and not _has_complained(worker))
    else:
        found = _off_by_look(worker, silent_components) if flags and not _has_complained(worker) else iter(())
    for weight, observation in found:
        yield WorkerFinding(worker, weight, observation)


Weighed = tuple[float, str]
"""(confidence, sentence)"""


def _off_in_process(flags: Sequence[_Flag], file_known: bool) -> Iterator[Weighed]:
    off = [flag for flag in flags if flag.process is not None and not is_on(flag.process)]
    # Right in the file and wrong in the process: launcher_override reports that.
    off = [flag for flag in off if flag.file is None or not is_same_value(flag.file, "1")]
    unset = [flag.key for flag in flags if file_known and flag.process is None and flag.file is None]
    if off:
        if [flag.key for flag in off] == [APPLY]:
            # APPLY alone has its own cause: intrinsic_not_applied.
            return
        also = ", as the env file says" if all(flag.file is not None for flag in off) else ""
        weight = 0.9 + 0.06 * (len(off) / len(flags))
        yield weight, f"{cut_list([f'{flag.key} is {shown_value(flag.process)}' for flag in off])}{also}"
    elif unset and unset != [APPLY]:
        yield 0.7, f"{cut_list(unset)} set neither in the process nor in the env file: off by default"


def _off_in_file(flags: Sequence[_Flag], *, unset_counts: bool) -> Iterator[Weighed]:
    off = [flag for flag in flags if flag.file is not None and not is_on(flag.file)]
    unset = [flag.key for flag in flags if flag.file is None]
    if off:
        yield 0.8, f"the env file says {cut_list([f'{flag.key}={flag.file}' for flag in off])}"
    elif unset and unset_counts:
        yield 0.6, f"the env file does not set {cut_list(unset)}: off by default"


def _off_by_look(worker: WorkerEvidence, silent_components: Sequence[SilentComponent]) -> Iterator[Weighed]:
    """Infer from `/status`: System2 reports itself off, or only some components are present."""
    unreadable = "the environment is not readable"
    if worker.mode is None and flag(worker.status, "system2_enabled") is False:
        yield 0.4, f"{cut_list([component.title for component, _ in silent_components])} absent; {unreadable}"
        return
    absent = [component.title for component, _ in silent_components if component.state is ComponentState.ABSENT]
    if absent and not worker.looks_unloaded:
        yield 0.4, f"{cut_list(absent)} absent while others are there; {unreadable}"


def unread_keys(evidence: Evidence) -> Cause | None:
    """Find keys that are set although no worker's source reads them."""
    found, keys = [], []
    for worker in evidence.workers:
        unread = _unread(evidence, worker)
        if (
            unread
            and worker.is_settled(evidence.t, UNREAD_S)
            and any(True for _ in evidence.silent_components(worker))
        ):
            keys = unread
            found.append(WorkerFinding(worker, 0.25, f"{cut_list(unread, 3)} set, {_unread_by(evidence)}"))
    if not found:
        return None
    read = [f"{UNREAD[key]} instead of {key}" for key in keys if UNREAD.get(key)]
    return make_cause(
        ("unread-keys", "keys that no code reads"),
        found,
        evidence,
        confirm=f"grep -rnw {keys[0]} --include=*.py --include=*.sh .",
        fix=f"set {cut_list(read)}" if read else f"remove {cut_list(keys)}: nothing reads it",
    )


def _unread_by(evidence: Evidence) -> str:
    """Return who does not read the keys: of a source that was read, its files are named."""
    file = evidence.env_file
    if file is not None and file.unread is not None and file.source:
        return f"read by none of {file.source}"
    return "read by no worker"


def _unread(evidence: Evidence, worker: WorkerEvidence) -> list[str]:
    """Return the unread keys by the workers' source, or by the `UNREAD` list where no source was read."""
    if evidence.file_values is not None and evidence.env_file is not None and evidence.env_file.unread is not None:
        return list(evidence.env_file.unread)
    return [key for key in UNREAD if key in (evidence.file_values or ()) or key in (worker.environ or ())]


def intrinsic_not_applied(evidence: Evidence) -> Cause | None:
    """Find an intrinsic reward that no worker computes: pure vision disables it unless APPLY is set."""
    found = [one for worker in evidence.workers for one in _not_applied(evidence, worker)]
    if not found:
        return None
    fix = f"set {APPLY}=1 in {evidence.file_name} (exported), relaunch"
    if _file_sets_right(evidence.file_values, APPLY, "1"):
        # The processes run with another file, or without this one.
        fix = _export_command(evidence)
    return make_cause(
        ("intrinsic-not-applied", "intrinsic not applied"),
        found,
        evidence,
        confirm=status_command(found[0].worker, evidence, "intrinsic_"),
        fix=fix,
    )


def _not_applied(evidence: Evidence, worker: WorkerEvidence) -> Iterator[WorkerFinding]:
    fields = worker.status.fields
    if fields.get("intrinsic_reward_total") != 0 or fields.get("intrinsic_ui_context") is not None:
        return
    if not worker.is_settled(evidence.t) or not _is_intrinsic_zero(evidence, worker):
        return
    observation = "intrinsic_reward_total 0.0, intrinsic_ui_context absent"
    if worker.environ is None:
        discovery = fields.get("discovery_stats")
        pure = isinstance(discovery, dict) and discovery.get("pure_vision_mode") is True
        yield WorkerFinding(worker, 0.85 if pure else 0.6, f"{observation}{', pure vision is on' if pure else ''}")
    elif is_on(worker.environ.get(PURE_VISION)) and not is_on(worker.environ.get(APPLY)):
        is_set = f"is {worker.environ[APPLY]}" if APPLY in worker.environ else "unset"
        file = ", although the env file sets it" if _file_sets_right(evidence.file_values, APPLY, "1") else ""
        yield WorkerFinding(worker, 0.96, f"{observation}, {PURE_VISION}=1 and {APPLY} {is_set}{file}")


def _is_intrinsic_zero(evidence: Evidence, worker: WorkerEvidence) -> bool:
    return any(
        spec.field == "intrinsic_reward_total" for _, spec in evidence.silent_components(worker)
    ) or not _has_intrinsic_component(evidence.config)


def _has_intrinsic_component(config: Config) -> bool:
    return any(spec.field == "intrinsic_reward_total" for spec in config.component)
