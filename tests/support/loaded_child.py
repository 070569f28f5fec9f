"""Runs the program, and writes which modules are imported to two files.

The file in `LOADED` is written when the screens have drawn, and the same with `.first` at the first picture.
"""

import os
import sys
from pathlib import Path

from metabonk_tui.cli import entry
from metabonk_tui.cli.live import first_frame, open_app

open_app.FIRST_WAIT_S = 60.0
draw, settle = first_frame.draw, first_frame.settle
PATH = Path(os.environ["LOADED"])


def write_modules(path: Path) -> None:
    path.with_suffix(".part").write_text("\n".join(sys.modules), encoding="utf-8")
    path.with_suffix(".part").rename(path)


def draw_and_write(sequence: str) -> None:
    draw(sequence)
    write_modules(PATH.with_suffix(".first"))


def settle_and_write() -> None:
    settle()
    write_modules(PATH)


first_frame.draw, first_frame.settle = draw_and_write, settle_and_write
entry.run()
