"""Writes the man page from the parsers. Does not: install it."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui import __version__
from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.registry import SHARED_EXIT_CODES, VERBS, codes_of
from metabonk_tui.cli.shell.arguments import TypedArgument, arguments_of

FILES = (
    (
        "$XDG_CONFIG_HOME/metabonk-tui/config.toml",
        "Your configuration; `setup` writes it, and `config path` prints its place.",
    ),
    ("$XDG_CONFIG_HOME/metabonk-tui/themes/", "Your themes."),
    ("$XDG_STATE_HOME/metabonk-tui/", "Recordings, locks and the log."),
)
ENVIRONMENT = (
    ("METABONK_TUI_CONFIG", "The configuration file; --config wins over it."),
    ("METABONK_TUI_STATE_DIR", "The folder of recordings, locks and the log."),
    ("NO_COLOR", "No colours."),
)


def man_page() -> str:
    """Return the page in roff. Imports the module of every verb."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- a terminal monitor for MetaBonk training"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}"
    yield _text("[options] [verb] [options]")
    yield ".SH DESCRIPTION"
    yield _text(
        "Shows what the workers learn, when memory will run out, and what to do next. "
        "Without a verb it opens the monitor."
    )
    yield ".SH OPTIONS"
    yield _text("These come before the verb, or after a verb that has them.")
    shared = arguments_of("")
    yield from _arguments(shared)
    yield ".SH VERBS"
    for verb, entry in VERBS.items():
        arguments = arguments_of(verb)
        places = " ".join(_place(argument) for argument in arguments if not argument.names)
        yield f".SS {_text(f'{verb} {places}'.strip())}"
        yield _text(entry.what[:1].upper() + entry.what[1:] + ".")
        yield from _arguments(tuple(argument for argument in arguments if argument not in shared))
        if also := [argument.names[0] for argument in arguments if argument in shared and argument.names[0] != "-h"]:
            yield ".PP"
            yield _text(f"Also takes, as above: {', '.join(also)}.")
        if entry.examples:
            yield ".PP"
            yield "Examples:"
            yield from _preformatted(f"{PROGRAM} {example}" for example in entry.examples)
        if codes := codes_of(verb):
            yield ".PP"
            yield _text(f"Exit codes: {codes}.")
    yield ".SH EXIT STATUS"
    yield _text(f"0 done. Verbs with codes of their own list them. All verbs: {SHARED_EXIT_CODES}.")
    for title, entries in (("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, about in entries:
            yield from (".TP", f"\\fI{_text(name)}\\fR", _text(about))


def _place(argument: TypedArgument) -> str:
    return f"[{'|'.join(argument.choices) or argument.metavar}]"


def _arguments(arguments: tuple[TypedArgument, ...]) -> Iterator[str]:
    for argument in arguments:
        if argument.names == ("-h", "--help"):
            continue
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in argument.names)
        value = f"\\fI{_text(argument.metavar)}\\fR" if argument.takes_value else ""
        yield ".TP"
        yield " ".join(filter(None, (names, value)))
        about = argument.help
        if argument.choices and argument.names:
            about += f" ({', '.join(argument.choices)})"
        yield _text(about)


def _preformatted(lines: Iterator[str]) -> Iterator[str]:
    yield from (".PP", ".nf", ".RS 4")
    for line in lines:
        yield _text(line)
    yield from (".RE", ".fi")


def _text(text: str) -> str:
    """Escape a text for roff: no character of it is a command."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
