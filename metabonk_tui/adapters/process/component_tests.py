"""Runs component tests, and keeps the newest result of each on disk. Does not: know what a test covers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import asdict

from metabonk_tui.adapters.files.private import read_private, write_private_json
from metabonk_tui.adapters.process.run_command import run_command
from metabonk_tui.adapters.process.spawn import describe_exit
from metabonk_tui.core.config.schema import TestConfig
from metabonk_tui.core.launch.preflight import TestResult
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import mask_arguments

MAX_BYTES = 1 << 20
ComponentTestOutcome = Literal["passed", "failed", "timed out", "not started", "broken off"]


def run_test(
    test: TestConfig,
    directory: Path,
    environment: Mapping[str, str],
    on_output: Callable[[tuple[str, ...]], None],
    give_up: threading.Event,
) -> TestResult:
    """Run a test and report its last lines as they come; return its result, also when it cannot start.

    Kills the test's process group at the end, at the timeout and when `give_up` is set.
    """
    began = time.monotonic()

    def ended(outcome: ComponentTestOutcome, how: str, tail: tuple[str, ...] = ()) -> TestResult:
        seconds = round(time.monotonic() - began, 2)
        return TestResult(
            test.name, mask_arguments(test.command), outcome, time.time(), seconds, clean_text(how), tail
        )

    try:
        done = run_command(
            test.command,
            timeout_s=test.timeout_s,
            give_up=give_up,
            directory=directory,
            environment=environment,
            on_output=on_output,
        )
    except (OSError, ValueError) as error:
        return ended("not started", str(error))
    if done.code is not None:
        return ended("passed" if done.code == 0 else "failed", describe_exit(done.code), done.tail)
    if give_up.is_set():
        return ended("broken off", "the monitor ended", done.tail)
    return ended("timed out", f"not done within {test.timeout_s:g} s", done.tail)


class ComponentTestsFile:
    """The newest result of every component test of one pool, on disk; times are real Unix seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """The reason of the last failure to read or write, for people; "": none."""
        self._lock = threading.Lock()

    def read(self) -> tuple[TestResult, ...]:
        """Read the results; an invalid file counts as empty and sets `problem`."""
        try:
            tree = json.loads(read_private(self.path, MAX_BYTES))
            return tuple(_result(one) for one in tree)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.problem = clean_text(f"kept test results cannot be read ({self.path}): {error}")
            return ()

    def save(self, result: TestResult) -> None:
        """Replace the result of the same name; a failure to write sets `problem`."""
        with self._lock:
            results = [*(other for other in self.read() if other.name != result.name), result]
            try:
                write_private_json(self.path, [asdict(each) for each in results])
                self.problem = ""
            except OSError as error:
                self.problem = clean_text(f"a test result cannot be kept ({self.path}): {error}")


def _result(tree: Any) -> TestResult:
    outcome: Any = tree["outcome"]
    if outcome not in ("passed", "failed", "timed out", "not started", "broken off"):
        raise ValueError(f"unknown outcome {outcome!r}")
    return TestResult(
        clean_text(str(tree["name"])),
        mask_arguments([str(word) for word in tree["command"]]),
        outcome,
        float(tree["ended_t"]),
        float(tree["seconds"]),
        clean_text(str(tree["how"])),
        tuple(clean_text(str(line)) for line in tree["tail"]),
    )
