"""Writes the recorder's systemd unit for this user and this installation, and says how to start it.

Does not: run systemctl or loginctl.
"""

from __future__ import annotations

import difflib
import os
import pwd
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.files.kind import is_dir
from metabonk_tui.adapters.files.new_file import move_aside, write_new_file
from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import RECORDER_UNIT, recorder_unit_text
from metabonk_tui.adapters.state.paths import STATE_VARIABLE
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_DONE
from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.setup.questions import Questions
from metabonk_tui.core.text.clean import clean_text

UNIT_MODE = 0o644
_HEADER = "# Records MetaBonk training. Written by: metabonk-tui record --install\n"
_UNIT_NAME = RECORDER_UNIT.removesuffix(".service")
_PLAIN = re.compile(r"[\w@+=:,./%-]+", re.ASCII)
_EXEC_START = re.compile(r"^ExecStart=.*$", re.MULTILINE)


class UnitError(Exception):
    """The unit cannot be written; the message says why, and what to do."""


class UnitPlan(Struct, frozen=True):
    """The unit to be written, and what is there now."""

    path: Path
    text: str
    present: str | None
    """The text of the file that is there; None: none is there."""

    @property
    def is_there(self) -> bool:
        """Whether this very unit is there already."""
        return self.present == self.text


def install(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Write the unit, and print how to start it; return the exit code. Asks before it replaces another unit."""
    try:
        plan = plan_unit(arguments, environ)
        if plan.present is not None and not plan.is_there and not _may_replace(plan):
            return NOT_DONE
        write_unit(plan)
    except UnitError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return FAILED
    print("\n".join((f"{plan.path} {'is there already' if plan.is_there else 'is written'}", *start_lines())))
    return DONE


def _may_replace(plan: UnitPlan) -> bool:
    """Ask whether the unit that is there may go; without a terminal it stays."""
    questions = Questions(takes_defaults=False)
    questions.say(f"{plan.path} is there, and differs from the unit to be written:")
    for line in difflib.unified_diff((plan.present or "").splitlines(), plan.text.splitlines(), n=0, lineterm=""):
        if line[:1] in "-+" and line[:3] not in ("---", "+++"):
            questions.say(f"  {clean_text(line)}")
    if sys.stdin.isatty() and questions.agree("replace it? The old one is renamed", default=False):
        return True
    questions.say("it stays as it is; to have the new one: rename it, and run this again")
    return False


def plan_unit(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> UnitPlan:
    """Plan the unit that runs `metabonk-tui record ARGUMENTS`. Raises UnitError for what cannot be read or written."""
    path = unit_path(environ)
    words = [*own_command(), "record", *arguments]
    if "$" in words[0]:
        raise UnitError(f"{words[0]} has a $ in its path, which systemd cannot run")
    settings = [("ExecStart", " ".join(unit_word(word) for word in words))]
    state = environ.get(STATE_VARIABLE) or (f"{base}/{PROGRAM}" if (base := environ.get("XDG_STATE_HOME")) else "")
    if state:
        # systemd does not read the shell's start-up files, so it would record into another folder.
        settings.append(("Environment", unit_word(f"{STATE_VARIABLE}={os.path.abspath(state)}", is_command=False)))
    if not _is_installed():
        settings.append(("WorkingDirectory", _checkout().replace("%", "%%")))
    lines = "\n".join(f"{key}={value}" for key, value in settings)
    body = _EXEC_START.sub(lambda _: lines, recorder_unit_text(), count=1).partition("[Unit]")[2]
    return UnitPlan(path, f"{_HEADER}[Unit]{body}", _present(path))


def unit_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where systemd looks for the units of this user. Raises UnitError without a home."""
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        raise UnitError("HOME is not set, so the folder of your units is not known")
    return Path(home) / ".config/systemd/user" / RECORDER_UNIT


def write_unit(plan: UnitPlan) -> None:
    """Write the unit; another one that is there is renamed. Raises UnitError."""
    if plan.is_there:
        return
    try:
        if plan.present is not None:
            move_aside(plan.path)
        write_new_file(plan.path, plan.text, UNIT_MODE)
    except FileExistsError:
        raise UnitError(f"{plan.path} exists: nothing was written") from None
    except OSError as error:
        raise UnitError(f"{plan.path} cannot be written: {error.strerror or error}") from None


def recorder_arguments(config_path: Path | None, typed: Mapping[str, object]) -> list[str]:
    """Return the options of the recorder; `typed` are options by name, True for one without a value.

    A configuration is named where systemd's own environment would lead to another one.
    """
    usual = Path(os.path.expanduser("~/.config")) / PROGRAM / "config.toml"
    words = [] if config_path is None or config_path == usual else ["--config", str(config_path.absolute())]
    for name, value in typed.items():
        option = f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def own_command() -> list[str]:
    """Return the words that start this installation from any folder."""
    called = Path(sys.argv[0])
    if called.name == PROGRAM and (found := shutil.which(PROGRAM) if called.name == str(called) else str(called)):
        return [os.path.abspath(found)]
    return [sys.executable, "-m", "metabonk_tui"]


def unit_word(word: str, *, is_command: bool = True) -> str:
    """Quote a word for a unit file: no specifier, no variable and no space counts. Raises UnitError."""
    if not word.isprintable():
        raise UnitError(f"{word!r} cannot be written into a unit")
    word = word.replace("%", "%%")
    if is_command:
        word = word.replace("$", "$$")
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def start_lines() -> Iterator[str]:
    """Yield how to start the recorder, and whether it outlives the login."""
    yield "start it, now and at each login:"
    yield "  systemctl --user daemon-reload"
    yield f"  systemctl --user enable --now {_UNIT_NAME}"
    yield f"stop it: systemctl --user disable --now {_UNIT_NAME}"
    yield f"its log: journalctl --user -u {_UNIT_NAME}"
    yield from linger_lines()


def linger_lines(root: Path = Path("/")) -> Iterator[str]:
    """Yield whether linger is on, and what follows. Reads systemd's own file of it."""
    if not is_dir(root / "run/systemd/system"):
        yield "systemd does not run on this machine, so nothing starts the unit here"
        return
    user = user_name()
    try:
        os.stat(root / "var/lib/systemd/linger" / user)
        yield f"linger is on for {user}: the recorder also runs while you are logged out, and starts with the machine"
    except FileNotFoundError:
        yield f"linger is off for {user}: the recorder ends with your last session, and starts at your next login"
        yield "  to keep it running while you are logged out: loginctl enable-linger"
    except OSError as error:
        yield f"whether linger is on for {user} is not known: {error.strerror or error}"
        yield "  see: loginctl show-user --property=Linger; to switch it on: loginctl enable-linger"


def user_name() -> str:
    """Return the name of this user; the number of one that is not in the user database."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _present(path: Path) -> str | None:
    try:
        return read_small_text(path)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnitError(f"{path} is a link to nothing: remove it") from None
        return None
    except OSError as error:
        raise UnitError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnitError(f"{path} is no text: remove it") from None


def _checkout() -> str:
    return str(Path(__file__).resolve().parents[3])


def _is_installed() -> bool:
    """Return whether this Python finds the program from any folder; else it runs out of the folder of its source."""
    import importlib.metadata

    try:
        importlib.metadata.distribution(PROGRAM)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
