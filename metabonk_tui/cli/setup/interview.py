"""Asks what the configuration is made of: checkout, env file, Python, ports, alerts. Every question has a default.

Reads the machine, runs a Python of the chosen checkout and sources the chosen env file. Does not: write a file.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from msgspec import Struct

from metabonk_tui.adapters.env_file.launcher_environment import launcher_environment
from metabonk_tui.adapters.env_file.source import read_env_file
from metabonk_tui.adapters.env_file.written import WrittenEnvFile, written_env_files
from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.pools.checkouts import Checkout, RunningPool, danger_of, find_checkouts, why_no_checkout
from metabonk_tui.adapters.pools.pythons import (
    AskedPython,
    PythonCandidate,
    ask_python,
    ask_pythons,
    best_python,
    python_candidates,
)
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.sockets import listen_sockets
from metabonk_tui.cli.setup.answers import SetupAnswers, WebhookAnswer
from metabonk_tui.cli.setup.backend import ask_backend
from metabonk_tui.cli.setup.questions import Checked, Questions
from metabonk_tui.core.config.schema import Config, WebhookConfig, WebhookKind
from metabonk_tui.core.config.webhooks import service_of, webhook_problem
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.core.worker.environment import is_same_value, shown_value

NONE = "none"
MOST_LISTED = 9


class Surroundings(Struct, frozen=True):
    """Where setup looks."""

    cwd: Path
    home: Path
    proc: Proc
    environ: Mapping[str, str]


class GivenAnswers(Struct, frozen=True):
    """The answers of the command line; "" and None are asked."""

    directory: str = ""
    env_file: str = ""
    python: str = ""
    backend: str = ""
    base_port: int | None = None
    workers: int | None = None


class Interview:
    """The questions about one configuration, in order; `config`: the packaged defaults."""

    def __init__(self, questions: Questions, config: Config, around: Surroundings, given: GivenAnswers) -> None:
        self._ask = questions
        self._config = config
        self._around = around
        self._given = given

    def answers(self) -> SetupAnswers:
        """Ask everything. Raises KeyboardInterrupt when the person ends it."""
        checkout = self._checkout()
        env_file, python = "", ""
        environment: dict[str, str] = {}
        if checkout is not None:
            env_file, environment = self._env_file(checkout)
            python = self._python(checkout)
        cluster = ask_backend(self._ask, self._around.environ, self._given.backend, checkout is not None)
        pool = checkout.pool if checkout is not None else None
        base_port, workers = self._pool(pool)
        return SetupAnswers(
            base_port=base_port,
            workers=workers,
            directory=checkout.path if checkout is not None else "",
            env_file=env_file,
            environment=environment,
            python=python,
            cluster=cluster,
            orchestrator_port=pool.orchestrator_port if pool is not None else None,
            hook=self._hook(),
            webhook=self._webhook(),
        )

    def _checkout(self) -> Checkout | None:
        found = find_checkouts(self._config, self._around.cwd, self._around.home, self._around.proc)[:MOST_LISTED]
        say = self._ask.say
        say("METABONK   the checkout from which workers are launched")
        if self._given.directory:
            return self._named_checkout(self._given.directory, found)
        for number, checkout in enumerate(found, 1):
            danger = f"; {checkout.danger}" if checkout.danger else ""
            say(f"  {number}  {shown_path(checkout.path)}   {checkout.origin}{danger}")
        if not found:
            say("  none is found where a pool runs, in the current folder, or in your home folder")
        say("  0  none: the monitor watches a pool and launches nothing")
        default = 1 if found and not found[0].danger else 0
        answer = self._ask.choice("number, or a path", len(found), default, self._check_checkout, least=0)
        if isinstance(answer, str):
            return self._named_checkout(answer, found)
        return found[answer - 1] if answer else None

    def _named_checkout(self, name: str, found: tuple[Checkout, ...]) -> Checkout:
        path = str(Path(name).expanduser().absolute())
        real = os.path.realpath(path)
        pool = next((checkout.pool for checkout in found if os.path.realpath(checkout.path) == real), None)
        self._ask.say(f"  {shown_path(path)}")
        return Checkout(path, "named", danger_of(path), pool)

    def _check_checkout(self, typed: str) -> str:
        return clean_text(why_no_checkout(str(Path(typed).expanduser().absolute()), self._config))

    def _env_file(self, checkout: Checkout) -> tuple[str, dict[str, str]]:
        """Return the env file, and the required variables that are to be set beside it."""
        say, required = self._ask.say, self._config.required_environment
        say(f"\nENV FILE   {count_of(len(required), 'required key')}; the files' lines, read without running them")
        files = written_env_files(Path(checkout.path), required, Masking(self._config))[:MOST_LISTED]
        default = 1 if files and files[0].right else 0
        name = self._given.env_file
        if not name:
            for number, file in enumerate(files, 1):
                say(f"  {number}  {clean_text(file.name)}   {_state_of(file, len(required))}")
                for line in _details_of(file):
                    say(f"       {line}")
            if not files:
                say(f"  no *.env file is in {shown_path(checkout.path)}")
            say("  0  none: the variables are already in the environment of this monitor")
            answer = self._ask.choice("number, or a path", len(files), default, self._check_file(checkout), least=0)
            if not isinstance(answer, str):
                answer = files[answer - 1].name if answer else ""
            name = str(Path(answer).expanduser()) if answer else ""
        if not name:
            return "", {}
        return name, self._lacking(checkout, name)

    def _check_file(self, checkout: Checkout) -> Checked:
        def check(typed: str) -> str:
            path = Path(checkout.path) / Path(typed).expanduser()
            return "" if is_file(path) else f"{clean_text(str(path))} is no file"

        return check

    def _lacking(self, checkout: Checkout, name: str) -> dict[str, str]:
        """Source the chosen file; return the required variables that it lacks, if the person wants them to be set."""
        say, required = self._ask.say, self._config.required_environment
        directory = Path(checkout.path)
        reading = read_env_file(directory / name, Masking(self._config), self._around.environ)
        if reading.error is not None:
            say(f"  it cannot be used as it is: {reading.error}")
            return {}
        if reading.warning:
            say(f"  warning: {reading.warning}")
        launcher_sets = launcher_environment(directory, self._config.pool.launcher.launch).values
        values = {key: value for key, value in reading.values.items() if key in required and key not in launcher_sets}
        for key, value in values.items():
            if not is_same_value(value, required[key]):
                say(f"  {key} is {shown_value(value)}, and {required[key]} is needed: change it in the file")
        missing = [key for key in required if key not in values and key not in launcher_sets]
        if not missing:
            return {}
        say(f"  bash has sourced it: it does not set {cut_list(missing, 6)}")
        if not self._ask.agree("set what it lacks for launches from here?", default=True):
            return {}
        return {key: required[key] for key in missing}

    def _python(self, checkout: Checkout) -> str:
        say = self._ask.say
        say("\nPYTHON     it must be able to import what the workers import")
        if self._given.python:
            return self._named_python(checkout, self._given.python)
        around = self._around
        running = checkout.pool.python if checkout.pool is not None else ""
        candidates = python_candidates(Path(checkout.path), running, around.home, around.environ)
        asked = []
        for each in ask_pythons(self._config, Path(checkout.path), candidates):
            asked.append(each)
            say(f"  {len(asked)}  {_python_line(each)}")
        best = best_python(asked)
        if best is None:
            say("  no Python is found; python3 stays in the launch command")
            return ""
        if not best.is_complete:
            say("  no Python that was asked has all; install MetaBonk's requirements, or name another Python")
        default = asked.index(best) + 1
        answer = self._ask.choice("number, or a path", len(asked), default, _check_program)
        if isinstance(answer, str):
            return self._named_python(checkout, answer)
        return asked[answer - 1].candidate.command

    def _named_python(self, checkout: Checkout, name: str) -> str:
        command = str(Path(name).expanduser().absolute()) if "/" in name else name
        asked = ask_python(self._config, Path(checkout.path), PythonCandidate(command, "named"))
        self._ask.say(f"  {_python_line(asked)}")
        return command

    def _pool(self, pool: RunningPool | None) -> tuple[int, int]:
        ask, given, defaults = self._ask, self._given, self._config.pool
        base_port = pool.base_port if pool is not None and pool.base_port is not None else defaults.base_port
        workers = pool.workers if pool is not None and pool.workers else defaults.workers
        ask.say("\nPOOL       worker i answers on base port + i")
        if pool is not None and pool.workers:
            ask.say(f"  {count_of(pool.workers, 'worker')} of this checkout run now, from port {base_port} on")
        base_port = ask.number("base port", base_port, 1, 65000) if given.base_port is None else given.base_port
        workers = ask.number("workers", workers, 1, 500) if given.workers is None else given.workers
        taken = _taken_ports(base_port, workers)
        if taken and not (pool is not None and pool.workers):
            ports = cut_list([str(port) for port in taken], 4)
            ask.say(f"  a process listens on {ports}: if it is no worker, end it before a launch (ss -ltnp)")
        return base_port, workers

    def _hook(self) -> tuple[str, ...]:
        self._ask.say("\nALERTS     ring the bell; a command of yours and a URL can receive each")
        typed = self._ask.text("command", NONE, _check_command)
        return () if typed == NONE else _words(typed)

    def _webhook(self) -> WebhookAnswer | None:
        url = self._ask.text("URL of Slack, Discord, ntfy or another server", NONE, _check_url)
        if url == NONE:
            return None
        kind = service_of(url)
        if kind is None:
            self._ask.say("  the host does not say which service this is; json: the object that a command receives")
            kinds = get_args(WebhookKind)

            def check(typed: str) -> str:
                return _url_problem(cast(WebhookKind, typed), url) if typed in kinds else f"one of {', '.join(kinds)}"

            kind = cast(WebhookKind, self._ask.text("kind", "json", check))
        return WebhookAnswer(kind, url)


def shown_path(path: str) -> str:
    """Return a path for people: the home folder as ~, without what a terminal could act on."""
    home = os.path.expanduser("~")
    short = f"~{path[len(home) :]}" if home != "/" and (path == home or path.startswith(f"{home}/")) else path
    return clean_text(short)


def _state_of(file: WrittenEnvFile, required: int) -> str:
    return f"cannot be used: {clean_text(file.error)}" if file.error else f"{file.right} of {required} right"


def _details_of(file: WrittenEnvFile) -> list[str]:
    missing = [f"not set: {cut_list(list(file.missing), 3)}"] if file.missing and file.right else []
    unknown = [f"only the shell knows: {cut_list(list(file.unknown), 3)}"] if file.unknown else []
    return [*missing, *unknown, *(clean_text(text) for text in file.wrong)]


def _python_line(asked: AskedPython) -> str:
    candidate = asked.candidate
    own = ", which runs this program" if candidate.is_own else ""
    return f"{shown_path(candidate.command)}   {candidate.origin}{own}: {clean_text(asked.text)}"


def _check_program(typed: str) -> str:
    return "" if shutil.which(os.path.expanduser(typed)) else f"{typed} is no program"


def _check_command(typed: str) -> str:
    if typed == NONE:
        return ""
    words = _words(typed)
    if not words:
        return "a quotation mark is not closed"
    return "" if shutil.which(words[0]) else f"{words[0]} is no program"


def _check_url(typed: str) -> str:
    return "" if typed == NONE else _url_problem(service_of(typed) or "json", typed)


def _url_problem(kind: WebhookKind, url: str) -> str:
    problem = webhook_problem(WebhookConfig(kind=kind, url=url), url)
    return problem[1] if problem is not None else ""


def _words(typed: str) -> tuple[str, ...]:
    """Split a command into its arguments, the first as an absolute path; empty for an open quotation."""
    try:
        program, *arguments = shlex.split(typed)
    except ValueError:
        return ()
    return (os.path.abspath(os.path.expanduser(program)) if "/" in program else program, *arguments)


def _taken_ports(base_port: int, workers: int) -> list[int]:
    ports = {socket.port for socket in listen_sockets()}
    return sorted(ports & set(range(base_port, base_port + workers)))
