"""Writes the completion scripts for bash, zsh and fish. Does not: install them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.registry import VERBS
from metabonk_tui.cli.shell.arguments import TypedArgument, arguments_of

SHELLS = ("bash", "zsh", "fish")
FUNCTION = "_metabonk_tui"
LIST_RUNS = f"{PROGRAM} completion runs 2>/dev/null"
"""Prints the names of the recorded runs; a shell calls it when a run may be typed."""


def completion_script(shell: str) -> str:
    """Return the script for one of `SHELLS`. Imports the module of every verb."""
    verbs = {verb: arguments_of(verb) for verb in ("", *VERBS)}
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](verbs)


def _options(arguments: tuple[TypedArgument, ...]) -> list[str]:
    return [name for argument in arguments for name in argument.names]


def _positional(arguments: tuple[TypedArgument, ...]) -> tuple[list[str], bool, bool]:
    """Return (choices, whether a run, whether a file) of the positional arguments of a verb."""
    places = [argument for argument in arguments if not argument.names]
    choices = [choice for argument in places for choice in argument.choices]
    return choices, any(place.names_run for place in places), any(place.names_file for place in places)


def _bash(verbs: dict[str, tuple[TypedArgument, ...]]) -> str:
    return "\n".join(
        [
            f"# bash completion of {PROGRAM}; made by: {PROGRAM} completion bash",
            f"{FUNCTION}() {{",
            '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" verb="" word',
            '    local options="" choices="" runs="" files=""',
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            f'        case "$word" in {"|".join(VERBS)}) verb="$word"; break;; esac',
            "    done",
            "    COMPREPLY=()",
            '    case "$verb:$prev" in',
            *_bash_values(verbs),
            "    esac",
            '    case "$verb" in',
            *_bash_verbs(verbs),
            "    esac",
            '    if [[ "$cur" == -* ]]; then choices="$options"; runs=""; files=""; fi',
            f'    if [[ -n "$runs" ]]; then choices="$choices last $({LIST_RUNS})"; fi',
            '    COMPREPLY=($(compgen -W "$choices" -- "$cur"))',
            '    if [[ -n "$files" ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi',
            "}",
            f"complete -o filenames -F {FUNCTION} {PROGRAM}",
            "",
        ]
    )


def _bash_values(verbs: dict[str, tuple[TypedArgument, ...]]) -> Iterator[str]:
    for verb, arguments in verbs.items():
        for argument in arguments:
            if not argument.names or not argument.takes_value:
                continue
            places = "|".join(f'"{verb}:{name}"' for name in argument.names)
            if argument.choices:
                found = f'COMPREPLY=($(compgen -W "{" ".join(argument.choices)}" -- "$cur")); '
            else:
                found = 'COMPREPLY=($(compgen -f -- "$cur")); ' if argument.names_file else ""
            yield f"        {places}) {found}return;;"


def _bash_verbs(verbs: dict[str, tuple[TypedArgument, ...]]) -> Iterator[str]:
    for verb, arguments in verbs.items():
        choices, runs, files = _positional(arguments)
        words = " ".join([*choices, *(VERBS if not verb else ())])
        yield (
            f'        "{verb}") options="{" ".join(_options(arguments))}"; choices="{words}"; '
            f"runs={'yes' if runs else ''}; files={'yes' if files else ''};;"
        )


def _zsh(verbs: dict[str, tuple[TypedArgument, ...]]) -> str:
    lines = [
        f"#compdef {PROGRAM}",
        f"# zsh completion of {PROGRAM}; made by: {PROGRAM} completion zsh",
        f"{FUNCTION}_runs() {{",
        f'    local -a runs; runs=(last ${{(f)"$({LIST_RUNS})"}})',
        "    compadd -a runs",
        "    _files",
        "}",
        f"{FUNCTION}() {{",
        "    local verb word; local -a verbs",
        '    for word in "${(@)words[2,CURRENT-1]}"; do',
        f'        case "$word" in {"|".join(VERBS)}) verb="$word"; break;; esac',
        "    done",
        '    if [[ -z "$verb" && "$PREFIX" != -* ]]; then',
        "        verbs=(",
        *(f"            {_zsh_quoted(f'{verb}:{entry.what}')}" for verb, entry in VERBS.items()),
        "        )",
        "        _describe verb verbs",
        "        return",
        "    fi",
        '    case "$verb" in',
    ]
    for verb, arguments in verbs.items():
        specs = [spec for argument in arguments for spec in _zsh_specs(argument)]
        lines.append(f'    "{verb}")')
        if verb:
            # The words up to the verb are options before it: _arguments sees only what follows.
            lines.append('        while [[ "$words[1]" != "$verb" ]]; do shift words; (( CURRENT-- )); done')
        lines += ["        _arguments \\", *(f"            {spec} \\" for spec in specs), "        ;;"]
    return "\n".join([*lines, "    esac", "}", f'{FUNCTION} "$@"', ""])


def _zsh_specs(argument: TypedArgument) -> Iterator[str]:
    about = re.sub(r"[\[\]:\\]", " ", argument.help)
    if argument.choices:
        values = f"({' '.join(argument.choices)})"
    else:
        values = f"{FUNCTION}_runs" if argument.names_run else "_files" if argument.names_file else " "
    if not argument.names:
        yield _zsh_quoted(f"*:{argument.metavar.lower()}:{values}")
    for name in argument.names:
        value = f":{argument.metavar.lower().replace(':', ' ')}:{values}" if argument.takes_value else ""
        yield _zsh_quoted(f"{name}[{about}]{value}")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(verbs: dict[str, tuple[TypedArgument, ...]]) -> str:
    seen = "__fish_seen_subcommand_from"
    lines = [
        f"# fish completion of {PROGRAM}; made by: {PROGRAM} completion fish",
        f"complete -c {PROGRAM} -f",
        *(
            f"complete -c {PROGRAM} -n 'not {seen} {' '.join(VERBS)}' -a {verb} -d {_fish_quoted(entry.what)}"
            for verb, entry in VERBS.items()
        ),
    ]
    for verb, arguments in verbs.items():
        condition = f"{seen} {verb}" if verb else f"not {seen} {' '.join(VERBS)}"
        for argument in arguments:
            lines.append(f"complete -c {PROGRAM} -n '{condition}'{_fish_words(argument)}")
    return "\n".join([*lines, ""])


def _fish_words(argument: TypedArgument) -> str:
    words = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in argument.names)
    if argument.takes_value and argument.names:
        words += " -r"
    values = [*argument.choices, *([f"last ({LIST_RUNS})"] if argument.names_run else [])]
    if values:
        words += f" -a {_fish_quoted(' '.join(values))}"
    if argument.names_file:
        words += " -F"
    return f"{words} -d {_fish_quoted(argument.help)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
