"""Builds what a fault needs: real workers, a configuration, and the real program in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from tests.support.paths import ROOT
from tests.support.ports import accepts, free_ports
from tests.support.terminal import Screen
from tests.support.waiting import wait_for

PROGRAM = (sys.executable, "-m", "metabonk_tui")
END_S = 30.0
LONG_GAP_S = 6.0


class World:
    """A folder with everything of one fault. `close` ends every process of it."""

    def __init__(self, folder: Path, workers: int = 2, lines: str = "") -> None:
        """Write the configuration; `lines` are further tables of it."""
        self.folder = folder
        self.checkout, self.state = folder / "checkout", folder / "state"
        self.checkout.mkdir()
        self.script = Path(shutil.copy(Path(__file__).with_name("stand_in.py"), self.checkout))
        self.base_port, self.workers = free_ports(workers), workers
        self.config = folder / "config.toml"
        words = f'["{sys.executable}", "{self.script}"'
        self.config.write_text(
            f'[pool]\nbase_port = {self.base_port}\nworkers = {workers}\norchestrator = ""\n'
            f'[pool.launcher]\ndirectory = "{self.checkout}"\nenv_file = ""\nstart_timeout_s = 20.0\n'
            f'launch = {words}, "launch", "--workers", "{{workers}}", "--base-port", "{{base_port}}"]\n'
            # With its port: a stop command without one is not run while another MetaBonk is on this machine.
            f'stop = {words}, "stop", "--base-port", "{{base_port}}"]\nstop_grace_s = 6.0\n'
            f'[preflight]\nollama = ""\n'
            # With the whole path: the Ollama of another world, whose end is a STOP, runs on the same machine.
            f'[processes]\nworker = [["{self.script} worker"]]\nlauncher = [["{self.script} launch"]]\n'
            f'orchestrator = []\nvision = []\nlearner = []\nollama = [["{self.script} ollama"]]\n{lines}'
        )
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("METABONK_", "XDG_", "COLUMNS"))
        }
        self.environment = kept | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "xdg"),
            "XDG_RUNTIME_DIR": str(folder),
            "METABONK_TUI_STATE_DIR": str(self.state),
            "NO_COLOR": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            # Real pools may run on this machine.
            "FAULT_WORLD": str(folder),
        }
        self._children: list[subprocess.Popen[str]] = []
        self._screens: list[Screen] = []

    # the pool

    def worker(self, slot: int, *wrap: str) -> subprocess.Popen[str]:
        """Start one worker and wait until it listens; the words `wrap` run it."""
        return self._stand_in("worker", "--slot", str(slot), "--port", str(self.base_port + slot), wrap=wrap)

    def ollama(self, *wrap: str) -> subprocess.Popen[str]:
        """Start a process that counts as Ollama; the words `wrap` run it."""
        return self._stand_in("ollama", wrap=wrap)

    def _stand_in(self, *words: str, wrap: Sequence[str]) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [*wrap, sys.executable, str(self.script), *words, "--until-closed"],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "listens\n"
        return child

    def hold(self, name: str, megabytes: int) -> None:
        """Let `w0`, `ollama` ... hold so much memory from now on."""
        (self.checkout / f"hold-{name}").write_text(str(megabytes))

    def pool(self) -> list[subprocess.Popen[str]]:
        return [self.worker(slot) for slot in range(self.workers)]

    def answer_with(self, **mode: Any) -> None:
        """Let every worker answer so from now on; see `stand_in`."""
        draft = self.checkout / "mode.new"
        draft.write_text(json.dumps(mode))
        draft.replace(self.checkout / "mode")

    def open_ports(self) -> list[int]:
        return [slot for slot in range(self.workers) if accepts(self.base_port + slot)]

    def launches(self) -> list[int]:
        """Return the pid of every launcher that was started."""
        with suppress(OSError):
            return [int(word) for word in (self.checkout / "launches").read_text().split()]
        return []

    # the program

    def start(
        self,
        verb: str,
        *argv: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
        wrap: Sequence[str] = (),
    ) -> subprocess.Popen[str]:
        """Start a verb with our configuration; `before` runs in its process, `wrap` before its words."""
        child = subprocess.Popen(
            [*wrap, *PROGRAM, verb, "--config", str(self.config), *argv],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=before,
        )
        self._children.append(child)
        return child

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
        wrap: Sequence[str] = (),
        limit_s: float = 60.0,
        ours: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end; `ours`: with our configuration."""
        config = ["--config", str(self.config)] if ours else []
        return subprocess.run(
            [*wrap, *PROGRAM, argv[0], *config, *argv[1:]],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            preexec_fn=before,
        )

    def screen(self, *argv: str, columns: int = 120, lines: int = 40, env: Mapping[str, str] | None = None) -> Screen:
        """Open the monitor in a terminal of its own."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        one = Screen(["--config", str(self.config), *argv], self.state, columns=columns, lines=lines, environment=env)
        self._screens.append(one)
        return one

    # what was recorded

    def recordings(self) -> list[Path]:
        return sorted((self.state / "runs").glob("*.db"))

    def stored(self) -> int:
        """Return the number of samples in the only recording; 0 while there is none."""
        try:
            with Recording(self.recordings()[0]) as one:
                return one.newest_seq
        except (IndexError, OSError, sqlite3.Error):
            return 0

    def wait_stored(self, more: int = 5, limit_s: float = 60.0) -> int:
        """Wait until so many more samples are stored."""
        before = self.stored()
        return wait_for(
            lambda: now if (now := self.stored()) >= before + more else 0, "samples are stored", limit_s, every_s=0.05
        )

    def read(self) -> tuple[list[Sample], tuple[Event, ...]]:
        """Return the samples and events of the only recording, and check that it is whole."""
        (path,) = self.recordings()
        assert not list((self.state / "runs").glob("*broken*"))
        with Recording(path) as one:
            samples, events = list(one.samples()), one.events()
            assert one.problems == []
            assert one._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        times = [sample.t for sample in samples]
        assert times == sorted(set(times)), "no sample is stored twice and time never runs back"
        return samples, events

    # the end

    @staticmethod
    def end(child: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End a verb by a signal; return its exit code and what it printed."""
        child.send_signal(number)
        output, _ = child.communicate(timeout=END_S)
        return child.returncode, output

    def close(self) -> None:
        for screen in self._screens:
            screen.close()
        for child in self._children:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.send_signal(signal.SIGCONT)
                    child.kill()
            with suppress(ValueError):
                child.communicate(timeout=END_S)
        end = time.monotonic() + END_S
        while pids := self._left():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < end, f"{pids} do not end"
            time.sleep(0.02)

    def _left(self) -> list[int]:
        """Return the processes that a launch of this world left."""
        mark, found = f"FAULT_WORLD={self.folder}".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0") and not _is_dead(entry):
                        found.append(int(entry.name))
        return found


def long_gaps(events: Iterable[Event]) -> list[str]:
    """Return the gaps that no busy machine explains."""
    gaps = [event for event in events if event.kind == EventKind.RECORDER_GAP]
    return [gap.text for gap in gaps if float(gap.facts["to"]) - float(gap.facts["from"]) > LONG_GAP_S]


def _is_dead(entry: Path) -> bool:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
