"""Writes the man page and the completions into `share/`, from the parsers: `make share`.

Does not: install them. The wheel carries them; a test compares them with the parsers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.shell.completion import completion_script
from metabonk_tui.cli.shell.man_page import man_page

SHARE = Path(__file__).resolve().parents[1] / "share"
FILES: dict[str, Callable[[], str]] = {
    f"man/man1/{PROGRAM}.1": man_page,
    f"bash-completion/completions/{PROGRAM}": lambda: completion_script("bash"),
    f"zsh/site-functions/_{PROGRAM}": lambda: completion_script("zsh"),
    f"fish/vendor_completions.d/{PROGRAM}.fish": lambda: completion_script("fish"),
}
"""Each file below `share/`, where man and the shells look for it, and what writes its text."""


if __name__ == "__main__":
    for name, text in FILES.items():
        (SHARE / name).parent.mkdir(parents=True, exist_ok=True)
        (SHARE / name).write_text(text(), encoding="utf-8")
