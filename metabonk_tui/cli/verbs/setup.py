"""`setup`: finds MetaBonk, asks a few questions, writes the configuration, and ends with what `check` says.

Does not: launch workers, run systemctl, or overwrite a file without asking.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_DONE, UsageError
from metabonk_tui.cli.options import PROGRAM, Parser, add_config_option, count, port

BACKENDS = ("launcher", "slurm", "ray")

if TYPE_CHECKING:
    from metabonk_tui.cli.setup.answers import SetupAnswers
    from metabonk_tui.cli.setup.interview import GivenAnswers, Surroundings
    from metabonk_tui.cli.setup.questions import Questions
    from metabonk_tui.core.config.schema import Config


def add_options(parser: Parser, verb: str) -> None:
    add, absent = parser.add_argument, argparse.SUPPRESS
    add("--yes", action="store_true", help="take every default and ask nothing; a file that is there stays")
    add("--directory", metavar="DIR", default="", help="the MetaBonk checkout")
    add("--env-file", metavar="FILE", default="", help="the env file of a launch")
    add("--python", metavar="PROGRAM", default="", help="the Python that runs MetaBonk's launcher")
    add(
        "--backend",
        metavar="NAME",
        choices=BACKENDS,
        default="",
        help="what starts the workers: launcher, slurm or ray",
    )
    add_config_option(parser)
    add("--workers", type=count, metavar="N", default=absent, help="set how many workers are wanted")
    add("--base-port", type=port, metavar="P", default=absent, help="set the base port: worker i answers on P + i")


def main(options: argparse.Namespace, verb: str) -> int:
    """Ask, write, try, check; return the exit code. Raises UsageError without a terminal and without --yes."""
    from metabonk_tui.cli.setup.questions import Questions

    if not options.yes and not sys.stdin.isatty():
        raise UsageError(
            f"no terminal to ask in: --yes takes every default, {PROGRAM} config init writes the file alone"
        )
    questions = Questions(takes_defaults=options.yes)
    try:
        setup = Setup(options, questions)
        setup.ask()
    except KeyboardInterrupt:
        questions.say("\nnothing was written")
        raise
    return setup.carry_out()


class Setup:
    """One run of `setup`: all questions first, so that Ctrl-C at any of them leaves everything as it was."""

    def __init__(self, options: argparse.Namespace, questions: Questions) -> None:
        """Raises UsageError for an answer on the command line that cannot be right."""
        from metabonk_tui.cli.setup.config_file import target_path

        self._ask = questions
        self._explicit: str | None = getattr(options, "config", None)
        self._path = target_path(self._explicit)
        self._is_there = os.path.lexists(self._path)
        self._config = _packaged_config()
        self._given = _given(options, self._config)
        self._answers: SetupAnswers | None = None
        """None: the file that is there stays."""
        self._tests_alerts = self._installs_recorder = self._declined = False

    def ask(self) -> None:
        """Ask everything, and act on nothing. Raises ConfigError if the file that stays cannot be used."""
        ask = self._ask
        if ask.takes_defaults:
            ask.say(f"{PROGRAM} setup --yes: takes each answer in brackets, asks nothing, overwrites nothing.")
        else:
            ask.say(f"{PROGRAM} setup: Enter takes the answer in brackets. Ctrl-C ends it.")
        ask.say("Nothing is written before the last answer.\n")
        if not self._is_there or self._may_replace():
            from metabonk_tui.cli.setup.interview import Interview

            self._answers = Interview(ask, self._config, _surroundings(), self._given).answers()
            tested = _tested(bool(self._answers.hook), self._answers.webhook is not None)
        else:
            from metabonk_tui.adapters.state.config_files import load_config

            alerts = load_config(self._explicit).config.alerts
            tested = _tested(bool(alerts.hook.command), bool(alerts.webhook))
        if tested:
            self._tests_alerts = ask.agree(f"send a test alert to {tested}?", default=not ask.takes_defaults)
        ask.say("\nRECORDER   a service of your user (systemd) that records every run")
        self._installs_recorder = ask.agree("install it?", default=False)
        if self._answers is not None:
            from metabonk_tui.cli.setup.interview import shown_path

            ask.say(f"\nFILE       {shown_path(str(self._path))}")
            self._declined = not ask.agree("write it?", default=True)

    def carry_out(self) -> int:
        """Write what was agreed on, try it, and print what `check` says; return the exit code."""
        if self._declined:
            self._ask.say("declined: nothing was written")
            return NOT_DONE
        failed = self._answers is not None and not self._write(self._answers)
        if failed:
            return FAILED
        mistakes = self._mistakes()
        for line in mistakes:
            self._ask.say(f"mistake    {line}")
        if self._tests_alerts:
            failed = not self._try_alerts() or failed
        if self._installs_recorder:
            failed = not self._install_recorder() or failed
        self._check()
        if failed or mistakes:
            return FAILED
        return DONE if self._answers is not None else NOT_DONE

    def _may_replace(self) -> bool:
        ask, path = self._ask, self._path
        if ask.takes_defaults:
            ask.say(f"{path} exists and stays: --yes overwrites nothing")
            ask.say(f"for a new one: rename it, or run {PROGRAM} setup without --yes\n")
            return False
        ask.say(f"{path} exists")
        return ask.agree("make a new one? The old one is renamed", default=False)

    def _write(self, answers: SetupAnswers) -> bool:
        from metabonk_tui.cli.setup.answers import chosen_values
        from metabonk_tui.cli.setup.config_file import WriteError, write_config
        from metabonk_tui.cli.verbs.schema import schema_text

        self._ask.say()
        try:
            values = chosen_values(answers, self._config)
            for line in write_config(self._path, values, schema_text("config") + "\n", replaces=self._is_there):
                self._ask.say(line)
        except WriteError as error:
            self._ask.say(f"{PROGRAM}: {error}")
            return False
        return True

    def _mistakes(self) -> tuple[str, ...]:
        from metabonk_tui.adapters.state.config_check import check_config

        return check_config(self._explicit).mistakes

    def _try_alerts(self) -> bool:
        from metabonk_tui.adapters.state.config_files import load_config
        from metabonk_tui.cli.verbs.alerts import try_hook

        self._ask.say("\nTEST ALERT")
        return try_hook(load_config(self._explicit).config, as_json=False) == DONE

    def _install_recorder(self) -> bool:
        from metabonk_tui.cli.setup.recorder_service import install, recorder_arguments

        self._ask.say("\nRECORDER")
        return install(recorder_arguments(self._path, {})) != FAILED

    def _check(self) -> None:
        from metabonk_tui.cli.registry import module_of, parser_of

        self._ask.say(f"\nCHECK      {PROGRAM} check")
        words = ["--config", self._explicit] if self._explicit is not None else []
        code = module_of("check").main(parser_of("check").parse_args(words), "check")
        self._ask.say(
            f"\ncheck exits with {code}; next: {PROGRAM} opens the monitor, {PROGRAM} preflight checks a launch"
        )


def _tested(has_command: bool, has_webhook: bool) -> str:
    return " and ".join(filter(None, ("the command" * has_command, "the webhook" * has_webhook)))


def _packaged_config() -> Config:
    import tomllib

    import msgspec

    from metabonk_tui.adapters.state.package_data import default_config_text
    from metabonk_tui.core.config.schema import Config

    return msgspec.convert(tomllib.loads(default_config_text()), Config)


def _surroundings() -> Surroundings:
    from metabonk_tui.adapters.process.proc import Proc
    from metabonk_tui.cli.setup.interview import Surroundings

    return Surroundings(cwd=Path.cwd(), home=Path(os.path.expanduser("~")), proc=Proc(), environ=os.environ)


def _given(options: argparse.Namespace, config: Config) -> GivenAnswers:
    """Return the answers of the command line. Raises UsageError for one that names nothing."""
    from metabonk_tui.adapters.pools.checkouts import why_no_checkout
    from metabonk_tui.cli.setup.interview import GivenAnswers

    directory = str(Path(options.directory).expanduser().absolute()) if options.directory else ""
    if directory and (problem := why_no_checkout(directory, config)):
        raise UsageError(f"--directory: {problem}")
    env_file = options.env_file
    if env_file and not (directory and os.path.isfile(os.path.join(directory, env_file))):
        env_file = str(Path(env_file).expanduser().absolute())
        if not os.path.isfile(env_file):
            raise UsageError(f"--env-file: {options.env_file} is no file here or in the checkout")
    if options.python and shutil.which(os.path.expanduser(options.python)) is None:
        raise UsageError(f"--python: {options.python} is no program")
    _check_backend(options, has_checkout=bool(directory))
    return GivenAnswers(
        directory,
        env_file,
        options.python,
        options.backend,
        getattr(options, "base_port", None),
        getattr(options, "workers", None),
    )


def _check_backend(options: argparse.Namespace, *, has_checkout: bool) -> None:
    """Refuse a cluster that cannot be used from here. Raises UsageError."""
    from metabonk_tui.cli.setup.backend import LAUNCHER, PROGRAMS, default_address, find_clusters

    backend = options.backend
    if backend in ("", LAUNCHER):
        return
    if backend not in find_clusters(os.environ):
        raise UsageError(f"--backend {backend}: {PROGRAMS[backend]} is not found here")
    if not has_checkout:
        raise UsageError(f"--backend {backend} needs --directory: the checkout that every node sees")
    if options.yes and backend == "ray" and not default_address(os.environ):
        raise UsageError("--backend ray --yes needs RAY_ADDRESS in the environment: HOST:PORT of the cluster")
