"""`config`: prints where the configuration is, its mistakes, its values or its manual; `config init` writes the file.

Does not: overwrite a file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from metabonk_tui.adapters.files.kind import is_dir, may_exist
from metabonk_tui.adapters.state.config_files import load_config, user_config_path
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_DONE
from metabonk_tui.cli.options import PROGRAM, Parser, add_pool_options, overrides
from metabonk_tui.core.config.load import ConfigError, printable
from metabonk_tui.core.text.phrases import count_of

if TYPE_CHECKING:
    from metabonk_tui.core.config.mistakes import Mistake
    from metabonk_tui.core.config.schema import Config


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("path", "check", "show", "manual", "init"),
        default="show",
        help="path: print the file in use or its place · check: list every mistake · show: print every value · "
        "manual: print every key with its default and meaning · init: write your file, with every key as a comment",
    )
    add_pool_options(parser, has_clock=False)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the requested view. Raises ConfigError, exit code 78, for a configuration that cannot be used."""
    if options.what == "path":
        return _path(options)
    if options.what == "check":
        return _check(options)
    if options.what == "init":
        return _init(options)
    if options.what == "manual":
        sys.stdout.write(default_config_text())
        return DONE
    loaded = load_config(getattr(options, "config", None), overrides(options))
    where = f"{loaded.path} ({loaded.origin})" if loaded.path else loaded.origin
    _check_command_keys(loaded.config.keys, str(loaded.path or loaded.origin))
    import tomli_w

    print(f"# in effect, from: {where}", file=sys.stderr)
    sys.stdout.write(tomli_w.dumps(printable(loaded.config)))
    return DONE


def _init(options: argparse.Namespace) -> int:
    """Write the user's file; return 0, 1 where that fails, or 2 where a file is there."""
    from metabonk_tui.cli.setup.config_file import WriteError, target_path, write_config
    from metabonk_tui.cli.verbs.schema import schema_text

    path = target_path(getattr(options, "config", None))
    if os.path.lexists(path):
        print(
            f"{path} exists: nothing was written; every key with its meaning: {PROGRAM} config manual", file=sys.stderr
        )
        return NOT_DONE
    try:
        for line in write_config(path, {}, schema_text("config") + "\n"):
            print(line)
    except WriteError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return FAILED
    return DONE


def _check(options: argparse.Namespace) -> int:
    """Check values against each other and against this machine. Raises ConfigError with a line for every mistake."""
    from metabonk_tui.adapters.state.config_check import check_config

    checked = check_config(getattr(options, "config", None), overrides(options), more=_of_keys)
    if checked.mistakes:
        count = count_of(len(checked.mistakes), "mistake")
        raise ConfigError("\n".join([*checked.mistakes, f"{count} in {checked.where}"]))
    load_config(getattr(options, "config", None), overrides(options))
    print(f"ok: {checked.where}")
    return DONE


def _path(options: argparse.Namespace) -> int:
    from metabonk_tui.adapters.state.config_files import find_config

    path, origin = find_config(getattr(options, "config", None))
    place = path or user_config_path()
    print(place)
    if path is not None and may_exist(path):
        print(f"in effect: {origin}", file=sys.stderr)
        return DONE
    folder = place.absolute().parent
    missing = "no such file yet" if is_dir(folder) else f"no such file yet, and no folder {folder}"
    effect = (
        f"{origin} names it, and a named file must exist"
        if path is not None
        else "the packaged defaults are in effect"
    )
    print(f"{missing}: {effect}; {PROGRAM} setup writes it, or config init without questions", file=sys.stderr)
    return DONE


def _check_command_keys(keys: Mapping[str, str | list[str]], where: str) -> None:
    """Raise ConfigError for a command that does not exist, or a key that two commands want."""
    if keys != {"layout": "us"}:
        from metabonk_tui.ui.key_map import key_table

        key_table(keys, where)


def _of_keys(config: Config) -> Iterable[Mistake]:
    """List the mistakes of `[keys]`. The commands of the screens are imported only where it names some."""
    if config.keys == {"layout": "us"}:
        return ()
    from metabonk_tui.ui.key_map import key_mistakes

    return key_mistakes(config)
