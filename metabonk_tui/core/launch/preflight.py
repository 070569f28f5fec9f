"""Judges the findings of a preflight: PASS, FAIL, UNKNOWN or SKIPPED, each with evidence and a fix.

Pure. A missing finding is unknown and a missing configuration is skipped; neither ever passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.config.schema import GB, Config, TestConfig
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.error_line import error_line
from metabonk_tui.core.memory.capacity import arithmetic, judge_fit
from metabonk_tui.core.model.memory import Budget
from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.text.mask import mask_arguments, mask_text
from metabonk_tui.core.text.numbers import age, gigabytes
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.environment import env_check_table, is_same_value, shown_value
from metabonk_tui.core.worker.ollama import DEFAULT_URL as OLLAMA_DEFAULT_URL
from metabonk_tui.core.worker.ollama import VARIABLE as OLLAMA_HOST


class TestResult(Struct, frozen=True):
    """How a component test ended."""

    __test__ = False

    name: str
    command: tuple[str, ...]
    outcome: Literal["passed", "failed", "timed out", "not started", "broken off"]
    ended_t: float
    seconds: float
    how: str = ""
    """"exit code 3", "ended by SIGSEGV", or why the test could not start."""
    tail: tuple[str, ...] = ()
    """The last lines that the test printed, cleaned."""


class PortFinding(Struct, frozen=True):
    """Which process listens on a port that a worker needs."""

    port: int
    state: Literal["free", "ours", "stranger", "unknown"]
    holder: str = ""
    """The process that listens, as text for people, or why it is unknown."""


class DiskFinding(Struct, frozen=True):
    """Free space where the launch will write."""

    path: str
    free_bytes: int | None
    error: str = ""


class PreflightView(Struct, frozen=True):
    """The last preflight of this monitor, running or ended, and the kept test results."""

    workers: int = 0
    """Number of workers that the preflight checked for; 0: no preflight yet."""
    began_t: float | None = None
    ended_t: float | None = None
    items: tuple[ChecklistItem, ...] = ()
    tests: tuple[TestResult, ...] = ()
    """The newest result of each test on this machine, also from earlier monitors."""
    problem: str = ""
    """Why the kept results cannot be read or written."""


SEED_TESTS: Mapping[str, str] = {
    "ui_exploration": "tests/test_dynamic_ui_exploration.py",
    "intrinsic_reward": "tests/test_intrinsic_reward_shaper.py",
    "system2": "tests/test_system2_reasoner.py",
    "meta": "tests/test_meta_learner.py",
}
"""Component → its test in MetaBonk's own checkout. They are offered, and run only when configured."""


def id_of_test(name: str) -> str:
    """Return the id of the item for a component test."""
    return f"test {name}"


def result_of(test: TestConfig, results: Sequence[TestResult]) -> TestResult | None:
    """Return the result of a test as configured now; None if only another command was run."""
    for result in reversed(results):
        if result.name == test.name and result.command == mask_arguments(test.command):
            return result
    return None


def item_of_test(test: TestConfig, result: TestResult | None) -> ChecklistItem:
    """Judge one component test by its result; None and "broken off" are unknown."""
    item_id, title = id_of_test(test.name), f"test {test.name}"
    if result is None or result.outcome == "broken off":
        return ChecklistItem(item_id, title, "UNKNOWN", ("it was not run to its end",), "run the preflight")
    if result.outcome == "passed":
        return ChecklistItem(item_id, title, "PASS", (f"passed in {result.seconds:.1f} s",), output=result.tail)
    error = error_line(result.tail)
    outcome_text = f"{result.outcome}: {result.how}" if result.how else result.outcome
    about = f" ({test.component})" if test.component else ""
    return ChecklistItem(
        item_id,
        title,
        "FAIL",
        (outcome_text, *((error,) if error else ())),
        f"repair what it tests{about}, then run it again",
        result.tail,
    )


def no_tests_item(offered: Sequence[str] = (), python: str = "python3") -> ChecklistItem:
    """Return the item for a configuration without component tests; `offered`: test files of the checkout.

    Tests that are there and were not run are unknown. The evidence is the text for config.toml that configures them.
    """
    item_id, title = "tests", "component tests"
    if not offered:
        return ChecklistItem(item_id, title, "SKIPPED", ("none is configured",), "name some in [[preflight.test]]")
    command = f'"{python}", "-m", "pytest", "-q"'
    tables = tuple(
        f'  {{ name = "{component}", component = "{component}", command = [{command}, "{file}"] }},'
        for component, file in SEED_TESTS.items()
        if file in offered
    )
    first = f"none is configured, and the checkout has {len(tables)}. In config.toml:"
    return ChecklistItem(
        item_id, title, "UNKNOWN", (first, "[preflight]", "test = [", *tables, "]"), "put these lines into config.toml"
    )


def env_file_item(
    config: Config, env_file: EnvFileReading | None, environment: Mapping[str, str] | None = None
) -> ChecklistItem:
    """Judge the environment of a launch: the env file, overlaid by the configuration and by what the launcher sets.

    `environment`: what a launch from here passes on, with the monitor's own variables; None: not known.
    """
    item_id, title = "env-file", "environment in the file"
    required = config.required_environment
    if not required:
        return ChecklistItem(item_id, title, "SKIPPED", ("no variable is required",))
    if env_file is None:
        why = "it was not read" if config.pool.launcher.env_file else "no env file is configured"
        return ChecklistItem(item_id, title, "UNKNOWN", (why,), "set pool.launcher.env_file")
    if env_file.error is not None:
        return ChecklistItem(item_id, title, "FAIL", (env_file.error,), "mend the env file")
    effective = effective_environment(config, env_file) if environment is None else environment
    complaint = (f"the file: {env_file.warning}",) if env_file.warning else ()
    sets = {key: env_file.launcher_sets[key] for key in required if key in env_file.launcher_sets}
    given = {key: effective.get(key) for key in required if key not in sets}
    bad = [f"{key} is not set" for key, value in given.items() if value is None]
    bad += [f"{key} is {shown_value(given[key])}, not {required[key]}" for key in _wrong(given, required)]
    bad += [
        f"{key}: the launcher sets it to {shown_value(sets[key])}, not {required[key]}"
        for key in _wrong(sets, required)
    ]
    if bad:
        return ChecklistItem(item_id, title, "FAIL", (*bad, *complaint), f"set it right in {env_file.path}")
    hidden = tuple(f"{key}: the launcher sets it, to what is not known" for key in sets if sets[key] is None)
    if hidden:
        return ChecklistItem(item_id, title, "UNKNOWN", (*hidden, *complaint), "look into the launcher's profile")
    notes = [f"{key}: the launcher sets it to {value}, whatever the file says" for key, value in sets.items()]
    notes += _sources_of(config, env_file, given)
    return ChecklistItem(item_id, title, "PASS", (f"{len(required)} of {len(required)} right", *complaint, *notes))


def _sources_of(config: Config, env_file: EnvFileReading, given: Mapping[str, str | None]) -> Iterator[str]:
    """Yield where right values come from, if not from an exported line of the file."""
    plain = [key for key in config.required_environment if key in env_file.values and key not in env_file.exported]
    if plain:
        yield f"{len(plain)} not exported by a plain source; a launch from here exports all"
    own = [key for key in given if key not in effective_environment(config, env_file)]
    if own:
        yield f"from the monitor's own environment: {cut_list(own, 3)}"


def _wrong(values: Mapping[str, str | None], required: Mapping[str, str]) -> list[str]:
    return [key for key, value in values.items() if value is not None and not is_same_value(value, required[key])]


def effective_environment(config: Config, env_file: EnvFileReading) -> Mapping[str, str]:
    """Return the env file's variables overlaid by those of the configuration, as a launch does."""
    return {**env_file.values, **config.pool.launcher.environment}


def processes_item(config: Config, env_file: EnvFileReading | None, workers: Sequence[WorkerView]) -> ChecklistItem:
    """Judge the environment with which the running worker processes were started."""
    item_id, title = "env-processes", "environment in the processes"
    if not config.required_environment:
        return ChecklistItem(item_id, title, "SKIPPED", ("no variable is required",))
    alive = [worker for worker in workers if worker.alive]
    if not alive:
        return ChecklistItem(item_id, title, "SKIPPED", ("no worker runs",))
    rows = env_check_table(config, env_file, alive)
    bad = tuple(
        f"{row.key} {cell.result} in {cell.ref.label}"
        for row in rows
        for cell in row.cells
        if cell.result in ("wrong", "missing")
    )
    if bad:
        return ChecklistItem(item_id, title, "FAIL", bad, "launch them anew with the env file")
    hidden = {cell.ref: cell.why for row in rows for cell in row.cells if cell.result == "unknown"}
    if hidden:
        why = tuple(f"{ref.label}: {why}" for ref, why in sorted(hidden.items()))
        return ChecklistItem(item_id, title, "UNKNOWN", why, "run the monitor as the user of the workers")
    return ChecklistItem(item_id, title, "PASS", (f"{len(rows)} of {len(rows)} right in {len(alive)} processes",))


def ports_item(findings: Sequence[PortFinding], workers: int) -> ChecklistItem:
    """Judge the ports: each must be free, or used by a worker of this very pool."""
    item_id, title = "ports", "ports"
    strange = [f"{found.port} is held by {found.holder}" for found in findings if found.state == "stranger"]
    if strange:
        return ChecklistItem(item_id, title, "FAIL", tuple(strange), "end it, or set pool.base_port elsewhere")
    hidden = tuple(f"{found.port}: {found.holder}" for found in findings if found.state == "unknown")
    if hidden:
        return ChecklistItem(item_id, title, "UNKNOWN", hidden, "look who holds it: ss -ltnp")
    if len(findings) < workers or not findings:
        return ChecklistItem(item_id, title, "UNKNOWN", (f"only {len(findings)} of {workers} were looked at",))
    ours = sum(found.state == "ours" for found in findings)
    span = f"{findings[0].port}-{findings[-1].port}" if len(findings) > 1 else str(findings[0].port)
    return ChecklistItem(
        item_id, title, "PASS", (f"{span}: {len(findings) - ours} free, {ours} held by our own pool",)
    )


def launcher_item(config: Config, problem: str | None) -> ChecklistItem:
    """Judge the launcher; `problem` is why it cannot run, "" when it can, None when the monitor did not check."""
    item_id, title = "launcher", "launcher"
    if not config.pool.can_launch:
        return ChecklistItem(
            item_id, title, "SKIPPED", (f'pool.backend is "{config.pool.backend}": nothing is launched from here',)
        )
    if problem is None:
        return ChecklistItem(item_id, title, "UNKNOWN", ("not looked at",))
    if problem:
        return ChecklistItem(item_id, title, "FAIL", (problem,), "metabonk-tui setup, or set [pool.launcher] by hand")
    return ChecklistItem(
        item_id,
        title,
        "PASS",
        (f"{' '.join(mask_arguments(config.pool.launcher.launch)[:2])} is there; whether it runs was not tried",),
    )


def ollama_item(url: str, problem: str | None, of_environment: str | None = None) -> ChecklistItem:
    """Judge Ollama; `problem` is the fault of its answer, "" for none, None when Ollama was not asked.

    `of_environment`: the value of OLLAMA_HOST at the launch, which the workers follow. Then `url` is where it points.
    """
    item_id, title = "ollama", "Ollama"
    if not url:
        return ChecklistItem(item_id, title, "SKIPPED", ("not needed: preflight.ollama is empty",))
    url = mask_text(url)
    by = f" ({OLLAMA_HOST} of the environment)" if of_environment else ""
    if problem is None:
        return ChecklistItem(item_id, title, "UNKNOWN", (f"{url} was not asked{by}",))
    if problem:
        fix = f"start Ollama there, or set {OLLAMA_HOST} right in the env file" if by else "start it: ollama serve"
        return ChecklistItem(item_id, title, "FAIL", (f"{url}: {problem}{by}",), fix)
    is_default = url.rstrip("/") in (OLLAMA_DEFAULT_URL, OLLAMA_DEFAULT_URL.replace("127.0.0.1", "localhost"))
    notes = () if by or is_default else (f"{OLLAMA_HOST} is not set: MetaBonk's workers ask {OLLAMA_DEFAULT_URL}",)
    return ChecklistItem(item_id, title, "PASS", (f"{url} answers{by}", *notes))


def disk_item(findings: Sequence[DiskFinding], needed_gb: float) -> ChecklistItem:
    """Judge the free disk space: each place needs `needed_gb` (10^9 bytes)."""
    item_id, title = "disk", "disk space"
    rooms = [(found, found.free_bytes) for found in findings if found.free_bytes is not None]
    short = tuple(
        f"{gigabytes(free)} GB free in {found.path}, {needed_gb:g} needed"
        for found, free in rooms
        if free < needed_gb * GB
    )
    if short:
        return ChecklistItem(item_id, title, "FAIL", short, "make room, or lower preflight.disk_gb")
    hidden = tuple(f"{found.path}: {found.error}" for found in findings if found.free_bytes is None)
    if hidden or not findings:
        return ChecklistItem(item_id, title, "UNKNOWN", hidden or ("not looked at",))
    return ChecklistItem(
        item_id, title, "PASS", tuple(f"{gigabytes(free)} GB free in {found.path}" for found, free in rooms)
    )


def memory_item(budget: Budget | None, workers: int) -> ChecklistItem:
    """Judge whether `workers` fit into memory, with the arithmetic as evidence."""
    item_id, title = "memory", "workers against memory"
    if budget is None:
        return ChecklistItem(item_id, title, "UNKNOWN", ("how much memory there is, is not known",))
    leaves = budget.leaves_bytes(workers)
    left = f"{gigabytes(leaves)} GB stay free, the floor included" if leaves >= 0 else f"{gigabytes(-leaves)} GB short"
    evidence = (f"{arithmetic(budget, workers)}, {left}",)
    if judge_fit(budget, workers) == "fits":
        return ChecklistItem(item_id, title, "PASS", evidence)
    fits = f"launch {budget.fits}, which fit" if budget.fits > 0 else "none fits: free memory first"
    return ChecklistItem(item_id, title, "FAIL", evidence, fits)


def kept_tests_item(config: Config, results: Sequence[TestResult], now_t: float | None) -> ChecklistItem:
    """Judge all component tests by their kept results; a result older than `tests_valid_s` is unknown."""
    title = "component tests pass"
    tests = config.preflight.test
    if not tests:
        return ChecklistItem("tests", title, "SKIPPED", ("none is configured",), "name some in [[preflight.test]]")
    failed, unknown, passed = [], [], []
    for test in tests:
        result = result_of(test, results)
        old_s = 0.0 if result is None or now_t is None else now_t - result.ended_t
        ago = f"{age(max(0.0, old_s))} ago"
        if result is None or result.outcome == "broken off":
            unknown.append(f"{test.name} was never run to its end")
        elif result.outcome != "passed":
            why = ": ".join(filter(None, (result.how, error_line(result.tail))))
            failed.append(f"{test.name} {result.outcome} {ago}" + (f": {why}" if why else ""))
        elif now_t is None or old_s > config.preflight.tests_valid_s:
            unknown.append(f"{test.name} passed, but {ago}")
        else:
            passed.append(f"{test.name} passed {ago}")
    if failed:
        return ChecklistItem(
            "tests", title, "FAIL", tuple(failed), "repair what they test and run the preflight again"
        )
    if unknown:
        return ChecklistItem("tests", title, "UNKNOWN", tuple(unknown), "run the preflight")
    return ChecklistItem("tests", title, "PASS", tuple(passed))
