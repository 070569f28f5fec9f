"""Loads themes from TOML files: the packaged ones and the user's. A broken file gives a warning, never a crash.

Does not: know what a token is for (`theme` does).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from metabonk_tui.core.config.load import explain_toml
from metabonk_tui.core.text.similar import most_similar
from metabonk_tui.ui.style.theme import TOKENS, Theme, TokenStyle

DEFAULT = "dark"
ORDER = ("dark", "light", "high-contrast", "high-contrast-light", "colour-blind", "ansi-16")
"""The monitor's own themes come first; the palettes that people know follow by name."""
COLORS = (
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
    "bright_black", "bright_red", "bright_green", "bright_yellow", "bright_blue", "bright_magenta", "bright_cyan",
    "bright_white",
)  # fmt: skip
ATTRIBUTES = ("bold", "dim", "underline", "reverse")
_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")


def load_themes(
    packaged: Path, user: Path | None, read_text: Callable[[Path], str]
) -> tuple[dict[str, Theme], tuple[str, ...]]:
    """Load every theme: the packaged ones first, then the user's, which replace those of the same name.

    Returns (themes by name, warnings). A warning names the file, the line and the key. A token that is missing or
    not valid takes the style of `dark`. `read_text` reads one file and raises OSError for what is no small regular
    file. Raises OSError only when `dark` itself cannot be read.
    """
    warnings: list[str] = []
    base = _parse(packaged / f"{DEFAULT}.toml", {}, {}, warnings, read_text)
    if base is None or len(base.words) < len(TOKENS):
        raise OSError(f"the packaged theme {packaged / DEFAULT}.toml cannot be used: {'; '.join(warnings)}")
    themes: dict[str, Theme] = {DEFAULT: base}
    for path in (*_files(packaged), *(_files(user) if user else ())):
        if path != packaged / f"{DEFAULT}.toml":
            theme = _parse(path, dict(base.words), dict(base.glyphs), warnings, read_text)
            if theme is not None:
                themes[theme.name] = theme
    return themes, tuple(warnings)


def _files(folder: Path) -> Iterator[Path]:
    rank = {name: i for i, name in enumerate(ORDER)}
    yield from sorted(folder.glob("*.toml"), key=lambda path: (rank.get(path.stem, len(rank)), path.stem))


def _parse(
    path: Path,
    words: dict[str, TokenStyle],
    glyphs: dict[str, TokenStyle],
    warnings: list[str],
    read_text: Callable[[Path], str],
) -> Theme | None:
    try:
        text = read_text(path)
        tree = tomllib.loads(f"{text}\n")
    except tomllib.TOMLDecodeError as error:
        problem = explain_toml(text, str(error))
        warnings.append(f"theme {path.name}: not used, it is not valid TOML: {_printable(problem)}")
        return None
    except RecursionError:
        warnings.append(f"theme {path.name}: not used, its brackets are nested too deeply")
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        warnings.append(f"theme {path.name}: not used, it cannot be read: {_printable(why)}")
        return None
    # A token under [tokens] applies to glyphs too, unless [glyphs] sets it.
    for table, into in (("tokens", words), ("glyphs", glyphs)):
        for key, value in _table(tree, table, path, text, warnings):
            token_style = _token_style(value)
            if isinstance(token_style, str):
                warnings.append(f"theme {path.name}, line {_line(text, table, key)}: {table}.{key}: {token_style}")
            else:
                into[key] = token_style
                if table == "tokens":
                    glyphs.pop(key, None)
    for key in tree.keys() - {"tokens", "glyphs"}:
        line = _line(text, "", key) or _line(text, key, "")
        warnings.append(
            f"theme {path.name}, line {line}: {_printable(key)}: unknown; known here: [tokens] and [glyphs]"
        )
    return Theme(_printable(path.stem), words, glyphs)


def _table(
    tree: dict[str, Any], table: str, path: Path, text: str, warnings: list[str]
) -> Iterator[tuple[str, object]]:
    found = tree.get(table, {})
    if not isinstance(found, dict):
        warnings.append(f"theme {path.name}, line {_line(text, '', table)}: {table}: expected a table [{table}]")
        return
    for key, value in found.items():
        if key in TOKENS:
            yield key, value
        else:
            near = most_similar(key, TOKENS)
            hint = f"did you mean `{near}`?" if near else f"known tokens: {', '.join(TOKENS)}"
            line = _line(text, table, key)
            warnings.append(f"theme {path.name}, line {line}: {table}.{_printable(key)}: unknown token; {hint}")


def _token_style(value: object) -> TokenStyle | str:
    """Parse "#rrggbb", "default" or a colour name, then attributes; return an error as text."""
    if not isinstance(value, str):
        return f'expected text like "#79b8ff" or "default bold", found {_printable(repr(value))}'
    color = ""
    attributes: dict[str, bool] = {}
    for i, word in enumerate(value.split()):
        if word in ATTRIBUTES:
            attributes[word] = True
        elif i == 0 and (_HEX.match(word) or word in COLORS):
            color = word.lower()
        elif not (i == 0 and word == "default"):
            words = (*ATTRIBUTES, *(("default", *COLORS) if i == 0 else ()))
            near = most_similar(word, words)
            hint = f"; did you mean `{near}`?" if near else ""
            return f"`{_printable(word)}` is not a colour like #79b8ff, a colour name or an attribute{hint}"
    return TokenStyle(color, **attributes) if value.strip() else "empty"


def _line(text: str, table: str, key: str) -> int:
    """Return the line of a key in a table; `key` "": of the table; `table` "": of a top-level key. 0: not found."""
    now = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*\"?([^\]\"]+?)\"?\s*\]", line)
        if head:
            now = head[1]
            if not key and now == table:
                return number
        elif key and now == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return 0


def _printable(text: str, limit: int = 120) -> str:
    """Replace unprintable characters and cut to `limit` characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:limit]
