"""Judges whether the launcher's Python has the modules that the workers import.

Pure. A Python that was not asked is unknown, never a pass.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.launch.checklist import ChecklistItem

ITEM_ID, TITLE = "imports", "modules that the workers import"
ImportLevel = Literal["needed", "kept", "optional"]
"""What follows from a missing module: the import fails; the error is kept for later; another way is taken."""


class MissingModule(Struct, frozen=True):
    """A module that a file of the checkout imports and the launcher's Python cannot."""

    name: str
    level: ImportLevel
    how: Literal["missing", "broken"]
    """"broken": a file of the checkout with a syntax error, or not readable."""
    where: str
    """The file and line that imports it; of a broken file, the error's."""

    @property
    def text(self) -> str:
        return f"{self.name} is {self.how} ({self.where})"


class ImportProbe(Struct, frozen=True):
    """What the launcher's Python answered."""

    python: str
    """Its command and version: "python3 3.11.7"."""
    files: int
    """The number of files of the checkout whose imports were followed."""
    whole: bool
    missing: tuple[MissingModule, ...] = ()


def imports_item(probe: ImportProbe | str, *, is_checkout: bool = True) -> ChecklistItem:
    """Judge the answer; a text is the reason why there is none."""
    if isinstance(probe, str):
        if not is_checkout:
            return ChecklistItem(ITEM_ID, TITLE, "SKIPPED", (probe,))
        return ChecklistItem(ITEM_ID, TITLE, "UNKNOWN", (probe,), "try it: PYTHON -c 'import MODULE'")
    needed = tuple(module.text for module in probe.missing if module.level == "needed")
    kept = tuple(f"{m.text}; the error is kept for later" for m in probe.missing if m.level == "kept")
    optional = tuple(f"{m.text}; the code goes on without" for m in probe.missing if m.level == "optional")
    fix = f"install them for {probe.python}, or name MetaBonk's own python in pool.launcher.launch"
    if needed:
        first = f"{probe.python} cannot import what the workers need: {needed[0]}"
        return ChecklistItem(ITEM_ID, TITLE, "FAIL", (first, *needed[1:], *kept), fix)
    if kept:
        return ChecklistItem(ITEM_ID, TITLE, "UNKNOWN", kept, fix)
    if not probe.whole:
        why = f"only the first {probe.files} files were followed"
        return ChecklistItem(ITEM_ID, TITLE, "UNKNOWN", (why, *optional))
    seen = f"{probe.python} has all that {probe.files} files import"
    return ChecklistItem(ITEM_ID, TITLE, "PASS", (seen, *optional))
