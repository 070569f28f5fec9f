"""Parses the options that verbs share, numbers and durations; suggests the nearest word for a typing mistake."""

from __future__ import annotations

import argparse
import math
import re
import sys
from typing import Any, NoReturn

from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.core.text.similar import most_similar

PROGRAM = "metabonk-tui"


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of description and epilog; on a terminal one that is too wide is broken between words.

    A command stays on its line, because it is copied: only its comment goes below it.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(_broken(line, width) for line in text.splitlines())


def _broken(line: str, width: int) -> str:
    if len(line) <= width + 2 or not sys.stdout.isatty():  # argparse leaves two columns free
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    if line.lstrip().startswith(f"{PROGRAM} "):
        return line.replace("  # ", f"\n{indent}# ")
    import textwrap  # imported late: at the usual width no line is broken

    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UsageError instead of exiting with 2, which here means STOP."""

    def __init__(self, *, prog: str, description: str, epilog: str | None = None, usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage=usage,
            allow_abbrev=False,
            formatter_class=HelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; for a mistyped option the message names the nearest one."""
        raise UsageError(f"{message}{self._hint(message)}\ntry: {self.prog} --help")

    def _hint(self, message: str) -> str:
        if "unrecognized arguments:" not in message:
            return ""
        typed = unrecognized(message)
        if typed in ("-V", "--version"):
            return f"; {typed} belongs before the verb: {PROGRAM} {typed}"
        if typed.isdigit() and "--workers" in self.option_names():
            return f"; did you mean --workers {typed}?"
        if not typed.startswith("-"):
            return self._hint_of_value(typed)
        # Without the dashes: with them "--json" is near to "--slow".
        names = [name.removeprefix("--") for name in self.option_names() if name.startswith("--")]
        return nearest(typed.removeprefix("--"), names, "--") or _hint_of_key(typed)

    def _hint_of_value(self, typed: str) -> str:
        """Name the option of which a word is, or nearly is, a choice: "demo healthy" lacks "--scenario"."""
        for action in self._actions:
            if action.option_strings and action.choices:
                option = f"{action.option_strings[-1]} "
                if hint := nearest(typed, [str(choice) for choice in action.choices], option):
                    return hint
        return ""

    def option_names(self) -> list[str]:
        """List the options, like "--json"."""
        return [option for action in self._actions for option in action.option_strings]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise ArgumentError for a value that is no choice; the message names the nearest choice, else all."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            hint = nearest(str(value), choices) or f"; choose from {', '.join(choices)}"
            message = f"invalid choice: {str(value)[:80]!r}{hint}"
            if not action.option_strings and not action.metavar:  # argparse would name the attribute: "argument what"
                self.error(message)
            raise argparse.ArgumentError(action, message)


def unrecognized(message: str) -> str:
    """Return the first option that argparse's message calls unrecognized, without its value; "" for none."""
    words = message.partition("unrecognized arguments:")[2].split()
    return words[0].split("=")[0] if words else ""


def nearest(typed: str, known: list[str], prefix: str = "") -> str:
    """Return a hint like "; did you mean check?", or "" where no known word is near; `prefix` precedes the word."""
    near = most_similar(typed, known)
    return f"; did you mean {prefix}{near}?" if near else ""


def _hint_of_key(typed: str) -> str:
    """Name the key of the configuration of which an option has the name: there is no --theme, but ui.theme."""
    import msgspec  # imported late: only a mistake needs it

    from metabonk_tui.core.config.schema import Config

    key = typed.removeprefix("--").replace("-", "_")
    for section in msgspec.structs.fields(Config):
        table = section.type
        if isinstance(table, type) and issubclass(table, msgspec.Struct) and key in table.__struct_fields__:
            return f"; the configuration has {section.name}.{key}: {PROGRAM} config path"
    return ""


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="use this configuration file")


def add_pool_options(parser: argparse.ArgumentParser, *, can_act: bool = False, has_clock: bool = True) -> None:
    """Add the options that select a pool. They may precede or follow the verb, so an absent one sets no attribute.

    `can_act`: the verb may change the pool and can be kept from it; `has_clock`: it reads the run's clock.
    """
    add_config_option(parser)
    add = parser.add_argument
    absent = argparse.SUPPRESS
    add("--workers", type=count, metavar="N", default=absent, help="set how many workers are wanted")
    add("--base-port", type=port, metavar="P", default=absent, help="set the base port: worker i answers on P + i")
    add("--host", type=host, metavar="H", default=absent, help="set the host of the workers")
    if has_clock:
        help_text = "run the clock X times faster than real time (demo pools)"
        add("--speed", type=factor, metavar="X", default=absent, help=help_text)
    if can_act:
        add("--read-only", action="store_true", default=absent, help="disable launch, stop and resize")


def add_plain_option(parser: argparse.ArgumentParser) -> None:
    help_text = "print a sentence for each change instead of drawing: for pipes and screen readers"
    parser.add_argument("--plain", action="store_true", default=argparse.SUPPRESS, help=help_text)


def add_screen_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verbs that open the screens. They may precede the verb too."""
    add, absent = parser.add_argument, argparse.SUPPRESS
    add("--ascii", action="store_true", default=absent, help="draw with ASCII characters only")
    add("--slow", action="store_true", default=absent, help="for a slow line: 16 colours, no tint, drawn every 2 s")
    add("--mouse", action="store_true", default=absent, help="use the mouse: the wheel scrolls, a click selects")


def add_pool_address(parser: argparse.ArgumentParser, *, has_speed: bool = False) -> None:
    """Add the options that select the pool of which 'last' is the newest run.

    The commands that a monitor suggests for a demo have --speed; `has_speed`: the verb reads it itself.
    """
    add_config_option(parser)
    add, absent = parser.add_argument, argparse.SUPPRESS
    add("--base-port", type=port, metavar="P", default=absent, help="'last': the newest run of the pool at this port")
    add("--host", type=host, metavar="H", default=absent, help="'last': the newest run of the pool on this host")
    if not has_speed:
        add("--speed", type=factor, metavar="X", default=absent, help=absent)


POOL_OPTIONS = ("config", "workers", "base_port", "host", "speed", "read_only")
SCREEN_OPTIONS = ("ascii", "slow", "mouse")


def overrides(options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Return the typed options as a tree in the shape of the configuration file."""
    pool = {key: getattr(options, key) for key in ("workers", "base_port", "host") if hasattr(options, key)}
    ui: dict[str, object] = {key: True for key in ("slow", "mouse") if hasattr(options, key)}
    if hasattr(options, "ascii"):
        ui["glyphs"] = "ascii"
    return {name: keys for name, keys in (("pool", pool), ("ui", ui)) if keys}


def count(text: str) -> int:
    return _whole(text, 1, 1000, "a number of workers from 1 to 1000")


def views(text: str) -> int:
    return _whole(text, 1, 16, "a number of pages from 1 to 16")


def port(text: str) -> int:
    return _whole(text, 1, 65535, "a port from 1 to 65535")


def listen_port(text: str) -> int:
    return _whole(text, 0, 65535, "a port from 1 to 65535, or 0 for a free one")


def host(text: str) -> str:
    """Return a text that has the form of a host name or an address. Raises ArgumentTypeError."""
    from metabonk_tui.core.config.consistency import is_host

    if not is_host(text):
        raise argparse.ArgumentTypeError(f"expected a host name or an address, found {text[:80]!r}")
    return text


def pid(text: str) -> int:
    return _whole(text, 2, 2**22, "a process id from 2 to 4194304")


def factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value <= 10_000):
        raise argparse.ArgumentTypeError(f"expected a number above 0, at most 10000, found {text!r}")
    return value


def hours(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value <= 1000):
        raise argparse.ArgumentTypeError(f"expected hours above 0, at most 1000, found {text!r}")
    return value


def duration_s(text: str) -> float:
    """Parse a duration like 90s, 10m or 1h30m into seconds; a bare number is seconds."""
    parts = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not parts or not text.strip():
        raise argparse.ArgumentTypeError(f"expected a duration like 90s, 10m or 1h, found {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total <= 0:
        raise argparse.ArgumentTypeError(f"expected a duration above zero, found {text!r}")
    return total


def _whole(text: str, least: int, most: int, what: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"expected {what}, found {text!r}")
    return int(text)
